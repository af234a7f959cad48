"""NAIP crops of Californian cities: vegetation against everything else, from the near-infrared band."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from earthloom.data import class_sets
from earthloom.data.build import NUM_CLASSES, VEGETATION, About, Scene, read_rows
from earthloom.data.ortho import Orthoimage, Place
from earthloom.data.pairs import load_ids, load_image

ABOUT = About(
    pack="naip",
    licence="imagery public domain, crops CC-BY 4.0",
    attribution="USDA NAIP, public domain; crops J. Ventura et al. 2024, CC-BY 4.0",
)
UNKNOWN_ID, VEGETATION_ID = 0, 1


def scenes(source: Path) -> Iterator[Scene]:
    """Read one scene a crop and year; the split is the pack's, by place."""
    for row in read_rows(source, "file", "place", "gsd", "split"):
        image = _image(source, row)
        label = load_ids(source / "vegetation" / f"{image.name}.png")
        yield image.labelled(
            class_sets.versus(label == VEGETATION_ID, label != UNKNOWN_ID, class_id=VEGETATION, num_classes=NUM_CLASSES)
        )


def images(source: Path) -> Iterator[Orthoimage]:
    """Read one image a crop and year."""
    for row in read_rows(source, "file", "place", "gsd", "split", "crs", "left", "top"):
        image = _image(source, row)
        place = Place.north_up(row["crs"], left=float(row["left"]), top=float(row["top"]), pixel=image.gsd_m)
        yield replace(image, place=place)


def _image(source: Path, row: Mapping[str, str]) -> Orthoimage:
    rgb_HW3 = load_image(source / row["file"])
    return Orthoimage(
        name=Path(row["file"]).stem,
        site=row["place"],
        split=row["split"],
        gsd_m=float(row["gsd"]),
        rgb_HW3=rgb_HW3,
        valid_HW=np.ones(rgb_HW3.shape[:2], bool),
    )
