"""Made-up imagery over real street plans: shape is what these pairs teach, colours say nothing.

Roads, houses, land use and water come from OpenStreetMap extracts. Everything else is drawn from a seed: what each
surface looks like, parcels between them, more houses along the roads, trees, shadows, cars, dusty verges. A road is a
road whether it is dark or pale, under trees or beside sand, so a network that learns from these pairs has to know it
by its shape (domain randomisation, Tobin et al. 2017, arXiv:1703.06907).
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from earthloom.data import class_sets
from earthloom.data.build import About, Scene
from earthloom.data.osm import Extract, name_of, read_extract
from earthloom.data.synthetic.drawing import FINE, Drawing
from earthloom.data.synthetic.outlines import Points
from earthloom.errors import DataError

ABOUT = About(
    pack="towns",
    licence="street plans ODbL 1.0, imagery made up",
    attribution="(c) OpenStreetMap contributors, ODbL 1.0; imagery made up by Earthloom",
)
GSD_M = 0.6
SIDE_PX = 1024
SCENES = {"train": 60, "val": 6}
"""Of each extract, by its split."""

VALIDATION = frozenset({"baltimore"})
SEED = 0


def scenes(source: Path) -> Iterator[Scene]:
    """Draw scenes over every extract of a folder.

    Raises:
        DataError: If the folder holds no extract, or two of one name.
    """
    paths = sorted(path for ending in ("*.osm.pbf", "*.osm.gz", "*.osm") for path in source.glob(ending))
    if not paths:
        raise DataError(f"{source} holds no .osm.pbf, .osm.gz or .osm file")
    names = [name_of(path) for path in paths]
    if twice := {name for name in names if names.count(name) > 1}:
        raise DataError(f"{source} holds {min(twice)} twice, with other suffixes; remove one")
    for path in paths:
        extract = read_extract(path)
        roads = [shape.points_N2 for shape in extract.shapes if shape.kind == "road"]
        if not roads:
            raise DataError(f"{path} holds no roads to draw scenes around")
        junctions_N2 = np.concatenate(roads)
        split = "val" if extract.name in VALIDATION else "train"
        for index in range(SCENES[split]):
            rng = np.random.default_rng([SEED, index, *extract.name.encode()])
            middle_2 = junctions_N2[rng.integers(len(junctions_N2))]
            rgb_HW3, ids_HW = town(extract, middle_2, rng)
            yield Scene(
                name=f"{extract.name}_{index:03d}",
                site=extract.name,
                split=split,
                gsd_m=GSD_M,
                rgb_HW3=rgb_HW3,
                sets_HW=class_sets.exactly(ids_HW),
            )


def town(extract: Extract, middle_2: Points, rng: np.random.Generator) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Draw one scene around a point of an extract.

    Args:
        extract: The street plan.
        middle_2: Metres east and south of the extract's middle.
        rng: Decides everything that the plan does not.

    Returns:
        Image `(SIDE_PX, SIDE_PX, 3)` and class ids `(SIDE_PX, SIDE_PX)`.
    """
    side_m = SIDE_PX * GSD_M
    left, top = middle_2 - side_m / 2
    shapes = [
        replace(shape, points_N2=(shape.points_N2 - (left, top)) * (FINE / GSD_M))
        for shape in extract.within(left, top, side_m)
    ]
    return Drawing(SIDE_PX, GSD_M, rng).draw(shapes)
