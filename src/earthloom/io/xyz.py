"""A folder of tiles, `{z}/{x}/{y}.png`, with a metadata.json like TileJSON."""

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from earthloom.errors import SourceError
from earthloom.geo.tiles import TILE_PX
from earthloom.geo.windows import Window
from earthloom.io.levels import Advance
from earthloom.io.staging import need_space
from earthloom.io.tiling import Tiling

METADATA = "metadata.json"
"""The file that makes a folder one of ours."""

NUM_TILES = "earthloom:tiles"
"""How many were written, in the metadata."""

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")
"""Tile images that are read."""


def write_xyz(folder: Path, tiling: Tiling, tags: Mapping[str, str], *, advance: Advance) -> None:
    """Write a tiling as a folder."""
    folder.mkdir()
    num_tiles = 0
    for tile, image in tiling.images(advance):
        num_tiles += 1
        need_space(folder, len(image))
        path = folder / str(tile.z) / str(tile.x) / f"{tile.y}.{tiling.suffix}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(image)
    facts = {
        "tilejson": "3.0.0",
        **tiling.metadata(folder, tags),
        "tiles": [f"{{z}}/{{x}}/{{y}}.{tiling.suffix}"],
        "scheme": "xyz",
        "bounds": list(tiling.bounds),
        "center": list(tiling.centre),
        "minzoom": tiling.zooms[0],
        "maxzoom": tiling.zooms[-1],
        "tileSize": TILE_PX,
        NUM_TILES: num_tiles,
    }
    (folder / METADATA).write_text(json.dumps(facts, indent=2) + "\n")


def is_xyz(folder: Path) -> bool:
    """Say whether a folder has a metadata.json like those of `write_xyz`."""
    try:
        metadata = json.loads((folder / METADATA).read_text())
    except (OSError, ValueError):
        return False
    return isinstance(metadata, dict) and "tilejson" in metadata


class Folder:
    """`{z}/{x}/{y}.png` and the like; rows count from the south if metadata.json says `"scheme": "tms"`."""

    def __init__(self, path: Path) -> None:
        """List the folder.

        Raises:
            SourceError: If it holds no tiles, or one twice.
        """
        self.path = path
        self._files: dict[int, dict[tuple[int, int], Path]] = {}
        south = self._scheme() == "tms"
        for file in sorted(path.glob("*/*/*")):
            numbers = (file.parent.parent.name, file.parent.name, file.stem)
            if file.suffix.lower() not in SUFFIXES or not all(number.isdecimal() for number in numbers):
                continue
            z, x, y = map(int, numbers)
            if z > 30 or max(x, y) >= 1 << z:
                raise SourceError(f"{file}: there is no such tile: at zoom {z} columns and rows run 0..{(1 << z) - 1}")
            tiles = self._files.setdefault(z, {})
            place = (x, (1 << z) - 1 - y if south else y)
            if place in tiles:
                raise SourceError(f"{file}: {tiles[place].name} is the same tile: keep one of the two")
            tiles[place] = file
        if not self._files:
            raise SourceError(f"{path}: is a folder without tiles: give one image file, or a folder of Z/X/Y.png tiles")

    @property
    def zooms(self) -> tuple[int, ...]:
        """Zooms that hold tiles, coarsest first."""
        return tuple(sorted(self._files))

    def span(self, zoom: int) -> Window:
        """Return the columns and rows that hold tiles."""
        return _around(self._files[zoom])

    def places(self, zoom: int) -> Iterator[tuple[int, int]]:
        """Give (x, y) of the tiles of a zoom."""
        return iter(self._files[zoom])

    def get(self, zoom: int, x: int, y: int) -> bytes | None:
        """Return an encoded tile; None if there is none."""
        file = self._files[zoom].get((x, y))
        try:
            return None if file is None else file.read_bytes()
        except OSError as error:
            raise SourceError(f"{file}: cannot be read: {error.strerror}") from error

    def _scheme(self) -> Any:
        try:
            return json.loads((self.path / METADATA).read_text()).get("scheme")
        except (OSError, ValueError, AttributeError):
            return None


def _around(places: Iterable[tuple[int, int]]) -> Window:
    """Return the columns and rows of some tiles."""
    columns, rows = zip(*places, strict=True)
    return Window.spanning(min(columns), min(rows), max(columns) + 1, max(rows) + 1)
