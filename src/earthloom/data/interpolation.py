"""Resizing without anti-aliasing, as the degradation of published super-resolution networks does it.

Pillow widens its filters when it shrinks, which removes the very aliasing the networks shall learn to undo.
Pixel centres are at .5, and edges of source and target coincide.

Letters: H W pixels, 3 RGB, O target positions, T taps: source pixels that a target position reads.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

Taps = tuple[NDArray[np.intp], NDArray[np.float64]]
"""Source positions and weights, both `(O, T)`; positions may lie outside and then mean the nearest pixel."""

Filter = Callable[[int, int], Taps]
"""From the lengths of source and target to the taps."""

CUBIC_SLOPE = -0.75
"""Slope of the cubic at distance 1, as in most tensor libraries (Keys 1981 has -0.5)."""


def resize(x_HW3: NDArray[np.float32], height: int, width: int, taps: Filter) -> NDArray[np.float32]:
    """Resize to `(height, width, 3)`; `taps` is one of `area`, `linear` and `cubic`."""
    for length in (height, width):
        weights = _matrix(taps(x_HW3.shape[0], length), x_HW3.shape[0])
        rows = weights @ x_HW3.reshape(x_HW3.shape[0], -1)
        x_HW3 = rows.reshape(length, -1, 3).swapaxes(0, 1)
    return x_HW3


def area(source: int, target: int) -> Taps:
    """Mean of all source pixels that a target pixel touches; when growing, the nearest or two."""
    edge = np.arange(target + 1) * source
    first_O, end_O = edge[:-1] // target, -(-edge[1:] // target)
    taps_OT = first_O[:, None] + np.arange(np.max(end_O - first_O))
    return taps_OT, (taps_OT < end_O[:, None]) / (end_O - first_O)[:, None]


def linear(source: int, target: int) -> Taps:
    """The two nearest source pixels."""
    taps_OT, distance_OT = _around(source, target, reach=1)
    return taps_OT, 1.0 - distance_OT


def cubic(source: int, target: int) -> Taps:
    """The four nearest source pixels under Keys' cubic convolution."""
    taps_OT, d = _around(source, target, reach=2)
    near = ((CUBIC_SLOPE + 2) * d - (CUBIC_SLOPE + 3)) * d**2 + 1
    far = CUBIC_SLOPE * (((d - 5) * d + 8) * d - 4)
    return taps_OT, np.where(d <= 1, near, far)


def _around(source: int, target: int, *, reach: int) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """The `reach` source pixels on either side of every target centre, and how far they are."""
    centre_O1 = ((np.arange(target) + 0.5) * source / target - 0.5)[:, None]
    taps_OT = np.floor(centre_O1).astype(np.intp) + np.arange(1 - reach, reach + 1)
    return taps_OT, np.abs(taps_OT - centre_O1)


def _matrix(taps: Taps, source: int) -> csr_array:
    """`(O, source)`; taps that fall on one pixel add up."""
    taps_OT, weights_OT = taps
    row_OT = np.broadcast_to(np.arange(len(taps_OT))[:, None], taps_OT.shape)
    places = (row_OT.ravel(), taps_OT.clip(0, source - 1).ravel())
    return csr_array((weights_OT.ravel().astype(np.float32), places), shape=(len(taps_OT), source))
