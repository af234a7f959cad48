"""Sets of web map tiles as they lie on disk: where the encoded tiles are, before anyone looks into them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from earthloom.geo.windows import Window
from earthloom.io.mbtiles import MBTiles
from earthloom.io.pmtiles import PMTiles
from earthloom.io.xyz import Folder


class Archive(Protocol):
    """Encoded tiles by place; opened once a thread."""

    path: Path

    @property
    def zooms(self) -> tuple[int, ...]:
        """Zooms that hold tiles, coarsest first, as the archive counts them."""
        ...

    def span(self, zoom: int) -> Window:
        """Return the columns and rows of a zoom that may hold tiles, rows growing southward."""
        ...

    def places(self, zoom: int) -> Iterator[tuple[int, int]]:
        """Give (x, y) of the tiles of a zoom, or of all that may be there."""
        ...

    def get(self, zoom: int, x: int, y: int) -> bytes | None:
        """Return an encoded tile; None if there is none."""
        ...


def open_archive(path: Path) -> Archive | None:
    """Open a folder of tiles, an MBTiles or a PMTiles file; None if it is none of them.

    Raises:
        SourceError: If it is one, but damaged.
    """
    if path.is_dir():
        return Folder(path)
    try:
        with path.open("rb") as file:
            head = file.read(16)
    except OSError:
        return None
    if head.startswith(b"PMTiles"):
        return PMTiles(path)
    return MBTiles(path) if head.startswith(b"SQLite format 3\0") else None
