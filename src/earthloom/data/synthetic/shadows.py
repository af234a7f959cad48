"""Where houses and crowns keep the sun off the ground."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageChops, ImageDraw

from earthloom.data.build import BUILDING
from earthloom.data.synthetic.outlines import Points, flat, turn


@dataclass(frozen=True, slots=True, eq=False)
class Standing:
    """A house or a crown: what throws a shadow."""

    outline_N2: Points
    """In fine pixels."""

    height_m: float
    """How far its shadow reaches."""


def shadows(classes: Image.Image, standing: Iterable[Standing], px: float, rng: np.random.Generator) -> Image.Image:
    """Move every house along the sun's ray as far as it is high; roofs themselves stay light.

    Args:
        classes: Class ids, mode L.
        standing: What throws shadows.
        px: Fine pixels a metre.
        rng: Places the sun.

    Returns:
        255 in the shade and 0 elsewhere, mode L.
    """
    shade = Image.new("L", classes.size)
    pen = ImageDraw.Draw(shade)
    sun_2 = np.array([1.0, 0.0]) @ turn(rng.uniform(0.0, 2 * np.pi)) * rng.uniform(0.2, 1.0) * px
    for each in standing:
        for share in np.arange(0.0, 1.01, 2.5 / (each.height_m * np.linalg.norm(sun_2) + 2.5)):
            pen.polygon(flat(each.outline_N2 + sun_2 * each.height_m * share), 255)
    roofs = classes.point([255 if each == BUILDING else 0 for each in range(256)])
    return ImageChops.subtract(shade, roofs)
