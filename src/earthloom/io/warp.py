"""Exact resampling of an image onto a grid, in blocks of one fixed lattice.

Bilinear, anti-aliased when shrinking. Three things make a pixel independent of the window it is read in: the transform
is exact (no tolerance), the kernel is constant over the image, and blocks always have the same corners.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from math import ceil, floor, hypot, log2
from typing import Any

import numpy as np
from affine import Affine
from numpy.typing import NDArray
from rasterio.enums import Resampling
from rasterio.io import MemoryFile
from rasterio.vrt import WarpedVRT
from rasterio.warp import transform as transform_points
from rasterio.windows import Window as FileWindow

from earthloom.geo.crs import Bounds, transform_bounds
from earthloom.geo.grid import SNAP_PX, Grid
from earthloom.geo.windows import Window
from earthloom.io.decode import Bands, Floats, decode
from earthloom.io.gdal import open_dataset

MAX_BLOCK_PX = 512
"""Side of a block of the lattice; smaller where one would need more than `MAX_SOURCE_PX` of the image."""

MAX_SOURCE_PX = 2048
"""About how many pixels of the image along a side one block may need: this bounds memory."""

_PLAIN = 'LOCAL_CS["image",UNIT["metre",1]]'
_EXACT_PX = 1e-9  # error of the transform; rasterio's WarpedVRT takes no 0
_POINTS = 21
_SLACK_PX = 8

Points = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Warp:
    """How the pixels of an image meet those of a grid."""

    crs: str | None
    """The image's CRS."""

    transform: Affine
    """The image's transform, at full resolution."""

    width: int
    """Pixels of the image at full resolution."""

    height: int
    """Pixels of the image at full resolution."""

    grid: Grid
    """The plane to fill."""

    shrink: tuple[float, float]
    """Image pixels along its own x and y that a grid pixel spans at the image's centre."""

    overview: tuple[int, int] | None
    """Number and decimation factor of the overview to read instead of the image itself."""

    @property
    def block_px(self) -> int:
        """Side of the lattice's blocks, a power of two."""
        factor = 1 if self.overview is None else self.overview[1]
        return 1 << min(MAX_BLOCK_PX.bit_length() - 1, max(0, floor(log2(MAX_SOURCE_PX * factor / max(self.shrink)))))

    def read(self, dataset: Any, bands: Bands, window: Window) -> Floats:
        """Resample a window of the grid: x_CHW of `decode`, weight 0 where the image is not.

        Args:
            dataset: The open image, or its overview that was chosen.
            bands: What to read of it.
            window: The part of a block of the lattice that the image may touch.
        """
        factor_x, factor_y = self.width / dataset.width, self.height / dataset.height
        level = self.transform @ Affine.scale(factor_x, factor_y)
        needed = self._needed(window, level, Window(0, 0, dataset.width, dataset.height))
        if needed is None:
            return np.zeros((4, window.height, window.width), np.float32)
        x_CHW = decode(dataset, bands, FileWindow(needed.col, needed.row, needed.width, needed.height))
        place = level @ Affine.translation(needed.col, needed.row)
        scale = {
            "XSCALE": repr(min(1.0, factor_x / self.shrink[0])),
            "YSCALE": repr(min(1.0, factor_y / self.shrink[1])),
        }
        with _in_memory(x_CHW, place) as plain:
            same = self.crs == self.grid.crs
            with WarpedVRT(
                plain,
                src_crs=_PLAIN if same else self.crs,
                crs=_PLAIN if same else self.grid.crs,
                transform=self.grid.transform_of(window),
                width=window.width,
                height=window.height,
                resampling=Resampling.bilinear,
                tolerance=_EXACT_PX,
                SOURCE_EXTRA=str(_SLACK_PX),
                **scale,
            ) as warped:
                result: Floats = warped.read()
        return result

    def _needed(self, window: Window, level: Affine, whole: Window) -> Window | None:
        """Return the pixels of the image that a window's kernels may touch; None if there are none."""
        cols = np.linspace(window.col, window.right, _POINTS)
        rows = np.linspace(window.row, window.bottom, _POINTS)
        found = positions(self.crs, level, self.grid, *(axis.ravel() for axis in np.meshgrid(cols, rows)))
        known = found[:, np.isfinite(found).all(axis=0)]
        if not known.size:
            return None
        pad_px = ceil(2 * max(*self.shrink, 1.0)) + _SLACK_PX
        left, top = np.floor(known.min(axis=1)) - pad_px
        right, bottom = np.ceil(known.max(axis=1)) + pad_px
        needed = Window.spanning(int(left), int(top), int(right), int(bottom))
        return needed.intersection(whole) if needed.intersects(whole) else None


def plan_warp(image: tuple[str | None, Affine, int, int], overviews: Sequence[int], grid: Grid, extent: Window) -> Warp:
    """Choose the kernel and the overview for reading an image on a grid.

    Args:
        image: Its CRS, transform, width and height.
        overviews: Decimation factors of its overviews.
        grid: The plane to fill.
        extent: The pixels of the grid that the image may touch.

    Returns:
        The warp; of an image more than twice as fine it reads the overview just finer than the grid.
    """
    crs, transform, width, height = image
    col, row = extent.col + extent.width / 2, extent.row + extent.height / 2
    ends = positions(
        crs, transform, grid, np.array([col - 0.5, col + 0.5, col, col]), np.array([row, row, row - 0.5, row + 0.5])
    )
    along_col, along_row = ends[:, 1] - ends[:, 0], ends[:, 3] - ends[:, 2]
    shrink = (hypot(along_col[0], along_row[0]), hypot(along_col[1], along_row[1]))
    finer = [(number, factor) for number, factor in enumerate(overviews) if factor <= min(shrink) * _NEARLY]
    return Warp(
        crs=crs,
        transform=transform,
        width=width,
        height=height,
        grid=grid,
        shrink=shrink,
        overview=max(finer, key=lambda each: each[1]) if finer and min(shrink) > 2 * _NEARLY else None,
    )


def footprint(crs: str | None, transform: Affine, width: int, height: int, bounds: Bounds, grid: Grid) -> Window:
    """Return the pixels of a grid that an image may touch, snapped outward.

    Raises:
        GeoError: If the image lies off the grid's map.
    """
    if crs == grid.crs:
        corners = [transform @ (col, row) for col in (0, width) for row in (0, height)]
    else:
        assert crs is not None
        assert grid.crs is not None
        left, bottom, right, top = transform_bounds(crs, grid.crs, bounds)
        corners = [(x, y) for x in (left, right) for y in (bottom, top)]
    cols, rows = zip(*(~grid.transform @ corner for corner in corners), strict=True)
    return Window.spanning(
        floor(min(cols) + SNAP_PX), floor(min(rows) + SNAP_PX), ceil(max(cols) - SNAP_PX), ceil(max(rows) - SNAP_PX)
    )


def positions(crs: str | None, transform: Affine, grid: Grid, cols: Points, rows: Points) -> Points:
    """Return where positions (col, row) of a grid lie in an image, `(2, N)` of (col, row); infinite if nowhere."""
    xs, ys = _apply(grid.transform, cols, rows)
    if crs != grid.crs:
        xs, ys = map(np.asarray, transform_points(grid.crs, crs, xs, ys)[:2])
    return np.stack(_apply(~transform, xs, ys))


@contextmanager
def _in_memory(x_CHW: Floats, transform: Affine) -> Iterator[Any]:
    """Give an array as an open dataset that a WarpedVRT can read (`reproject` has no exact mode)."""
    bands, height, width = x_CHW.shape
    with MemoryFile() as memory:
        shape = {"count": bands, "height": height, "width": width, "dtype": "float32"}
        with open_dataset(memory.name, "w", driver="GTiff", transform=transform, **shape) as writer:
            writer.write(x_CHW)
        with open_dataset(memory.name) as reader:
            yield reader


_NEARLY = 1 + 1e-6
"""Rounding noise of a ratio."""


def _apply(transform: Affine, xs: Points, ys: Points) -> tuple[Points, Points]:
    """Apply an affine to arrays."""
    a, b, c, d, e, f = tuple(transform)[:6]
    return a * xs + b * ys + c, d * xs + e * ys + f
