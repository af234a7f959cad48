"""MBTiles 1.3: tiles in one SQLite file, rows counted from the south."""

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

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
