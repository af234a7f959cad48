"""Decoded pairs.

Letters: H W pixels, 3 RGB.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from earthloom.data.pairs import Pair, Palette, load_image, load_sets
from earthloom.data.recent import Recent
from earthloom.errors import DataError


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """A decoded pair."""

    pair: Pair
    """Where it comes from."""

    rgb_HW3: NDArray[np.uint8]
    """Image."""

    sets_HW: NDArray[np.uint8]
    """Class sets."""

    map_HW3: NDArray[np.uint8] | None
    """The map in its own colours, when the target is one."""

    @property
    def nbytes(self) -> int:
        """Memory it takes."""
        return self.rgb_HW3.nbytes + self.sets_HW.nbytes + (0 if self.map_HW3 is None else self.map_HW3.nbytes)


def load(pair: Pair, palette: Palette) -> Scene:
    """Decode a pair.

    Raises:
        DataError: If a file cannot be read, or image and target differ in size.
    """
    rgb_HW3, sets_HW = load_image(pair.image), load_sets(pair, palette)
    if rgb_HW3.shape[:2] != sets_HW.shape:
        raise DataError(f"{pair.image} is {rgb_HW3.shape[:2]} and {pair.target} is {sets_HW.shape}; sizes must agree")
    return Scene(pair, rgb_HW3, sets_HW, load_image(pair.target) if pair.is_map else None)


class Scenes:
    """Scenes by number. For one thread."""

    def __init__(self, pairs: Sequence[Pair], palette: Palette) -> None:
        """Decode nothing yet."""
        self.pairs, self._palette = tuple(pairs), palette
        self._recent: Recent[int, Scene] = Recent(self._load)

    def __getitem__(self, number: int) -> Scene:
        """Return a scene, decoding it if it is not at hand.

        Raises:
            DataError: As `load`.
        """
        return self._recent[number]

    def _load(self, number: int) -> Scene:
        return load(self.pairs[number], self._palette)
