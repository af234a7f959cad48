"""OpenAerialMap drone tiles: buildings, and roads where they were drawn; a site's z19 tiles are one mosaic.

The pack has footprints only. `oam_roads.json` adds the roads of all sites but nairobi, whose asphalt yards are
neither clearly road nor clearly not.
"""

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from earthloom.data import class_sets
from earthloom.data.build import BUILDING, NUM_CLASSES, ROAD, About, Scene, paste, read_rows
from earthloom.data.ortho import Orthoimage, Place
from earthloom.data.pairs import load_image

ABOUT = About(
    pack="oam",
    licence="imagery CC-BY 4.0, footprints ODbL 1.0",
    attribution="OpenAerialMap / HOT contributors, CC-BY 4.0; buildings (c) OpenStreetMap contributors, ODbL 1.0",
)
ABOUT_PAIRS = replace(
    ABOUT,
    licence=f"{ABOUT.licence}, roads CC-BY 4.0",
    attribution=f"{ABOUT.attribution}; roads drawn for Earthloom over the imagery, CC-BY 4.0",
)
"""Of pairs, which hold the drawn roads; a catalog holds imagery."""

MAP_ZOOM = "19"
"""z20 shows the same ground again, finer than the map needs."""

TILE_PX = 256
COLUMNS = ("image", "valid", "site", "z", "x", "y", "gsd")
VALIDATION = frozenset({"nairobi"})

WEB_MERCATOR = "EPSG:3857"
HALF_WORLD_M = math.pi * 6378137.0
"""From the middle of Web Mercator's square to its edge."""

Rows = Sequence[dict[str, str]]


def scenes(source: Path) -> Iterator[Scene]:
    """Stitch one scene a site; ground without a tile or without imagery is unknown."""
    roads = json.loads(resources.files("earthloom.data").joinpath("oam_roads.json").read_text())
    rows_of_zoom = [row for row in read_rows(source, "mask", *COLUMNS) if row["z"] == MAP_ZOOM]
    for site, rows in _by_site(rows_of_zoom):
        image = _image(source, site, rows)
        building_HW = _mosaic(rows, [load_image(source / row["mask"])[..., 0] for row in rows]) > 127
        sets_HW = class_sets.versus(building_HW, image.valid_HW, class_id=BUILDING, num_classes=NUM_CLASSES)
        if site in roads:
            _lay_roads(sets_HW, roads[site])
        yield image.labelled(sets_HW)


def images(source: Path) -> Iterator[Orthoimage]:
    """Stitch one image a site from its finest tiles."""
    for site, rows in _by_site(read_rows(source, *COLUMNS)):
        finest = max(int(row["z"]) for row in rows)
        yield _image(source, site, [row for row in rows if int(row["z"]) == finest])


def _by_site(rows: Rows) -> Iterator[tuple[str, Rows]]:
    for site in sorted({row["site"] for row in rows}):
        yield site, [row for row in rows if row["site"] == site]


def _image(source: Path, site: str, rows: Rows) -> Orthoimage:
    return Orthoimage(
        name=site,
        site=site,
        split="val" if site in VALIDATION else "train",
        gsd_m=float(rows[0]["gsd"]),
        rgb_HW3=_mosaic(rows, [load_image(source / row["image"]) for row in rows]),
        valid_HW=_mosaic(rows, [_valid(source, row["valid"]) for row in rows]) > 127,
        place=_place(*_corner(rows), int(rows[0]["z"])),
    )


def _valid(source: Path, name: str) -> NDArray[np.uint8]:
    return load_image(source / name)[..., 0] if name else np.full((TILE_PX, TILE_PX), 255, np.uint8)


def _place(x: int, y: int, z: int) -> Place:
    tile_m = 2 * HALF_WORLD_M / 2**z
    left, top = x * tile_m - HALF_WORLD_M, HALF_WORLD_M - y * tile_m
    return Place.north_up(WEB_MERCATOR, left=left, top=top, pixel=tile_m / TILE_PX)


def _mosaic(rows: Rows, tiles: Sequence[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    """Lay tiles where they belong; 0 elsewhere."""
    left, top = _corner(rows)
    width = (max(int(row["x"]) for row in rows) - left + 1) * TILE_PX
    height = (max(int(row["y"]) for row in rows) - top + 1) * TILE_PX
    canvas = np.zeros((height, width, *tiles[0].shape[2:]), np.uint8)
    for row, tile in zip(rows, tiles, strict=True):
        paste(canvas, tile, col=(int(row["x"]) - left) * TILE_PX, row=(int(row["y"]) - top) * TILE_PX)
    return canvas


def _corner(rows: Rows) -> tuple[int, int]:
    """Return x and y of the tile that would be top left."""
    return min(int(row["x"]) for row in rows), min(int(row["y"]) for row in rows)


def _lay_roads(sets_HW: NDArray[np.uint8], roads: list[Any]) -> None:
    """Let ground under a line be road and other ground not; buildings stand."""
    canvas = Image.new("1", sets_HW.shape[::-1])
    draw = ImageDraw.Draw(canvas)
    for width_px, line in roads:
        draw.line([tuple(point) for point in line], fill=1, width=width_px, joint="curve")
    ground_HW = class_sets.ids(sets_HW) != BUILDING
    road = 1 << (ROAD - 1)
    sets_HW[ground_HW] &= np.where(np.array(canvas), road, ~np.uint8(road))[ground_HW]
