"""Dubai: full land-cover labels; the nine parts of a tile are one mosaic."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from earthloom.data import class_sets
from earthloom.data.build import About, Scene, paste, read_rows
from earthloom.data.ortho import Orthoimage
from earthloom.data.pairs import load_ids, load_image
from earthloom.errors import DataError

ABOUT = About(pack="dubai", licence="CC0", attribution="Humans in the Loop / MBRSC, CC0")
GSD_M = 0.8
"""Estimated by the pack from vehicles and lanes; nobody measured it."""

VALIDATION = frozenset({"2", "5"})
"""Tiles 1 and 3 overlap, so both train."""


Rows = Sequence[dict[str, str]]


def scenes(source: Path) -> Iterator[Scene]:
    """Stitch one scene a tile."""
    for tile, rows in _tiles(source, "mask"):
        masks = [load_ids(source / row["mask"]) for row in rows]
        for row, mask in zip(rows, masks, strict=True):
            if int(mask.max()) > 5:
                raise DataError(f"{source / row['mask']} holds class id {mask.max()}; this pack has ids 0..5")
        yield _image(source, tile, rows).labelled(class_sets.exactly(_mosaic(rows, masks)))


def images(source: Path) -> Iterator[Orthoimage]:
    """Stitch one image a tile."""
    return (_image(source, tile, rows) for tile, rows in _tiles(source))


def _tiles(source: Path, *columns: str) -> Iterator[tuple[str, Rows]]:
    rows = read_rows(source, "image", "tile", "x0", "y0", "width", "height", *columns)
    for tile in sorted({row["tile"] for row in rows}):
        yield tile, [row for row in rows if row["tile"] == tile]


def _image(source: Path, tile: str, rows: Rows) -> Orthoimage:
    parts = [load_image(source / row["image"]) for row in rows]
    return Orthoimage(
        name=f"tile{tile}",
        site=f"dubai_{tile}",
        split="val" if tile in VALIDATION else "train",
        gsd_m=GSD_M,
        rgb_HW3=_mosaic(rows, parts),
        valid_HW=_mosaic(rows, [np.ones(part.shape[:2], np.uint8) for part in parts]) > 0,
    )


def _mosaic(rows: Rows, parts: Sequence[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    """Lay parts where their rows say; 0 elsewhere."""
    height = max(int(row["y0"]) + int(row["height"]) for row in rows)
    width = max(int(row["x0"]) + int(row["width"]) for row in rows)
    canvas = np.zeros((height, width, *parts[0].shape[2:]), np.uint8)
    for row, part in zip(rows, parts, strict=True):
        paste(canvas, part, col=int(row["x0"]), row=int(row["y0"]))
    return canvas
