"""Massachusetts roads: road against everything else, only where there is imagery."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from earthloom.data import class_sets
from earthloom.data.build import NUM_CLASSES, ROAD, About, Scene, read_rows
from earthloom.data.pairs import load_image

ABOUT = About(
    pack="mass_roads",
    licence="imagery public domain, roads ODbL 1.0",
    attribution="MassGIS; V. Mnih, Machine Learning for Aerial Image Labeling, 2013; "
    "roads (c) OpenStreetMap contributors, ODbL 1.0",
)
GSD_M = 1.0
VALIDATION = frozenset({"17278960_15", "23428525_15", "25979230_15"})


def scenes(source: Path) -> Iterator[Scene]:
    """Read one scene a tile; roads drawn on empty white ground are left unknown.

    The folder is as published, `sat/NAME.tiff` and `map/NAME.tif`, or has an `index.csv` of image, roads and valid.
    """
    tiles = _published if (source / "sat").is_dir() else _indexed
    for name, rgb_HW3, road_HW, valid_HW in tiles(source):
        yield Scene(
            name=name,
            site=f"massachusetts_{name}",
            split="val" if name in VALIDATION else "train",
            gsd_m=GSD_M,
            rgb_HW3=rgb_HW3,
            sets_HW=class_sets.versus(road_HW, valid_HW, class_id=ROAD, num_classes=NUM_CLASSES),
        )


Tile = tuple[str, NDArray[np.uint8], NDArray[np.bool_], NDArray[np.bool_]]


def _published(source: Path) -> Iterator[Tile]:
    for image in sorted((source / "sat").glob("*.tif*")):
        rgb_HW3 = load_image(image)
        yield image.stem, rgb_HW3, _mask(source / "map" / f"{image.stem}.tif"), np.asarray((rgb_HW3 < 255).any(axis=-1))


def _indexed(source: Path) -> Iterator[Tile]:
    for row in read_rows(source, "image", "roads", "valid"):
        image = source / row["image"]
        yield image.stem, load_image(image), _mask(source / row["roads"]), _mask(source / row["valid"])


def _mask(path: Path) -> NDArray[np.bool_]:
    return load_image(path)[..., 0] > 127
