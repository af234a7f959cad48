"""The one label-free map style: five classes, five flat colours, no casings and no text."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from earthloom.errors import ShapeError

UNKNOWN = 0
"""Class id of ground without a class."""

UNKNOWN_RGB = (0, 0, 0)
"""How unknown ground is painted; a mask says so wherever it matters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MapClass:
    """One kind of ground and its colour."""

    id: int
    """1, 2, ... in the order of the style; 0 is unknown."""

    name: str
    """One English word."""

    rgb: tuple[int, int, int]
    """Flat fill, 0..255."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """A map's classes in id order."""

    classes: tuple[MapClass, ...]
    """Class `i` of the tuple has id `i + 1`."""

    @property
    def palette(self) -> tuple[tuple[int, int, int], ...]:
        """Colours in id order; entry `i` belongs to id `i + 1`."""
        return tuple(each.rgb for each in self.classes)

    @property
    def names(self) -> tuple[str, ...]:
        """Class names in id order."""
        return tuple(each.name for each in self.classes)

    def id_of(self, name: str) -> int:
        """Return the id of a class."""
        return self.names.index(name) + 1


STYLE = Style(
    classes=(
        MapClass(id=1, name="land", rgb=(244, 240, 229)),
        MapClass(id=2, name="road", rgb=(245, 160, 62)),
        MapClass(id=3, name="building", rgb=(158, 139, 132)),
        MapClass(id=4, name="vegetation", rgb=(150, 204, 132)),
        MapClass(id=5, name="water", rgb=(108, 176, 232)),
    )
)


def paint(ids_HW: NDArray[np.integer], style: Style = STYLE) -> NDArray[np.uint8]:
    """Paint a class raster.

    Args:
        ids_HW: Class ids 0..K, `(H, W)`; 0 is unknown.
        style: The style to paint in.

    Returns:
        Colours `(H, W, 3)`, `UNKNOWN_RGB` where the id is 0.

    Raises:
        ShapeError: If an id has no class.
    """
    if ids_HW.size and (int(ids_HW.min()) < 0 or int(ids_HW.max()) > len(style.classes)):
        raise ShapeError(f"class ids run from 0 to {len(style.classes)}, got {ids_HW.min()}..{ids_HW.max()}")
    return np.asarray(np.array((UNKNOWN_RGB, *style.palette), np.uint8)[ids_HW])


def classify(rgb_HW3: NDArray[np.uint8], style: Style = STYLE) -> NDArray[np.uint8]:
    """Give every pixel the id of the nearest colour of the style (ties: the lower id).

    Args:
        rgb_HW3: Colours `(H, W, 3)`, 0..255.
        style: The style to read in.

    Returns:
        Class ids 1..K, `(H, W)`.
    """
    difference_HWK3 = rgb_HW3[..., None, :].astype(np.int32) - np.array(style.palette, np.int32)
    return np.asarray((difference_HWK3**2).sum(-1).argmin(-1) + 1, np.uint8)
