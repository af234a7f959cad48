"""Imagery averaged to levels of metres per pixel and cut into square blocks.

Letters: H W pixels of an image, h w of a coarser one, 3 RGB, 4 RGB and validity.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import ceil, floor, log

import numpy as np
from numpy.typing import NDArray

from earthloom.data.ortho import Orthoimage

TOLERANCE = 1.3
"""Pixels up to this factor finer or coarser than a level belong to it."""

MIN_VALID = 0.98
"""Share of a block that must be imagery; the rest gets the nearest valid colour."""

DECIMALS = 6
"""Of longitude and latitude: 0.1 m, and the same digits whatever the last bit of a projection."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Block:
    """A square of imagery before it is a file."""

    rgb_HW3: NDArray[np.uint8]
    """Pixels."""

    gsd_m: float
    """Metres per pixel."""

    lon_lat: tuple[float, float] | None
    """Degrees of the centre; None if unknown."""

    site: str
    """The place; never on two sides of a split."""

    split: str
    """`train`, `val` or `test`."""


def level_of(gsd_m: float, levels_m: Sequence[float]) -> float | None:
    """Return the level that pixels of a size belong to: the nearest by ratio, within `TOLERANCE`; else None."""
    level_m = min(levels_m, key=lambda level_m: abs(log(gsd_m / level_m)))
    return level_m if abs(log(gsd_m / level_m)) <= log(TOLERANCE) else None


def cut(image: Orthoimage, levels_m: Sequence[float], *, size_px: int) -> Iterator[Block]:
    """Yield an image's blocks level by level: side by side from its corner, what is left of an edge lost.

    At its own level an image stays as it is, with its own ground resolution. To a coarser one it is averaged; nothing
    is upsampled.

    Args:
        image: Imagery of any size.
        levels_m: Metres per pixel.
        size_px: Side of a block.
    """
    own_m = level_of(image.gsd_m, levels_m)
    for level_m in levels_m:
        if level_m == own_m:
            yield from _squares(image, size_px)
        elif level_m > image.gsd_m:
            yield from _squares(_coarser(image, level_m), size_px)


def average(
    rgb_HW3: NDArray[np.uint8], valid_HW: NDArray[np.bool_], factor: float
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Average the valid pixels under each pixel that is `factor` times as large, by the area they share.

    Args:
        rgb_HW3: Image.
        valid_HW: Which pixels count.
        factor: At least 1, whole or not; the last, incomplete pixel of an edge is left out.

    Returns:
        Pixels `(h, w, 3)`, rounded to nearest, and a mask `(h, w)`: True where half the area was valid.
    """
    known_HW4 = np.dstack([rgb_HW3 * valid_HW[..., None], valid_HW.view(np.uint8)])
    height, width = (floor(length / factor + 1e-9) for length in valid_HW.shape)
    edges_px = np.arange(width + 1) * factor
    sums_hw4 = np.empty((height, width, 4))
    for row in range(height):
        line_W4 = _line(known_HW4, row * factor, (row + 1) * factor)
        # The integral of a row of pixels is straight between their edges, so interpolating it is exact.
        integral_4W = np.pad(line_W4.cumsum(axis=0), ((1, 0), (0, 0))).T
        sums_hw4[row] = np.diff([np.interp(edges_px, np.arange(len(line_W4) + 1), each) for each in integral_4W]).T
    area_hw = sums_hw4[..., 3]
    mean_hw3 = sums_hw4[..., :3] / np.where(area_hw > 0, area_hw, 1)[..., None]
    return np.rint(mean_hw3).astype(np.uint8), area_hw >= 0.5 * factor**2


def _line(known_HW4: NDArray[np.uint8], top: float, bottom: float) -> NDArray[np.float64]:
    """Sum the rows between two heights, those at the ends by the share that lies between."""
    rows = np.arange(floor(top), min(ceil(bottom), len(known_HW4)))
    weights = np.minimum(rows + 1, bottom) - np.maximum(rows, top)
    return np.tensordot(weights, known_HW4[rows[0] : rows[-1] + 1], axes=1)


def _coarser(image: Orthoimage, level_m: float) -> Orthoimage:
    factor = level_m / image.gsd_m
    rgb_HW3, valid_HW = average(image.rgb_HW3, image.valid_HW, factor)
    place = None if image.place is None else image.place.coarser(factor)
    return replace(image, gsd_m=level_m, rgb_HW3=rgb_HW3, valid_HW=valid_HW, place=place)


def _squares(image: Orthoimage, size_px: int) -> Iterator[Block]:
    height, width = image.valid_HW.shape
    for row in range(0, height - size_px + 1, size_px):
        for col in range(0, width - size_px + 1, size_px):
            area = (slice(row, row + size_px), slice(col, col + size_px))
            if image.valid_HW[area].mean() >= MIN_VALID:
                yield Block(
                    rgb_HW3=_filled(image.rgb_HW3[area], image.valid_HW[area]),
                    gsd_m=image.gsd_m,
                    lon_lat=_lon_lat(image, col + size_px / 2, row + size_px / 2),
                    site=image.site,
                    split=image.split,
                )


def _filled(rgb_HW3: NDArray[np.uint8], valid_HW: NDArray[np.bool_]) -> NDArray[np.uint8]:
    from earthloom.io.raster import Raster
    from earthloom.loom.fill import fill_nearest

    return fill_nearest(Raster(rgb_HW3.transpose(2, 0, 1), valid_HW)).pixels.transpose(1, 2, 0)


def _lon_lat(image: Orthoimage, col: float, row: float) -> tuple[float, float] | None:
    if image.place is None:
        return None
    lon, lat = image.place.lon_lat(col, row)
    return round(lon, DECIMALS), round(lat, DECIMALS)
