"""One canvas from windows that overlap: the weighted mean, with weights that fall towards a window's edges."""

from collections.abc import Iterable
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from earthloom.geo.windows import Window
from earthloom.io.raster import Raster

Profile = Literal["flat", "linear", "hann"]


def profile(kind: Profile, block_px: int, overlap_px: int) -> NDArray[np.float64]:
    """Return the weight along one axis of a window that keeps `overlap_px` beyond its block on each side.

    A lattice of such windows at every `block_px` sums to 1 with `linear` and `hann` (a raised cosine) as long as no
    more than two meet, that is `2 * overlap_px <= block_px`; sums are divided out anyway.

    Args:
        kind: `flat` for the plain mean (MultiDiffusion), `linear` or `hann` for ramps over the overlap.
        block_px: Stride of the lattice.
        overlap_px: Kept pixels on each side, at least 0.

    Returns:
        `(block_px + 2 * overlap_px,)`, all above 0.
    """
    size = block_px + 2 * overlap_px
    if kind == "flat" or overlap_px == 0:
        return np.ones(size)
    ramp = np.minimum((np.minimum(np.arange(size), np.arange(size)[::-1]) + 0.5) / (2 * overlap_px), 1.0)
    return ramp if kind == "linear" else np.asarray(0.5 - 0.5 * np.cos(np.pi * ramp))


def blend(
    pieces: Iterable[tuple[Window, Raster]], window: Window, weight: NDArray[np.float64], bands: int, dtype: str
) -> Raster:
    """Average what windows say about the ground of `window`, over those that know it; summed in the order given.

    Args:
        pieces: Where each raster lies, and the raster; all of one size.
        window: What to return.
        weight: `(size,)` of a piece along both axes, see `profile`.
        bands: Of pieces and result.
        dtype: Of the result; integers are rounded to nearest.
    """
    total = np.zeros((bands, window.height, window.width))
    weights = np.zeros((window.height, window.width))
    for place, raster in pieces:
        part = place.intersection(window)
        piece = raster.crop(part, place)
        own_rows, own_cols = part.slices_in(place)
        share = weight[own_rows, None] * weight[own_cols] * piece.mask
        rows, cols = part.slices_in(window)
        total[:, rows, cols] += piece.pixels * share
        weights[rows, cols] += share
    known = weights > 0
    mean = total / np.where(known, weights, 1.0)
    return Raster((np.rint(mean) if np.issubdtype(dtype, np.integer) else mean).astype(dtype), known)
