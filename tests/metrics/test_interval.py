import numpy as np
import pytest

from earthloom.metrics.interval import NUM_RESAMPLES, draws, percentiles


def test_draws_are_multinomial() -> None:
    counts = draws(5, np.random.default_rng(0))
    assert counts.shape == (NUM_RESAMPLES, 5)
    assert (counts.sum(axis=1) == 5).all()
    assert np.abs(np.cov(counts.T) - (np.eye(5) - 0.2)).max() < 0.1  # n (diag p - p p')


def test_a_bootstrapped_mean_agrees_with_its_standard_error() -> None:
    values = np.random.default_rng(0).normal(size=200)
    found = percentiles(values.mean(), draws(200, np.random.default_rng(0)) @ values / 200)
    reach = 1.96 * values.std(ddof=1) / np.sqrt(200)
    assert (found.low, found.high) == pytest.approx((values.mean() - reach, values.mean() + reach), abs=0.15 * reach)
