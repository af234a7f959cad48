"""Curves and pictures of a run for TensorBoard, in `RUN/tensorboard`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from earthloom.errors import UsageError

FOLDER = "tensorboard"


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

    def samples(self, step: int, pictures: Mapping[str, NDArray[np.uint8]]) -> None:
        """Show pictures `(H, W, 3)` by title."""
        for title, picture_HW3 in pictures.items():
            self._writer.add_image(title, picture_HW3, step, dataformats="HWC")

    def close(self) -> None:
        """Write what is waiting."""
        self._writer.close()
