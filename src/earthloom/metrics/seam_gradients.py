"""How much pictures step across known seams: Table II of MetaEarth, beside what they step elsewhere.

Letters: P pictures; of each, four means: at seam columns, at seam rows, at other columns, at other rows.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from earthloom.errors import DataError, ShapeError
from earthloom.metrics.interval import Interval, draws, percentiles
from earthloom.metrics.seams import ratios


@dataclass(frozen=True, slots=True, kw_only=True)
class SeamGradients:
    """Mean steps between neighbouring pixels in 0..255, with bootstrap intervals over pictures."""

    horizontal: Interval
    """`|I[:, x] - I[:, x-1]|` at the seam columns x."""

    vertical: Interval
    """The same down the seam rows."""

    mean: Interval
    """Of the two."""

    interior: Interval
    """The same mean away from seams, in the same pictures."""

    ratio: Interval
    """`mean / interior`: 1 where seams do not show; the honest figure, as smooth pictures step little anywhere."""

    num_pictures: int
    """Pictures measured."""


def seam_gradients(
    pictures: Iterable[NDArray[np.uint8]], *, cols: Sequence[int], rows: Sequence[int], seed: int = 0
) -> SeamGradients:
    """Measure pictures that were all put together along the same lines (MetaEarth, Table II).

    Args:
        pictures: Of `(H, W, C)` each, looked at one at a time.
        cols: Seam columns, each the first pixel right of a seam: 1..W-1.
        rows: Seam rows, each the first pixel below a seam: 1..H-1.
        seed: Of the bootstrap.

    Returns:
        The five figures; every picture counts alike.

    Raises:
        ShapeError: If a picture has no three axes, or a seam lies outside it.
        DataError: If there are no pictures.
    """
    means_P4 = np.array([_means(picture, cols, rows) for picture in pictures])
    if not means_P4.size:
        raise DataError("no pictures to measure seams in: give at least one")
    figures_5 = _figures(means_P4.mean(axis=0))
    redrawn_R5 = _figures(draws(len(means_P4), np.random.default_rng(seed)) @ means_P4 / len(means_P4))
    horizontal, vertical, mean, interior, ratio = map(percentiles, figures_5, redrawn_R5.T)
    return SeamGradients(
        horizontal=horizontal,
        vertical=vertical,
        mean=mean,
        interior=interior,
        ratio=ratio,
        num_pictures=len(means_P4),
    )


def _means(picture_HWC: NDArray[np.uint8], cols: Sequence[int], rows: Sequence[int]) -> tuple[float, ...]:
    if picture_HWC.ndim != 3:
        raise ShapeError(f"want a picture (H, W, C), got {picture_HWC.shape}")
    at_cols, off_cols = _at_and_off(picture_HWC, cols)
    at_rows, off_rows = _at_and_off(picture_HWC.swapaxes(0, 1), rows)
    return at_cols, at_rows, off_cols, off_rows


def _at_and_off(picture_HWC: NDArray[np.uint8], cols: Sequence[int]) -> tuple[float, float]:
    """Return the mean step into the given columns, and into all others."""
    size = picture_HWC.shape[1]
    if not cols or min(cols) < 1 or max(cols) >= size or len(set(cols)) >= size - 1:
        raise ShapeError(f"want seams at some, not all, of 1..{size - 1}, got {list(cols)[:5]}")
    steps_W = np.abs(np.diff(picture_HWC.astype(np.float32), axis=1)).mean(axis=(0, 2), dtype=np.float64)
    is_seam_W = np.isin(np.arange(1, size), cols)
    return float(steps_W[is_seam_W].mean()), float(steps_W[~is_seam_W].mean())


def _figures(means_4: NDArray[np.float64]) -> NDArray[np.float64]:
    """Turn four means, along the last axis, into the five figures."""
    seams = means_4[..., :2].mean(axis=-1)
    interior = means_4[..., 2:].mean(axis=-1)
    pairs_2 = np.stack([seams, interior], axis=-1)
    return np.concatenate([means_4[..., :2], pairs_2, ratios(pairs_2)[..., None]], axis=-1)
