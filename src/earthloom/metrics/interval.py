"""95 % intervals: how far a figure would move if other pictures (or seam lines) of the same kind had been measured.

Pictures are taken as independent: several cut from one scene make an interval too narrow.
Letters: N pictures, R resamples.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

NUM_RESAMPLES = 1000
"""Draws of a bootstrap."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """A figure and the ends of its 95 % interval."""

    value: float
    """The figure on everything measured."""

    low: float
    """Lower end."""

    high: float
    """Upper end."""


def draws(num: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Draw `num` things from themselves with replacement, again and again.

    Returns:
        How often each was drawn, `(R, num)`; rows add up to `num`.
    """
    picks_RN = rng.integers(num, size=(NUM_RESAMPLES, num))
    picks_RN += num * np.arange(NUM_RESAMPLES)[:, None]
    return np.bincount(picks_RN.ravel(), minlength=NUM_RESAMPLES * num).reshape(NUM_RESAMPLES, num)


def percentiles(value: float, redrawn_R: NDArray[np.float64]) -> Interval:
    """Give a figure the interval between the 2.5 % and 97.5 % quantiles of the same figure on resamples."""
    low, high = np.quantile(redrawn_R, 0.025, method="lower"), np.quantile(redrawn_R, 0.975, method="higher")
    return Interval(value=float(value), low=float(low), high=float(high))
