"""Curves and pictures of a run for TensorBoard, in `RUN/tensorboard`.

Letters: H W pixels of a picture, 3 RGB.
"""

from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from earthloom.cartography.style import paint
from earthloom.data import class_sets
from earthloom.data.scenes import Scene
from earthloom.errors import UsageError
from earthloom.training.predict import Labeller

FOLDER = "tensorboard"
NUM_SAMPLES = 4
SAMPLE_PX = 256


class Board:
    """Writes what a run reports."""

    def __init__(self, folder: Path, *, done: int) -> None:
        """Open the board of a run that has done `done` steps; what an earlier try wrote beyond them is hidden.

        Raises:
            UsageError: If TensorBoard is not installed.
        """
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError as error:
            raise UsageError("--tensorboard needs TensorBoard: pip install earthloom[tensorboard]") from error
        self._writer: Any = SummaryWriter(str(folder / FOLDER), purge_step=done + 1 if done else None)

    def scalars(self, step: int, values: dict[str, Any], *, prefix: str = "") -> None:
        """Draw one point of each number's curve; groups of numbers become groups of curves."""
        for name, value in values.items():
            if isinstance(value, dict):
                self.scalars(step, value, prefix=f"{prefix}{name}/")
            elif isinstance(value, float):
                self._writer.add_scalar(f"{prefix}{name}", value, step)

    def samples(self, step: int, grid_HW3: NDArray[np.uint8]) -> None:
        """Show image, generated map and true map side by side."""
        self._writer.add_image("image | generated | true", grid_HW3, step, dataformats="HWC")

    def close(self) -> None:
        """Write what is waiting."""
        self._writer.close()


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
