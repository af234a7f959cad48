"""What a network sees where there is no ground."""

import math

import numpy as np
from scipy import ndimage

from earthloom.io.raster import Raster


def fill_nearest(raster: Raster) -> Raster:
    """Give every masked pixel the colour of the nearest valid one; the mask stays as it was."""
    if raster.mask.all() or not raster.mask.any():
        return raster
    rows, cols = ndimage.distance_transform_edt(~raster.mask, return_distances=False, return_indices=True)
    return Raster(raster.pixels[:, rows, cols], raster.mask)


def fill_margin_px(halo_px: int) -> int:
    """Return how far beyond a halo must be read for `fill_nearest` to fill the halo as it would in the whole raster.

    A generator that draws a valid pixel sees masked ones within `halo_px` rows and columns, none further than
    sqrt(2) `halo_px`; the valid pixel itself is that near, so the nearest to any of them is no further away.
    """
    return math.ceil(math.sqrt(2) * halo_px)


def halve(raster: Raster) -> Raster:
    """Average 2 x 2 pixels into one over the valid ones (box filter, as in Series GAN); valid if any of the four is.

    Args:
        raster: uint8 pixels, even height and width.

    Returns:
        uint8 pixels of half the size, rounded to nearest.
    """
    bands, height, width = raster.pixels.shape
    weight = raster.mask.reshape(height // 2, 2, width // 2, 2).astype(np.uint16)
    blocks = raster.pixels.reshape(bands, height // 2, 2, width // 2, 2) * weight
    count = weight.sum(axis=(1, 3))
    divisor = np.maximum(count, 1)
    mean = (blocks.sum(axis=(2, 4)) + divisor // 2) // divisor
    return Raster(mean.astype(raster.pixels.dtype), count > 0)
