from itertools import permutations, product

import numpy as np
import pytest
import torch

from earthloom.errors import DataError, ShapeError
from earthloom.metrics.interval import draws
from earthloom.metrics.kid import kid, kid_difference

RNG = np.random.default_rng(0)
REAL, MADE, OTHER = RNG.normal(size=(11, 5)), RNG.normal(0.3, 1.2, (13, 5)), RNG.normal(0.5, 1, (13, 5))


def kernel(x: np.ndarray, y: np.ndarray) -> float:
    return (sum(a * b for a, b in zip(x, y, strict=True)) / len(x) + 1) ** 3


def slow(real: np.ndarray, made: np.ndarray, places: tuple[list[int], list[int]], same_places: bool = False) -> float:
    """Compare pictures (by number) one by one, but none with itself or, at the same places, with its counterpart."""

    def mean(left: np.ndarray, right: np.ndarray, pairs, but_own: bool) -> float:
        return float(np.mean([kernel(left[i], right[j]) for i, j in pairs if i != j or not but_own]))

    within = mean(real, real, permutations(places[0], 2), True) + mean(made, made, permutations(places[1], 2), True)
    return within - 2 * mean(real, made, product(*places), same_places)


ALL = list(range(11)), list(range(13))


@pytest.mark.parametrize("same_places", [False, True])
def test_it_is_that_of_slow_loops(same_places: bool) -> None:
    made, other = (MADE[:11], OTHER[:11]) if same_places else (MADE, OTHER)
    places = (ALL[0], ALL[0]) if same_places else ALL
    first, second = slow(REAL, made, places, same_places), slow(REAL, other, places, same_places)
    assert kid(REAL, made, same_places=same_places).value == pytest.approx(first)
    assert kid_difference(REAL, made, other, same_places=same_places).value == pytest.approx(first - second)


def test_it_is_that_of_torchmetrics() -> None:
    with pytest.warns(UserWarning, match="will save all extracted features"):
        metric = kernel_inception_distance(subset_size=13)
    metric.update(torch.tensor(OTHER), real=True)
    metric.update(torch.tensor(MADE), real=False)
    assert kid(OTHER, MADE).value == pytest.approx(metric.compute()[0].item(), rel=1e-6)


def kernel_inception_distance(subset_size: int):
    from torchmetrics.image.kid import KernelInceptionDistance  # takes two seconds

    feature = torch.nn.Identity()
    feature.num_features = 5
    return KernelInceptionDistance(feature=feature, subsets=1, subset_size=subset_size)


def test_a_resample_is_the_distance_of_the_pictures_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("earthloom.metrics.interval.NUM_RESAMPLES", 2)  # the interval's ends are the two

    def drawn(*sizes: int):
        rng = np.random.default_rng(5)
        counts = [draws(size, rng) for size in sizes]
        return [tuple(np.arange(len(row)).repeat(row).tolist() for row in rows) for rows in zip(*counts, strict=True)]

    found = kid_difference(REAL, MADE, OTHER, seed=5)
    expected = sorted(slow(REAL, MADE, places) - slow(REAL, OTHER, places) for places in drawn(11, 13))
    assert [found.low, found.high] == pytest.approx(expected)
    found = kid(REAL, MADE[:11], same_places=True, seed=5)
    expected = sorted(slow(REAL, MADE, (places, places), True) for (places,) in drawn(11))
    assert [found.low, found.high] == pytest.approx(expected)


def test_copies_of_the_real_pictures_are_at_zero_if_their_places_are_known() -> None:
    copies = kid(REAL, REAL, same_places=True)
    assert (copies.value, copies.low, copies.high) == pytest.approx((0, 0, 0), abs=1e-12)
    assert kid(REAL, REAL).value < -0.5


def test_the_intervals_hold_the_truth(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("earthloom.metrics.interval.NUM_RESAMPLES", 300)
    rng = np.random.default_rng(1)
    looks_KD = np.abs(rng.normal(size=(12, 16)))  # all the pictures of a small world: the truth is a finite sum
    shares_3K = rng.dirichlet(np.full(12, 20.0), size=3)
    kernels_KK = np.array([[kernel(x, y) for y in looks_KD] for x in looks_KD])
    truths = [(p - shares_3K[0]) @ kernels_KK @ (p - shares_3K[0]) for p in shares_3K]
    hits = []
    for _ in range(100):
        own, shared = rng.random((3, 60)), rng.random(60)
        ranks = np.where(rng.random(60) < 0.8, shared, own)  # pictures of one place are alike
        kinds = (np.searchsorted(np.cumsum(p)[:-1], rank) for p, rank in zip(shares_3K, ranks, strict=True))
        real, made, other = (looks_KD[kind] for kind in kinds)
        strangers = looks_KD[rng.choice(12, 40, p=shares_3K[0])]
        intervals = (
            (kid(strangers, made), truths[1]),
            (kid(real, made, same_places=True), truths[1]),
            (kid_difference(real, made, other, same_places=True), truths[1] - truths[2]),
        )
        hits.append([found.low <= truth <= found.high for found, truth in intervals])
    coverage = np.mean(hits, axis=0)
    assert (coverage > 0.9).all(), coverage  # 0.95 less 2.3 standard errors of 100 trials


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(DataError, match="at least 10 pictures a side, got 11 real, 9 made"):
        kid(REAL, MADE[:9])
    with pytest.raises(ShapeError, match="as many made as real pictures of the same places, got 13 and 11"):
        kid(REAL, MADE, same_places=True)
    with pytest.raises(ShapeError, match="made from the same inputs, got 13 and 12 pictures"):
        kid_difference(REAL, MADE, OTHER[:12])
    with pytest.raises(ShapeError, match="of one D"):
        kid(REAL, MADE[:, :4])
