"""MBTiles 1.3: tiles in one SQLite file, rows counted from the south."""

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

from earthloom.errors import SourceError
from earthloom.geo.windows import Window
from earthloom.io.levels import Advance
from earthloom.io.staging import need_space
from earthloom.io.tiling import Tiling

_SCHEMA = """
PRAGMA application_id = 0x4d504258;
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
CREATE TABLE metadata (name text, value text);
CREATE TABLE tiles (zoom_level integer, tile_column integer, tile_row integer, tile_data blob);
CREATE UNIQUE INDEX name ON metadata (name);
CREATE UNIQUE INDEX tile_index ON tiles (zoom_level, tile_column, tile_row);
"""


def write_mbtiles(path: Path, tiling: Tiling, tags: Mapping[str, str], *, advance: Advance) -> None:
    """Write a tiling as MBTiles; equal tilings give equal bytes."""
    with closing(sqlite3.connect(path)) as database, database:
        database.executescript(_SCHEMA)
        database.executemany("INSERT INTO metadata VALUES (?, ?)", tiling.metadata(path, tags).items())
        for tile, image in tiling.images(advance):
            need_space(path.parent, len(image))
            south_row = (1 << tile.z) - 1 - tile.y
            database.execute("INSERT INTO tiles VALUES (?, ?, ?, ?)", (tile.z, tile.x, south_row, image))


class MBTiles:
    """One SQLite file; rows count from the south."""

    def __init__(self, path: Path) -> None:
        """Look at the tables.

        Raises:
            SourceError: If there is no table of tiles, none in it, or one that no zoom has.
        """
        self.path = path
        with self._database() as database:
            rows = database.execute(
                "SELECT zoom_level, min(tile_column), min(tile_row), max(tile_column), max(tile_row) "
                "FROM tiles GROUP BY zoom_level"
            ).fetchall()
        self._spans: dict[int, Window] = {}
        for zoom, *ends in rows:
            numbers = all(isinstance(number, int) for number in (zoom, *ends))
            if not (numbers and 0 <= zoom <= 30 and min(ends) >= 0 and max(ends) < 1 << zoom):
                raise SourceError(
                    f"{path}: zoom {zoom} has no tiles from column {ends[0]}, row {ends[1]} to column {ends[2]}, "
                    f"row {ends[3]}: make the file again"
                )
            left, bottom, right, top = ends
            size = 1 << zoom
            self._spans[zoom] = Window.spanning(left, size - 1 - top, right + 1, size - bottom)
        if not self._spans:
            raise SourceError(f"{path}: holds no tiles: give an archive with some")

    @property
    def zooms(self) -> tuple[int, ...]:
        """Zooms that hold tiles, coarsest first."""
        return tuple(sorted(self._spans))

    def span(self, zoom: int) -> Window:
        """Return the columns and rows that hold tiles."""
        return self._spans[zoom]

    def places(self, zoom: int) -> Iterator[tuple[int, int]]:
        """Give (x, y) of the tiles of a zoom."""
        with self._database() as database:
            query = "SELECT tile_column, tile_row FROM tiles WHERE zoom_level = ?"
            for x, south in database.execute(query, (zoom,)):
                yield x, (1 << zoom) - 1 - south

    def get(self, zoom: int, x: int, y: int) -> bytes | None:
        """Return an encoded tile; None if there is none."""
        query = "SELECT tile_data FROM tiles WHERE zoom_level = ? AND tile_column = ? AND tile_row = ?"
        with self._database() as database:
            found = database.execute(query, (zoom, x, (1 << zoom) - 1 - y)).fetchone()
        return None if found is None or found[0] is None else bytes(found[0])

    @contextmanager
    def _database(self) -> Iterator[sqlite3.Connection]:
        try:
            with closing(sqlite3.connect(f"{self.path.absolute().as_uri()}?mode=ro", uri=True)) as database:
                yield database
        except sqlite3.Error as error:
            raise SourceError(
                f"{self.path}: no MBTiles, or a damaged one ({error}): make it again or give an image"
            ) from error
