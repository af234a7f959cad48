"""Do the joints of a woven raster show? The seam ratio compares them with the same ground woven elsewhere-jointed."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from earthloom.errors import ShapeError
from earthloom.geo.windows import Window
from earthloom.io.raster import Raster

_NUM_RESAMPLES = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class SeamRatio:
    """Mean |gradient| across the seams of one weave over the same places of another, where they are interior."""

    ratio: float
    """1 where seams do not show; above, they do; below, they are smoothed."""

    low: float
    """Lower end of the 95 % bootstrap interval over seam lines."""

    high: float
    """Upper end."""

    num_lines: int
    """Block-long pieces of seam that were measured."""


def seam_ratio(seamed: Raster, shifted: Raster, window: Window, stride_px: int, *, seed: int = 0) -> SeamRatio:
    """Measure the seams of a weave whose blocks start at multiples of `stride_px` of the grid.

    Args:
        seamed: The weave, over `window`.
        shifted: The same woven with the lattice shifted by half a stride, over the same window.
        window: Where both lie on their grid.
        stride_px: Distance between seams.
        seed: Of the bootstrap.

    Returns:
        The ratio of sums over all seam lines, with its interval.

    Raises:
        ShapeError: If the rasters do not cover the window, or it holds no valid seam with any gradient.
    """
    wanted = (window.height, window.width)
    for raster in (seamed, shifted):
        if raster.mask.shape != wanted:
            raise ShapeError(f"want rasters of {wanted}, got {raster.mask.shape}")
    turned = Window(window.row, window.col, window.height, window.width)
    here, there = (
        np.array([*_lines(raster, window, stride_px), *_lines(_turned(raster), turned, stride_px)])
        for raster in (seamed, shifted)
    )
    if not len(here) or there.sum() == 0:
        raise ShapeError(f"no seam to measure: {window} holds no valid line at a multiple of {stride_px} px")
    picks = np.random.default_rng(seed).integers(len(here), size=(_NUM_RESAMPLES, len(here)))
    ratios = here[picks].sum(1) / np.maximum(there[picks].sum(1), 1e-12)
    low, high = np.quantile(ratios, (0.025, 0.975))
    return SeamRatio(ratio=float(here.sum() / there.sum()), low=float(low), high=float(high), num_lines=len(here))


def _lines(raster: Raster, window: Window, stride_px: int) -> Iterator[float]:
    """Give the summed |gradient| across each block-long piece of vertical seam that has valid ground."""
    height, width = raster.mask.shape
    pixels: NDArray[np.float64] = raster.pixels.astype(np.float64)
    for seam in range(-window.col % stride_px, width, stride_px):
        if seam == 0:
            continue
        valid = raster.mask[:, seam] & raster.mask[:, seam - 1]
        across = np.abs(pixels[:, :, seam] - pixels[:, :, seam - 1]).mean(0) * valid
        for top in range(-window.row % stride_px, height - stride_px + 1, stride_px):
            piece = slice(top, top + stride_px)
            if valid[piece].any():
                yield float(across[piece].sum())


def _turned(raster: Raster) -> Raster:
    return Raster(raster.pixels.swapaxes(1, 2), raster.mask.T)
