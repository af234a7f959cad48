"""A source averaged onto a coarser grid of the same corner, at any ratio: every pixel by the area it covers.

Letters: N pixels along an axis, K taps.
"""

import hashlib
import json
from dataclasses import dataclass
from math import ceil, floor

import numpy as np
from affine import Affine
from numpy.typing import NDArray

from earthloom.geo.grid import SNAP_PX, Grid
from earthloom.geo.windows import Window
from earthloom.io.raster import Raster
from earthloom.io.source import Source

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Averaged:
    """Pixels `ratio` times as large along each side; those known in part are averaged over what is known."""

    source: Source
    """The finer pixels."""

    ratio: float
    """At least 1."""

    @property
    def grid(self) -> Grid:
        """The coarser plane."""
        return averaged_grid(self.source.grid, self.ratio)

    @property
    def bands(self) -> int:
        """Bands of every read."""
        return self.source.bands

    @property
    def dtype(self) -> str:
        """Numpy name of the pixels' type."""
        return self.source.dtype

    @property
    def identity(self) -> str:
        """Hash of what decides the pixels."""
        return hashlib.sha256(json.dumps(["averaged", self.source.identity, self.ratio]).encode()).hexdigest()

    def read(self, window: Window) -> Raster:
        """Average a window; a pixel is the same in every window that shows it."""
        rows_NK, row_weights_NK = _taps(window.row, window.bottom, self.ratio)
        cols_NK, col_weights_NK = _taps(window.col, window.right, self.ratio)
        below = Window.spanning(int(cols_NK.min()), int(rows_NK.min()), int(cols_NK.max()) + 1, int(rows_NK.max()) + 1)
        raster = self.source.read(below)
        planes = np.concatenate([raster.pixels * raster.mask, raster.mask[None]]).astype(np.float64)
        planes = _weighted(planes, rows_NK - below.row, row_weights_NK, axis=1)
        planes = _weighted(planes, cols_NK - below.col, col_weights_NK, axis=2)
        known = planes[-1] > 0
        mean = planes[:-1] / np.where(known, planes[-1], 1.0)
        return Raster((np.rint(mean) if np.issubdtype(self.dtype, np.integer) else mean).astype(self.dtype), known)


def averaged_grid(grid: Grid, ratio: float) -> Grid:
    """Return the plane of the same corner with pixels `ratio` times as large, its extent snapped outward."""
    extent = grid.extent
    if extent is not None:
        left, top = (floor(edge / ratio + SNAP_PX) for edge in (extent.col, extent.row))
        right, bottom = (ceil(edge / ratio - SNAP_PX) for edge in (extent.right, extent.bottom))
        extent = Window.spanning(left, top, right, bottom)
    return Grid(crs=grid.crs, transform=grid.transform @ Affine.scale(ratio), extent=extent)


def _taps(start: int, stop: int, ratio: float) -> tuple[NDArray[np.int64], Floats]:
    """Return which fine pixels each coarse one covers, and how much of each."""
    edges = np.arange(start, stop)[:, None] * ratio
    first_N1 = np.floor(edges + SNAP_PX).astype(np.int64)
    taps_NK = first_N1 + np.arange(ceil(ratio) + 1)
    covered = np.minimum(taps_NK + 1, edges + ratio) - np.maximum(taps_NK, edges)
    return taps_NK, np.where(covered > SNAP_PX, covered, 0.0)


def _weighted(planes: Floats, taps_NK: NDArray[np.int64], weights_NK: Floats, *, axis: int) -> Floats:
    """Sum taps along an axis, in their order."""
    shape = [1, 1, 1]
    shape[axis] = -1
    parts = (planes.take(taps_NK[:, k], axis=axis) * weights_NK[:, k].reshape(shape) for k in range(taps_NK.shape[1]))
    return np.asarray(sum(parts))
