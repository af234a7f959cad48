"""OpenAerialMap drone tiles: buildings, and roads where they were drawn; a site's z19 tiles are one mosaic.

The pack has footprints only. `oam_roads.json` adds the roads of all sites but nairobi, whose asphalt yards are
neither clearly road nor clearly not.
"""

import json
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from earthloom.data import class_sets
from earthloom.data.build import BUILDING, NUM_CLASSES, ROAD, About, Scene, paste, read_rows
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
    roads = json.loads(resources.files("earthloom.data").joinpath("oam_roads.json").read_text())
    for site in sorted({row["site"] for row in rows}):
        yield _mosaic(source, site, [row for row in rows if row["site"] == site], roads.get(site))


def _mosaic(source: Path, site: str, rows: list[dict[str, str]], roads: list[Any] | None) -> Scene:
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
    if roads is not None:
        _lay_roads(sets_HW, roads)
    return Scene(
        name=site,
        site=site,
        split="val" if site in VALIDATION else "train",
        gsd_m=float(rows[0]["gsd"]),
        rgb_HW3=rgb_HW3,
        sets_HW=sets_HW,
    )


def _lay_roads(sets_HW: NDArray[np.uint8], roads: list[Any]) -> None:
    """Let ground under a line be road and other ground not; buildings stand."""
    canvas = Image.new("1", sets_HW.shape[::-1])
    draw = ImageDraw.Draw(canvas)
    for width_px, line in roads:
        draw.line([tuple(point) for point in line], fill=1, width=width_px, joint="curve")
    ground_HW = class_sets.ids(sets_HW) != BUILDING
    road = 1 << (ROAD - 1)
    sets_HW[ground_HW] &= np.where(np.array(canvas), road, ~np.uint8(road))[ground_HW]
