"""A folder of tiles, `{z}/{x}/{y}.png`, with a metadata.json like TileJSON."""

import json
from collections.abc import Mapping
from pathlib import Path

from earthloom.geo.tiles import TILE_PX
from earthloom.io.levels import Advance
from earthloom.io.staging import need_space
from earthloom.io.tiling import Tiling

METADATA = "metadata.json"
"""The file that makes a folder one of ours."""


def write_xyz(folder: Path, tiling: Tiling, tags: Mapping[str, str], *, advance: Advance) -> None:
    """Write a tiling as a folder."""
    folder.mkdir()
    for tile, image in tiling.images(advance):
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
    }
    (folder / METADATA).write_text(json.dumps(facts, indent=2) + "\n")


def is_xyz(folder: Path) -> bool:
    """Say whether a folder is one that `write_xyz` made."""
    try:
        return "tilejson" in json.loads((folder / METADATA).read_text())
    except (OSError, ValueError):
        return False
