"""NAIP crops of Californian cities: vegetation against everything else, from the near-infrared band."""

from collections.abc import Iterator
from pathlib import Path

from earthloom.data import class_sets
from earthloom.data.build import NUM_CLASSES, VEGETATION, About, Scene, read_rows
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
        name = Path(row["file"]).stem
        label = load_ids(source / "vegetation" / f"{name}.png")
        yield Scene(
            name=name,
            site=row["place"],
            split=row["split"],
            gsd_m=float(row["gsd"]),
            rgb_HW3=load_image(source / row["file"]),
            sets_HW=class_sets.versus(
                label == VEGETATION_ID, label != UNKNOWN_ID, class_id=VEGETATION, num_classes=NUM_CLASSES
            ),
        )
