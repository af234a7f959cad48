import numpy as np
import pytest
import torch
from torch.nn import functional

from earthloom.data.interpolation import Filter, area, cubic, linear, resize

MODES = [(area, "area"), (linear, "bilinear"), (cubic, "bicubic")]


@pytest.mark.parametrize(("taps", "mode"), MODES)
@pytest.mark.parametrize("size", [(13, 5), (20, 31), (33, 47), (1, 1)])
def test_every_filter_is_that_of_torch(taps: Filter, mode: str, size: tuple[int, int]) -> None:
    image = np.random.default_rng(0).random((20, 31, 3), np.float32)
    expected = functional.interpolate(torch.from_numpy(image).permute(2, 0, 1)[None], size=size, mode=mode)
    assert np.allclose(resize(image, *size, taps), expected[0].permute(1, 2, 0).numpy(), atol=1e-5)


@pytest.mark.parametrize("taps", [area, linear, cubic])
def test_the_weights_of_every_target_pixel_sum_to_one(taps: Filter) -> None:
    for source in (1, 2, 5, 24):
        for target in (1, 3, 24, 36):
            assert np.allclose(taps(source, target)[1].sum(axis=1), 1.0)
