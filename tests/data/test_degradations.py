from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from io import BytesIO
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from skimage.util import random_noise
from torch.nn import functional

from earthloom.data import degradations
from earthloom.data.blur_kernels import Blur
from earthloom.data.degradations import (
    DEGRADE,
    Degradation,
    Order,
    average,
    bicubic,
    degrade,
    gaussian_noise,
    shot_noise,
)
from earthloom.errors import ShapeError

DRAWS = 1200
UNIT = 2500
"""Rows of the coarse image: many, so that sizes tell scales."""

CLEAN = Order(
    blur=Blur(share=0.0, sigma_px=(1.0, 1.0)),
    resize_shares=(0.0, 0.0, 1.0),
    scale=(1.0, 1.0),
    sigma=(0.0, 0.0),
    shot_scale=(0.0, 0.0),
)
"""An order that does nothing but JPEG."""


def _image(side: int = 64) -> np.ndarray:
    rng = np.random.default_rng(5)
    coarse = Image.fromarray(rng.integers(0, 256, (side // 8, side // 8, 3), np.uint8))
    return np.array(coarse.resize((side, side), Image.Resampling.BICUBIC))


def _jpeg(pixels: np.ndarray, quality: int) -> np.ndarray:
    file = BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=quality)
    return np.array(Image.open(file))


def _noise(order: Order, flat: np.ndarray, seed: int) -> np.ndarray:
    return degradations._noisy(flat, order, np.random.default_rng(seed)) - flat


def test_equal_seeds_give_equal_bytes_and_the_input_is_left_alone() -> None:
    image = _image()
    before = image.copy()
    one, two, other = (degrade(image, DEGRADE, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert np.array_equal(one, two)
    assert not np.array_equal(one, other)
    assert np.array_equal(image, before)


@pytest.mark.parametrize("shape", [(64, 64), (32, 48), (4, 4), (4, 80)])
def test_the_result_is_a_coarse_image_of_bytes(shape: tuple[int, int]) -> None:
    image = np.random.default_rng(0).integers(0, 256, (*shape, 3), np.uint8)
    for seed in range(10):
        coarse = degrade(image, DEGRADE, np.random.default_rng(seed))
        assert coarse.dtype == np.uint8
        assert coarse.shape == (shape[0] // 4, shape[1] // 4, 3)
    assert degrade(image, DEGRADE, np.random.default_rng(0), factor=2).shape == (shape[0] // 2, shape[1] // 2, 3)


def test_a_side_that_is_no_multiple_is_refused() -> None:
    image = np.zeros((130, 128, 3), np.uint8)
    for make in (bicubic, average, lambda hr: degrade(hr, DEGRADE, np.random.default_rng(0))):
        with pytest.raises(ShapeError, match="hr_HW3 is 130 x 128 px: crop or pad it to sides that are multiples of 4"):
            make(image)


def test_without_blur_and_noise_what_is_left_is_jpeg_resize_jpeg() -> None:
    image = _image()
    recipe = Degradation(
        first=replace(CLEAN, jpeg_quality=(40, 40)), second=replace(CLEAN, jpeg_quality=(70, 70)), final_sinc_share=0
    )
    once = torch.from_numpy(_jpeg(image, 40)).permute(2, 0, 1)[None].float()
    expected = []
    for mode in ("area", "bilinear", "bicubic"):
        small = functional.interpolate(once, size=(16, 16), mode=mode)[0].permute(1, 2, 0)
        expected.append(_jpeg(small.round().clamp(0, 255).byte().numpy(), 70))
    results = [degrade(image, recipe, np.random.default_rng(seed)) for seed in range(20)]
    matches = [[np.array_equal(result, one) for one in expected] for result in results]
    assert np.all(np.sum(matches, axis=1) == 1)
    assert np.all(np.any(matches, axis=0))


def test_a_degraded_image_stays_in_its_place() -> None:
    quiet = replace(CLEAN, jpeg_quality=(95, 95))
    first = replace(quiet, resize_shares=(0.2, 0.7, 0.1), scale=(0.3, 1.5))
    image = np.repeat(np.linspace(40, 200, 128)[None, :, None], 128, axis=0).repeat(3, axis=2).astype(np.uint8)
    for pixels in (image, image.swapaxes(0, 1)):
        for seed in range(10):
            coarse = degrade(pixels, Degradation(first=first, second=quiet), np.random.default_rng(seed))
            error = coarse.astype(float) - average(pixels)
            assert np.abs(error[4:-4, 4:-4].mean()) < 0.5  # a coarse pixel is 5 grey values


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> list[list[tuple[Any, ...]]]:
    """Run the published recipe many times over steps that only note their arguments; arrays by their shapes."""
    calls: list[list[tuple[Any, ...]]] = []
    x = np.zeros((2, 2, 3), np.float32)

    def note(name: str) -> Callable[..., Any]:
        def step(*args: Any, **kwargs: Any) -> np.ndarray:
            calls[-1].append((name, *(getattr(arg, "shape", arg) for arg in args), *kwargs.values()))
            return x

        return step

    for name in ("convolve", "resize", "gaussian_noise", "shot_noise", "low_pass", "compressed"):
        monkeypatch.setattr(degradations, name, note(name))
    rng, image = np.random.default_rng(0), np.zeros((4 * UNIT, 4, 3), np.uint8)
    for _ in range(DRAWS):
        calls.append([])
        degrade(image, DEGRADE, rng)
    return calls


def test_every_branch_is_taken_as_often_as_published(log: list[list[tuple[Any, ...]]]) -> None:
    names = [[call[0] for call in calls] for calls in log]
    resizes = [[call for call in calls if call[0] == "resize"] for calls in log]
    noises = [[call for call in calls if call[0].endswith("noise")] for calls in log]

    def share(claims: list[bool], expected: float) -> None:
        assert np.mean(claims) == pytest.approx(expected, abs=4 * np.sqrt(expected * (1 - expected) / DRAWS) + 1e-12)

    share([calls[0] == "convolve" for calls in names], 1.0)
    first_jpeg = [calls.index("compressed") for calls in names]
    share([calls[at + 1] == "convolve" for calls, at in zip(names, first_jpeg, strict=True)], 0.8)
    share(["low_pass" in calls for calls in names], 0.8)
    share([calls[-1] == "compressed" for calls in names], 0.5)
    for order, (unit, modes, scales) in enumerate(
        ((4 * UNIT, (0.2, 0.7, 0.1), (0.15, 1.5)), (UNIT, (0.3, 0.4, 0.3), (0.3, 1.2)))
    ):
        ratios = np.array([calls[order][2] / unit for calls in resizes])
        for claims, expected in zip((ratios > 1, ratios < 1, ratios == 1), modes, strict=True):
            share(list(claims), expected)
        assert (ratios.min(), ratios.max()) == pytest.approx(scales, abs=0.01)
        assert ratios[ratios > 1].mean() == pytest.approx((1 + scales[1]) / 2, abs=0.03)
        assert ratios[ratios < 1].mean() == pytest.approx((1 + scales[0]) / 2, abs=0.03)
        share([calls[order][0] == "gaussian_noise" for calls in noises], 0.5)
        share([calls[order][1][2] == 1 for calls in noises], 0.4)
        for kind, low, high in (("gaussian_noise", 1, (30, 25)[order]), ("shot_noise", 0.05, (3, 2.5)[order])):
            sizes = [calls[order][2] for calls in noises if calls[order][0] == kind]
            assert (min(sizes), max(sizes)) == pytest.approx((low, high), abs=0.02 * high)
            assert np.mean(sizes) == pytest.approx((low + high) / 2, rel=0.06)
    filters = Counter(call[4].__name__ for calls in resizes for call in calls)
    assert all(filters[name] / (3 * DRAWS) == pytest.approx(1 / 3, abs=0.025) for name in ("area", "linear", "cubic"))
    assert {call[2:4] for calls in resizes for call in calls[2:]} == {(UNIT, 1)}
    low_passes = np.array([call[1:] for calls in log for call in calls if call[0] == "low_pass"])
    assert set(low_passes[:, 0]) == {7, 9, 11, 13, 15, 17, 19, 21}
    assert (low_passes[:, 1].min(), low_passes[:, 1].max()) == pytest.approx((np.pi / 3, np.pi), abs=0.02)
    qualities = [call[2] for calls in log for call in calls if call[0] == "compressed"]
    assert (min(qualities), max(qualities)) == (30, 95)
    assert np.mean(qualities) == pytest.approx(62.5, abs=1.0)


def test_gaussian_noise_is_white_and_has_its_sigma() -> None:
    seen = np.full((200, 200, 3), 128, np.float32)
    noise = gaussian_noise(seen, 12.0, np.random.default_rng(0))
    assert noise.mean() == pytest.approx(0, abs=0.2)
    assert noise.std() == pytest.approx(12.0, rel=0.01)
    assert np.allclose(np.corrcoef(noise.reshape(-1, 3).T), np.eye(3), atol=0.02)
    assert np.mean(noise[1:] * noise[:-1]) / 144 == pytest.approx(0, abs=0.02)


def test_poisson_noise_is_that_of_skimage_times_its_scale() -> None:
    image = _image()
    expected = random_noise(image / 255, "poisson", rng=np.random.default_rng(4), clip=False) * 255 - image
    assert np.allclose(shot_noise(image.astype(np.float32), 0.7, np.random.default_rng(4)), 0.7 * expected, atol=1e-3)


def test_poisson_noise_grows_with_the_signal_and_with_coarser_counting() -> None:
    for values in (np.arange(8) * 30, np.arange(5) * 60):  # both count 8 photons for white
        seen = np.repeat(np.repeat(values.astype(np.float32)[:, None, None], 20_000, axis=1), 3, axis=2)
        noise = shot_noise(seen, 0.5, np.random.default_rng(0))
        assert np.allclose(noise.mean(axis=(1, 2)), 0, atol=0.6)
        assert np.allclose(noise.var(axis=(1, 2)), 0.5**2 * values * 255 / 8, rtol=0.03)


def test_grey_noise_is_equal_in_all_channels_and_colour_noise_is_not() -> None:
    flat = np.zeros((40, 40, 3), np.float32) + np.array([90, 120, 150], np.float32)
    for gaussian_share in (0.0, 1.0):
        order = replace(DEGRADE.first, gaussian_share=gaussian_share, sigma=(5.0, 5.0), shot_scale=(0.05, 0.05))
        grey = _noise(replace(order, grey_share=1.0), flat, seed=3)
        assert np.allclose(grey, grey[..., :1], atol=1e-4)
        assert grey.std() > 1
        colour = _noise(replace(order, grey_share=0.0), flat, seed=3)
        assert np.abs(np.corrcoef(colour.reshape(-1, 3).T)[0, 1]) < 0.1


def test_average_is_the_mean_of_every_block() -> None:
    image = np.random.default_rng(0).integers(0, 256, (12, 20, 3), np.uint8)
    image[:2, :4], image[2:4, :4] = 7, 8  # a mean of 7.5
    result = average(image)
    for row, col, band in np.ndindex(3, 5, 3):
        block = [int(image[4 * row + i, 4 * col + j, band]) for i in range(4) for j in range(4)]
        assert result[row, col, band] == int(sum(block) / 16 + 0.5)
    assert result[0, 0, 0] == 8
    assert result.dtype == np.uint8


def test_bicubic_keeps_flat_colour_and_removes_what_is_too_fine() -> None:
    flat = np.zeros((16, 24, 3), np.uint8) + np.array([3, 100, 250], np.uint8)
    assert np.array_equal(bicubic(flat), flat[:4, :6])
    stripes = np.zeros((64, 64, 3), np.uint8)
    stripes[::2] = 200
    assert np.abs(bicubic(stripes)[2:-2].astype(int) - 100).max() <= 1
