import numpy as np
import pytest
import torch
from scipy.linalg import sqrtm

from earthloom.errors import DataError, ShapeError
from earthloom.metrics.frechet import frechet

RNG = np.random.default_rng(0)
REAL = RNG.normal(size=(40, 6)) @ RNG.normal(size=(6, 6))
MADE = RNG.normal(0.5, 1, (25, 6)) @ RNG.normal(size=(6, 6))


def gaussian(mean: list[float], deviation: list[float]) -> np.ndarray:
    """Draw a sample whose mean and covariance are exactly these."""
    raw = RNG.normal(size=(30, len(mean)))
    centred = raw - raw.mean(axis=0)
    white = centred @ np.linalg.inv(np.linalg.cholesky(np.cov(centred.T))).T
    return white * deviation + mean


def test_of_gaussians_with_common_axes_it_has_a_closed_form() -> None:
    found = frechet(gaussian([0, 1, 2], [1, 2, 0.5]), gaussian([3, 1, 0], [2, 2, 1.5]))
    assert found == pytest.approx(3**2 + 2**2 + (1 - 2) ** 2 + (0.5 - 1.5) ** 2)


def test_it_is_that_of_scipys_square_root() -> None:
    real, made = np.cov(REAL.T), np.cov(MADE.T)
    shift = REAL.mean(axis=0) - MADE.mean(axis=0)
    expected = shift @ shift + np.trace(real + made - 2 * sqrtm(real @ made).real)
    assert frechet(REAL, MADE) == pytest.approx(expected)
    assert frechet(MADE, REAL) == pytest.approx(expected)


def test_it_is_that_of_torchmetrics() -> None:
    from torchmetrics.image.fid import FrechetInceptionDistance

    feature = torch.nn.Identity()
    feature.num_features = 6
    metric = FrechetInceptionDistance(feature=feature)
    metric.update(torch.tensor(REAL), real=True)
    metric.update(torch.tensor(MADE), real=False)
    assert frechet(REAL, MADE) == pytest.approx(metric.compute().item(), rel=1e-5)


def test_features_that_never_fire_or_go_together_change_nothing() -> None:
    def more(rows: np.ndarray) -> np.ndarray:
        return np.hstack([rows, np.zeros_like(rows)])

    assert frechet(np.vstack([more(REAL)] * 2), np.vstack([more(MADE)] * 2)) == pytest.approx(
        frechet(np.vstack([REAL] * 2), np.vstack([MADE] * 2))
    )
    doubled = np.hstack([REAL, REAL])
    assert frechet(doubled, doubled) == pytest.approx(0, abs=1e-9)


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(DataError, match=r"6 features wants at least 12 pictures a side, got 11: .* KID"):
        frechet(REAL, MADE[:11])
    with pytest.raises(ShapeError, match="of one D"):
        frechet(REAL, MADE[:, :5])
