"""Massachusetts roads: road against everything else, only where there is imagery."""

from collections.abc import Iterator
from pathlib import Path

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
    """Read one scene a tile; roads drawn on empty white ground are left unknown."""
    for row in read_rows(source, "image", "roads", "valid"):
        name = Path(row["image"]).stem
        road = load_image(source / row["roads"])[..., 0] > 127
        valid = load_image(source / row["valid"])[..., 0] > 127
        yield Scene(
            name=name,
            site=f"massachusetts_{name}",
            split="val" if name in VALIDATION else "train",
            gsd_m=GSD_M,
            rgb_HW3=load_image(source / row["image"]),
            sets_HW=class_sets.versus(road, valid, class_id=ROAD, num_classes=NUM_CLASSES),
        )
