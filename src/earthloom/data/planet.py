"""Planet scenes of Californian coasts and airports at 3 m, and one NAIP quad of North Dakota at 5 m on two dates."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from earthloom.data import image_folder
from earthloom.data.build import About, read_rows
from earthloom.data.ortho import Orthoimage
from earthloom.data.pairs import load_image

ABOUT = About(
    pack="planet",
    licence="CC-BY-SA 4.0",
    attribution="Planet Labs, Open California, CC-BY-SA 4.0",
)
ABOUT_NAIP5M = About(pack="naip5m", licence="public domain", attribution="USDA NAIP, public domain")

GSD_M = 3.0
SITES = {
    "planes_scene_3": "los_angeles_airport",
    "planes_scene_3b": "los_angeles_airport",
    "ships_scene_1": "san_francisco_waterfront",
    "ships_scene_2": "long_beach_harbour",
    "ships_scene_3": "long_beach_harbour",
    "ships_scene_4": "san_francisco_waterfront",
}
"""Scenes of one place; every other scene is a place of its own."""

VALIDATION = frozenset({"planes_scene_2", "planes_scene_4"})
WHITE = 253
FRINGE_PX = 4
"""How far JPEG carries the white of a margin into the image."""


def images(source: Path) -> Iterator[Orthoimage]:
    """Read one image a scene, without its white margin."""
    for row in read_rows(source, "file"):
        rgb_HW3 = load_image(source / row["file"])
        name = Path(row["file"]).stem
        yield Orthoimage(
            name=name,
            site=f"planet_{SITES.get(name, name)}",
            split="val" if name in VALIDATION else "train",
            gsd_m=GSD_M,
            rgb_HW3=rgb_HW3,
            valid_HW=~_margin(rgb_HW3),
        )


def naip5m_images(source: Path) -> Iterator[Orthoimage]:
    """Read one image a date; both show the same ground and train."""
    for image in image_folder.images(source / "naip5m"):
        yield replace(image, split="train")


def _margin(rgb_HW3: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Return the white that reaches the image's edge, and its fringe; white roofs and aircraft are imagery."""
    from scipy import ndimage

    white_HW = rgb_HW3.min(axis=-1) >= WHITE
    edge_HW = np.ones_like(white_HW)
    edge_HW[1:-1, 1:-1] = False
    margin_HW = ndimage.binary_propagation(edge_HW & white_HW, mask=white_HW)
    return np.asarray(ndimage.binary_dilation(margin_HW, np.ones((2 * FRINGE_PX + 1,) * 2)))
