"""OpenAerialMap drone tiles: building against everything else; a site's z19 tiles are one mosaic."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from earthloom.data import class_sets
from earthloom.data.build import BUILDING, NUM_CLASSES, About, Scene, paste, read_rows
from earthloom.data.pairs import load_image

ABOUT = About(
    pack="oam",
    licence="imagery CC-BY 4.0, footprints ODbL 1.0",
    attribution="OpenAerialMap / HOT contributors, CC-BY 4.0; buildings (c) OpenStreetMap contributors, ODbL 1.0",
)
ZOOM = "19"
"""z20 shows the same ground again, finer than the map needs."""

TILE_PX = 256
VALIDATION = frozenset({"nairobi"})


def scenes(source: Path) -> Iterator[Scene]:
    """Stitch one scene a site; ground without a tile or without imagery is unknown."""
    rows = [
        row for row in read_rows(source, "image", "mask", "valid", "site", "z", "x", "y", "gsd") if row["z"] == ZOOM
    ]
    for site in sorted({row["site"] for row in rows}):
        yield _mosaic(source, site, [row for row in rows if row["site"] == site])


def _mosaic(source: Path, site: str, rows: list[dict[str, str]]) -> Scene:
    left, top = min(int(row["x"]) for row in rows), min(int(row["y"]) for row in rows)
    width = (max(int(row["x"]) for row in rows) - left + 1) * TILE_PX
    height = (max(int(row["y"]) for row in rows) - top + 1) * TILE_PX
    rgb_HW3 = np.zeros((height, width, 3), np.uint8)
    sets_HW = np.zeros((height, width), np.uint8)
    for row in rows:
        col_px, row_px = (int(row["x"]) - left) * TILE_PX, (int(row["y"]) - top) * TILE_PX
        building = load_image(source / row["mask"])[..., 0] > 127
        known = load_image(source / row["valid"])[..., 0] > 127 if row["valid"] else np.ones_like(building)
        sets = class_sets.versus(building, known, class_id=BUILDING, num_classes=NUM_CLASSES)
        paste(rgb_HW3, load_image(source / row["image"]), col=col_px, row=row_px)
        paste(sets_HW, sets, col=col_px, row=row_px)
    return Scene(
        name=site,
        site=site,
        split="val" if site in VALIDATION else "train",
        gsd_m=float(rows[0]["gsd"]),
        rgb_HW3=rgb_HW3,
        sets_HW=sets_HW,
    )
