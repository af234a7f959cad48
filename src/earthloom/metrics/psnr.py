"""Does a made picture, made coarse again, give back what it was made from?"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from earthloom.errors import DataError, ShapeError


@dataclass(frozen=True, slots=True, kw_only=True)
class Consistency:
    """How far averages of a made picture are from its input."""

    mean_absolute: float
    """Mean |average - input|, 0..255."""

    psnr_db: float
    """Peak signal-to-noise ratio in dB; infinite where all are equal."""


def lr_consistency(
    made_HW3: NDArray[np.uint8], lr_hw3: NDArray[np.uint8], mask_hw: NDArray[np.bool_] | None = None
) -> Consistency:
    """Compare the mean of every block of made pixels with the input pixel it lies on.

    Means are not rounded: real ground has about 0.25 and 59 dB against its own 8-bit average.

    Args:
        made_HW3: What was made; its sides are a whole multiple of the input's, the same for both.
        lr_hw3: What it was made from.
        mask_hw: True where the input is valid; None if everywhere.

    Raises:
        ShapeError: If the shapes do not fit.
        DataError: If no pixel is valid.
    """
    factor = made_HW3.shape[0] // max(lr_hw3.shape[0], 1)
    if lr_hw3.ndim != 3 or made_HW3.shape != (factor * lr_hw3.shape[0], factor * lr_hw3.shape[1], lr_hw3.shape[2]):
        raise ShapeError(f"want (factor * H, factor * W, 3) made from (H, W, 3), got {made_HW3.shape}, {lr_hw3.shape}")
    height, width, bands = lr_hw3.shape
    mask_hw = np.ones((height, width), np.bool_) if mask_hw is None else mask_hw
    if mask_hw.shape != (height, width):
        raise ShapeError(f"want a mask of the input {lr_hw3.shape}, got {mask_hw.shape}")
    if not mask_hw.any():
        raise DataError("the mask leaves no pixel to compare: measure where ground is known")
    coarse_hw3 = made_HW3.reshape(height, factor, width, factor, bands).mean(axis=(1, 3))
    errors = (coarse_hw3 - lr_hw3)[mask_hw]
    mean_square = float(np.square(errors).mean())
    psnr_db = 10 * math.log10(255**2 / mean_square) if mean_square else math.inf
    return Consistency(mean_absolute=float(np.abs(errors).mean()), psnr_db=psnr_db)
