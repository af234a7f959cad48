"""Massachusetts roads: road against everything else, only where there is imagery."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from earthloom.data import class_sets
from earthloom.data.build import NUM_CLASSES, ROAD, About, Scene, read_rows
from earthloom.data.ortho import Orthoimage, Place
from earthloom.data.pairs import load_image

ABOUT = About(
    pack="mass_roads",
    licence="imagery public domain, roads ODbL 1.0",
    attribution="MassGIS; V. Mnih, Machine Learning for Aerial Image Labeling, 2013; "
    "roads (c) OpenStreetMap contributors, ODbL 1.0",
)
GSD_M = 1.0
CRS = "EPSG:26986"
"""Massachusetts State Plane; a name holds the first four digits of x and y of its tile's centre."""

VALIDATION = frozenset({"17278960_15", "23428525_15", "25979230_15"})


def scenes(source: Path) -> Iterator[Scene]:
    """Read one scene a tile; roads drawn on empty white ground are left unknown.

    The folder is as published, `sat/NAME.tiff` and `map/NAME.tif`, or has an `index.csv` of image, roads and valid.
    """
    for image, roads in _tiles(source):
        yield image.labelled(class_sets.versus(_mask(roads), image.valid_HW, class_id=ROAD, num_classes=NUM_CLASSES))


def images(source: Path) -> Iterator[Orthoimage]:
    """Read one image a tile."""
    return (image for image, _ in _tiles(source))


def _tiles(source: Path) -> Iterator[tuple[Orthoimage, Path]]:
    """Yield each tile with the file of its roads."""
    if (source / "sat").is_dir():
        for path in sorted((source / "sat").glob("*.tif*")):
            rgb_HW3 = load_image(path)
            valid_HW = np.asarray((rgb_HW3 < 255).any(axis=-1))
            yield _image(path.stem, rgb_HW3, valid_HW), source / "map" / f"{path.stem}.tif"
        return
    for row in read_rows(source, "image", "roads", "valid"):
        path = source / row["image"]
        yield _image(path.stem, load_image(path), _mask(source / row["valid"])), source / row["roads"]


def _image(name: str, rgb_HW3: NDArray[np.uint8], valid_HW: NDArray[np.bool_]) -> Orthoimage:
    return Orthoimage(
        name=name,
        site=f"massachusetts_{name}",
        split="val" if name in VALIDATION else "train",
        gsd_m=GSD_M,
        rgb_HW3=rgb_HW3,
        valid_HW=valid_HW,
        place=_place(name, *valid_HW.shape),
    )


def _place(name: str, height: int, width: int) -> Place:
    """Return where a tile lies, to within 50 m each way: names stop at the hundreds."""
    x_m, y_m = (int(digits) * 100 + 50 for digits in (name[:4], name[4:8]))
    return Place.north_up(CRS, left=x_m - width * GSD_M / 2, top=y_m + height * GSD_M / 2, pixel=GSD_M)


def _mask(path: Path) -> NDArray[np.bool_]:
    return load_image(path)[..., 0] > 127
