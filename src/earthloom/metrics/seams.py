"""Do the joints of a woven raster show? The seam ratio compares them with the same ground woven elsewhere-jointed."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from earthloom.geo.windows import Window
from earthloom.io.raster import Raster
from earthloom.metrics.interval import draws, percentiles

Read = Callable[[Window], Raster]
"""Gives any window of a weave."""

SEAMLESS = (0.98, 1.02)
"""Where the interval of a seam ratio has to lie, at least in part."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SeamRatio:
    """Mean |gradient| across the seams of one weave over the same places of another, where they are interior."""

    ratio: float
    """1 where seams do not show; above, they do; below, they are smoothed. Infinite on ground that is flat else."""

    low: float
    """Lower end of the 95 % bootstrap interval over seam lines."""

    high: float
    """Upper end."""

    num_lines: int
    """Pieces of seam that were measured, each along one block."""

    @property
    def is_seamless(self) -> bool:
        """Whether the interval overlaps 0.98 to 1.02."""
        return self.low <= SEAMLESS[1] and self.high >= SEAMLESS[0]


def seam_ratio(seamed: Read, shifted: Read, window: Window, stride_px: int, *, seed: int = 0) -> SeamRatio | None:
    """Measure the seams of a weave whose blocks start at multiples of `stride_px` of the grid.

    Two pixels across a seam are read at a time, so memory does not grow with the window.

    Args:
        seamed: The weave.
        shifted: The same woven with the lattice shifted by half a stride.
        window: Where to measure.
        stride_px: Distance between seams.
        seed: Of the bootstrap.

    Returns:
        The ratio of sums over all seam lines, with its interval; None if no seam crosses valid ground in the window,
        or none has any gradient in either weave.
    """
    return pooled_seam_ratio(seamed, shifted, [window], stride_px, seed=seed)


def pooled_seam_ratio(
    seamed: Read, shifted: Read, windows: Iterable[Window], stride_px: int, *, seed: int = 0
) -> SeamRatio | None:
    """Measure the seams of several windows as one figure; see `seam_ratio`."""
    lines = (line for window in windows for line in seam_lines(window, stride_px))
    sums = [_across(axis, seamed(line), shifted(line)) for line, axis in lines]
    pairs_L2 = np.array([pair for pair in sums if pair is not None]).reshape(-1, 2)
    if not pairs_L2.any():
        return None
    redrawn_R = ratios(draws(len(pairs_L2), np.random.default_rng(seed)) @ pairs_L2)
    found = percentiles(ratios(pairs_L2.sum(axis=0)).item(), redrawn_R)
    return SeamRatio(ratio=found.value, low=found.low, high=found.high, num_lines=len(pairs_L2))


def seam_lines(window: Window, stride_px: int) -> Iterator[tuple[Window, int]]:
    """Give each piece of seam in a window, along one block, as the two pixels across it and the axis they lie on."""
    cols, rows = _cuts(window.col, window.right, stride_px), _cuts(window.row, window.bottom, stride_px)
    for col in cols[1:-1]:
        yield from ((Window.spanning(col - 1, top, col + 1, bottom), 1) for top, bottom in pairwise(rows))
    for row in rows[1:-1]:
        yield from ((Window.spanning(left, row - 1, right, row + 1), 0) for left, right in pairwise(cols))


def ratios(sums_2: NDArray[np.float64]) -> NDArray[np.float64]:
    """Divide, over the last axis; no gradient in both is a ratio of 1, in the second alone an infinite one."""
    here, there = sums_2[..., 0], sums_2[..., 1]
    fallback = np.where(here > 0, np.inf, 1.0)
    return np.divide(here, there, out=fallback, where=there > 0)


def _cuts(start: int, stop: int, stride_px: int) -> list[int]:
    """Return both ends of a range and the seams between them."""
    return [start, *range((start // stride_px + 1) * stride_px, stop, stride_px), stop]


def _across(axis: int, *rasters: Raster) -> tuple[float, ...] | None:
    """Return the summed |gradient| across a line in each raster; None without ground that all know."""
    valid = np.logical_and.reduce([raster.mask.all(axis=axis) for raster in rasters])
    if not valid.any():
        return None
    steps = (np.diff(raster.pixels.astype(np.float64), axis=axis + 1).squeeze(axis + 1) for raster in rasters)
    return tuple(float(np.abs(step)[:, valid].mean(axis=0).sum()) for step in steps)
