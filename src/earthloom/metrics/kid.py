"""KID: the squared distance of two sets of pictures by their features, unbiased for any number of them.

The interval is the bootstrap's over pictures. The spread over random subsets, often printed beside KID, depends on
the size of the subset and not on how many pictures there were, so it is no interval. One of standard errors misses a
side: KID is skewed, with small errors where it is small. A picture drawn twice is not compared with itself, which would
move all resamples upward. In simulated worlds, with 60 and 240 pictures, 93 to 100 % of the intervals held the truth:
where two sets are alike they are up to sqrt(3) too wide.
Letters: N real, M made pictures, D features, R weightings of the pictures.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from earthloom.errors import DataError, ShapeError
from earthloom.metrics.features import check_features
from earthloom.metrics.interval import Interval, draws, percentiles

FEWEST = 10
"""Pictures a side that a KID wants."""


def kid(
    real_ND: NDArray[np.float64], made_MD: NDArray[np.float64], *, same_places: bool = False, seed: int = 0
) -> Interval:
    """Measure the kernel distance: unbiased MMD^2 (Gretton et al. 2012, eq 3; Binkowski et al. 2018, arXiv:1801.01401).

    The kernel is `(x . y / D + 1)^3`. All pairs are held at once: 10,000 pictures a side take about 3 GB.

    Args:
        real_ND: Features of real pictures.
        made_MD: Features of made ones.
        same_places: Row i of both shows one place, as when pictures were made from the real ones made coarse. Then no
            picture is compared with its own counterpart (Gretton eq 4), and places are what the interval is over.
            Without it such sets come out too close: copies of the real pictures would be below 0.
        seed: Of the bootstrap.

    Returns:
        KID, which may be a little below 0 for sets that are alike, with its interval.

    Raises:
        ShapeError: If the features do not fit each other.
        DataError: If there are fewer than 10 pictures a side, or a value is not finite.
    """
    weights = _weights(real_ND, made_MD, same_places, seed)
    mmd2_R = _mmd2(real_ND, made_MD, weights)
    return percentiles(mmd2_R[0], mmd2_R[1:])


def kid_difference(
    real_ND: NDArray[np.float64],
    first_MD: NDArray[np.float64],
    second_MD: NDArray[np.float64],
    *,
    same_places: bool = False,
    seed: int = 0,
) -> Interval:
    """Measure KID(real, first) - KID(real, second); an interval below 0 says that the first is closer to real.

    Row i of both made sets comes from the same input, and a picture is drawn for both at once: what they share does
    not widen the interval, so it decides where two separate intervals overlap.

    Args:
        real_ND: Features of real pictures.
        first_MD: Features of what one model made.
        second_MD: Features of what another made from the same inputs in the same order.
        same_places: Row i of the real set is of that place too, see `kid`.
        seed: Of the bootstrap.

    Returns:
        The difference with its interval.

    Raises:
        ShapeError: If the features do not fit each other.
        DataError: See `kid`.
    """
    if len(first_MD) != len(second_MD):
        raise ShapeError(f"want two sets made from the same inputs, got {len(first_MD)} and {len(second_MD)} pictures")
    weights = _weights(real_ND, first_MD, same_places, seed)
    difference_R = _mmd2(real_ND, first_MD, weights) - _mmd2(real_ND, second_MD, weights)
    return percentiles(difference_R[0], difference_R[1:])


class _Weights(NamedTuple):
    """How often each picture counts: once in row 0, as drawn in the others."""

    real_RN: NDArray[np.float64]
    made_RM: NDArray[np.float64]
    same_places: bool


def _weights(real_ND: NDArray[np.float64], made_MD: NDArray[np.float64], same_places: bool, seed: int) -> _Weights:
    num_real, num_made = len(real_ND), len(made_MD)
    if min(num_real, num_made) < FEWEST:
        raise DataError(f"KID wants at least {FEWEST} pictures a side, got {num_real} real, {num_made} made: add some")
    if same_places and num_real != num_made:
        raise ShapeError(f"want as many made as real pictures of the same places, got {num_made} and {num_real}")
    rng = np.random.default_rng(seed)
    real_RN = np.vstack([np.ones(num_real), draws(num_real, rng)])
    made_RM = real_RN if same_places else np.vstack([np.ones(num_made), draws(num_made, rng)])
    return _Weights(real_RN, made_RM, same_places)


def _mmd2(real_ND: NDArray[np.float64], made_MD: NDArray[np.float64], weights: _Weights) -> NDArray[np.float64]:
    check_features(real_ND, made_MD)
    real_RN, made_RM, same_places = weights
    real_R = _mean_of_pairs(_kernel(real_ND, real_ND), real_RN, real_RN, apart=True)
    made_R = _mean_of_pairs(_kernel(made_MD, made_MD), made_RM, made_RM, apart=True)
    across_R = _mean_of_pairs(_kernel(real_ND, made_MD), real_RN, made_RM, apart=same_places)
    return real_R + made_R - 2 * across_R


def _kernel(x_ND: NDArray[np.float64], y_MD: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray((x_ND @ y_MD.T / x_ND.shape[1] + 1) ** 3, np.float64)


def _mean_of_pairs(
    values_NM: NDArray[np.float64], left_RN: NDArray[np.float64], right_RM: NDArray[np.float64], *, apart: bool
) -> NDArray[np.float64]:
    """Return the weighted mean over pairs (i, j) for every weighting; `apart` leaves out i = j."""
    sums_R = ((left_RN @ values_NM) * right_RM).sum(axis=1)
    pairs_R = left_RN.sum(axis=1) * right_RM.sum(axis=1)
    if apart:
        both_RN = left_RN * right_RM
        sums_R, pairs_R = sums_R - both_RN @ values_NM.diagonal(), pairs_R - both_RN.sum(axis=1)
    return np.asarray(sums_R / pairs_R, np.float64)
