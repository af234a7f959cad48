"""Pictures of a generator's work for the board.

Letters: H W pixels of a picture, 3 RGB.
"""

from collections.abc import Iterable
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from earthloom.cartography.style import paint
from earthloom.data import class_sets
from earthloom.data.scenes import Scene
from earthloom.training.maps.predict import Labeller

NUM_SAMPLES = 4
SAMPLE_PX = 256


def sample_grid(scenes: Iterable[Scene], label: Labeller) -> NDArray[np.uint8]:
    """Return the middles of the first scenes, one a row: image, generated map, true map (black where unknown)."""
    return np.concatenate([_row(scene, label) for scene in islice(scenes, NUM_SAMPLES)])


def _row(scene: Scene, label: Labeller) -> NDArray[np.uint8]:
    rgb_HW3 = _middle(scene.rgb_HW3)
    true_HW3 = paint(class_sets.ids(_middle(scene.sets_HW)))
    return np.concatenate([rgb_HW3, paint(label(rgb_HW3)), true_HW3], axis=1)


def _middle(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Cut the middle out, or repeat the edges of what is smaller."""
    missing = [max(0, SAMPLE_PX - length) for length in pixels.shape[:2]]
    pixels = np.pad(pixels, [(0, missing[0]), (0, missing[1]), (0, 0)][: pixels.ndim], mode="edge")
    top, left = ((length - SAMPLE_PX) // 2 for length in pixels.shape[:2])
    return pixels[top : top + SAMPLE_PX, left : left + SAMPLE_PX]
