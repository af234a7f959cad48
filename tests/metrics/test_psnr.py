import math

import numpy as np
import pytest
from skimage.metrics import peak_signal_noise_ratio
from skimage.transform import downscale_local_mean

from earthloom.errors import DataError, ShapeError
from earthloom.metrics.psnr import lr_consistency

RNG = np.random.default_rng(0)
MADE = RNG.integers(0, 256, (12, 20, 3), dtype=np.uint8)
LR = RNG.integers(0, 256, (3, 5, 3), dtype=np.uint8)


def test_it_is_that_of_scikit_image() -> None:
    found, coarse = lr_consistency(MADE, LR), downscale_local_mean(MADE, (4, 4, 1))
    assert found.psnr_db == pytest.approx(peak_signal_noise_ratio(LR.astype(float), coarse, data_range=255))
    assert found.mean_absolute == pytest.approx(np.abs(coarse - LR).mean())


def test_masked_ground_does_not_count() -> None:
    mask = np.ones((3, 5), bool)
    mask[:, 3:] = False
    assert lr_consistency(MADE, LR, mask) == lr_consistency(MADE[:, :12], LR[:, :3])


def test_rounding_costs_a_quarter_and_repeating_nothing() -> None:
    smooth = RNG.integers(0, 256, (400, 400, 3), dtype=np.uint8)
    found = lr_consistency(smooth, downscale_local_mean(smooth, (4, 4, 1)).round().astype(np.uint8))
    assert found.mean_absolute == pytest.approx(0.25, abs=0.01)
    assert found.psnr_db == pytest.approx(58.9, abs=0.1)
    repeated = lr_consistency(LR.repeat(4, axis=0).repeat(4, axis=1), LR)
    assert (repeated.mean_absolute, repeated.psnr_db) == (0, math.inf)


def test_what_does_not_fit_is_refused() -> None:
    for made in (MADE[:11], MADE[:, :16], MADE[:2], MADE[..., :1], MADE[..., 0]):
        with pytest.raises(ShapeError, match=r"made from \(H, W, 3\), got .*, \(3, 5, 3\)"):
            lr_consistency(made, LR)
    with pytest.raises(ShapeError, match=r"want a mask of the input \(3, 5, 3\), got \(5, 3\)"):
        lr_consistency(MADE, LR, np.ones((5, 3), bool))
    with pytest.raises(DataError, match="leaves no pixel"):
        lr_consistency(MADE, LR, np.zeros((3, 5), bool))
