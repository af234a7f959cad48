"""Dubai: full land-cover labels; the nine parts of a tile are one mosaic."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from earthloom.data import class_sets
from earthloom.data.build import About, Scene, paste, read_rows
from earthloom.data.pairs import load_ids, load_image
from earthloom.errors import DataError

ABOUT = About(pack="dubai", licence="CC0", attribution="Humans in the Loop / MBRSC, CC0")
GSD_M = 0.8
"""Estimated by the pack from vehicles and lanes; nobody measured it."""

VALIDATION = frozenset({"2", "5"})
"""Tiles 1 and 3 overlap, so both train."""


def scenes(source: Path) -> Iterator[Scene]:
    """Stitch one scene a tile."""
    rows = read_rows(source, "image", "mask", "tile", "x0", "y0", "width", "height")
    for tile in sorted({row["tile"] for row in rows}):
        yield _mosaic(source, tile, [row for row in rows if row["tile"] == tile])


def _mosaic(source: Path, tile: str, rows: list[dict[str, str]]) -> Scene:
    width = max(int(row["x0"]) + int(row["width"]) for row in rows)
    height = max(int(row["y0"]) + int(row["height"]) for row in rows)
    rgb_HW3 = np.zeros((height, width, 3), np.uint8)
    ids_HW = np.zeros((height, width), np.uint8)
    for row in rows:
        part = load_image(source / row["image"])
        mask = load_ids(source / row["mask"])
        if int(mask.max()) > 5:
            raise DataError(f"{source / row['mask']} holds class id {mask.max()}; this pack has ids 0..5")
        paste(rgb_HW3, part, col=int(row["x0"]), row=int(row["y0"]))
        paste(ids_HW, mask, col=int(row["x0"]), row=int(row["y0"]))
    return Scene(
        name=f"tile{tile}",
        site=f"dubai_{tile}",
        split="val" if tile in VALIDATION else "train",
        gsd_m=GSD_M,
        rgb_HW3=rgb_HW3,
        sets_HW=class_sets.exactly(ids_HW),
    )
