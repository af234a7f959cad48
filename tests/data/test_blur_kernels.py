from functools import partial
from math import gamma

import numpy as np
import pytest
from scipy import ndimage

from earthloom.data import blur_kernels
from earthloom.data.blur_kernels import (
    Blur,
    bell,
    convolve,
    draw_kernel,
    generalized_gaussian,
    low_pass,
    plateau,
)

GAUSSIAN = partial(generalized_gaussian, beta=1.0)


def _covariance(kernel: np.ndarray) -> np.ndarray:
    """Slow and plain: sum of weight times offset times offset, (col, row) order."""
    half = kernel.shape[0] // 2
    total = np.zeros((2, 2))
    for row, line in enumerate(kernel):
        for col, weight in enumerate(line):
            d = np.array([col - half, row - half])
            total += weight * np.outer(d, d)
    return total


def test_an_isotropic_gaussian_is_what_scipy_makes_of_a_point() -> None:
    point = np.zeros((21, 21))
    point[10, 10] = 1.0
    for sigma_px in (0.2, 1.0, 3.0):
        kernel = bell(21, np.full(2, sigma_px), 0.7, GAUSSIAN)
        assert np.allclose(kernel, ndimage.gaussian_filter(point, sigma_px, radius=10), atol=1e-12)


def test_a_turned_gaussian_has_the_covariance_it_was_made_for() -> None:
    sigmas_px, angle = np.array([2.0, 0.9]), 0.5
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    expected = turn @ np.diag(sigmas_px**2) @ turn.T
    assert np.allclose(_covariance(bell(21, sigmas_px, angle, GAUSSIAN)), expected, atol=1e-3)


@pytest.mark.parametrize("beta", [0.8, 1.0, 2.0, 4.0])
def test_the_generalized_gaussian_has_the_variance_of_its_closed_form(beta: float) -> None:
    sigma_px = 1.2 if beta < 1 else 3.0
    variance = sigma_px**2 * 2 ** (1 / beta - 1) * gamma(2 / beta) / gamma(1 / beta)
    kernel = bell(41, np.full(2, sigma_px), 0.0, partial(generalized_gaussian, beta=beta))
    assert np.allclose(_covariance(kernel), variance * np.eye(2), rtol=0.01, atol=1e-9)


@pytest.mark.parametrize("beta", [1.0, 1.5, 2.0])
def test_the_plateau_is_half_as_high_at_one_sigma(beta: float) -> None:
    kernel = bell(21, np.array([3.0, 2.0]), np.pi / 2, partial(plateau, beta=beta))
    assert kernel[13, 10] / kernel[10, 10] == pytest.approx(0.5)  # turned by a quarter, the first axis points down
    assert kernel[10, 12] / kernel[10, 10] == pytest.approx(0.5)
    assert kernel[10, 14] / kernel[10, 10] == pytest.approx(1 / (1 + 4**beta))


@pytest.mark.parametrize(("size_px", "ringing"), [(21, 0.18), (101, 0.05)])
def test_the_low_pass_passes_below_its_cutoff_and_stops_above(size_px: int, ringing: float) -> None:
    offset = np.arange(size_px) - size_px // 2
    for cutoff in (np.pi / 3, np.pi / 2, 0.8 * np.pi):
        kernel = low_pass(size_px, cutoff=cutoff)
        for angle in (0.0, 0.4, np.pi / 4):
            line = np.cos(angle) * offset[None, :] + np.sin(angle) * offset[:, None]
            response = [np.sum(kernel * np.cos(share * cutoff * line)) for share in (0.0, 0.75, 1.0, 1.25)]
            assert np.allclose(response, [1.0, 1.0, 0.5, 0.0], atol=ringing)


def _kind(kernel: np.ndarray) -> tuple[str, bool]:
    """Tell a kernel by its looks: the low-pass is negative somewhere; q along a row must grow as the square."""
    half = kernel.shape[0] // 2
    if kernel.min() < 0:
        return "low-pass", False
    is_isotropic = np.allclose(kernel, kernel.T) and np.allclose(kernel, kernel[:, ::-1])
    height = kernel[half, half : half + 4] / kernel[half, half]
    if np.allclose(np.log(height[2:]) / np.log(height[1]), [4, 9]):
        return "gaussian", bool(is_isotropic)
    beta = np.log((1 / height[3] - 1) / (1 / height[1] - 1)) / np.log(9)
    is_plateau = np.isclose((1 / height[2] - 1) / (1 / height[1] - 1), 4**beta)
    return "plateau" if is_plateau else "generalized", bool(is_isotropic)


def test_drawn_kernels_have_the_published_kinds_sizes_and_sums() -> None:
    rng = np.random.default_rng(0)
    kernels = [draw_kernel(Blur(share=1.0, sigma_px=(2.0, 3.0)), rng) for _ in range(2000)]
    assert np.allclose([kernel.sum() for kernel in kernels], 1.0)
    sizes, counts = np.unique([len(kernel) for kernel in kernels], return_counts=True)
    assert list(sizes) == [7, 9, 11, 13, 15, 17, 19, 21]
    assert np.allclose(counts / 2000, 1 / 8, atol=0.025)
    kinds = [_kind(kernel) for kernel in kernels]
    shares = {("gaussian", True): 0.45, ("gaussian", False): 0.25, ("generalized", True): 0.12}
    shares |= {("generalized", False): 0.03, ("plateau", True): 0.12, ("plateau", False): 0.03}
    for kind, share in shares.items():
        assert kinds.count(kind) / 2000 == pytest.approx(0.9 * share, abs=0.025), kind
    assert kinds.count(("low-pass", False)) / 2000 == pytest.approx(0.1, abs=0.025)


def test_only_long_low_passes_start_at_a_fifth_of_pi(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[tuple[int, float]] = []
    monkeypatch.setattr(blur_kernels, "low_pass", lambda size_px, *, cutoff: drawn.append((size_px, cutoff)))
    rng = np.random.default_rng(0)
    for _ in range(1000):
        draw_kernel(Blur(share=1.0, sigma_px=(1.0, 1.0), sinc_share=1.0), rng)
    for sizes_px, lowest in (((7, 9, 11), np.pi / 3), ((13, 15, 17, 19, 21), np.pi / 5)):
        cutoffs = [cutoff for size_px, cutoff in drawn if size_px in sizes_px]
        assert (min(cutoffs), max(cutoffs)) == pytest.approx((lowest, np.pi), abs=0.03)


def test_half_of_the_betas_lie_on_each_side_of_one() -> None:
    rng = np.random.default_rng(0)
    for shares, height, low, middle in (
        ((0, 0, 1, 0, 0, 0), lambda kernel: -2 * np.log(kernel), 0.5, 1.0),
        ((0, 0, 0, 0, 1, 0), lambda kernel: 1 / kernel - 1, 1.0, 1.0),
    ):
        draw = Blur(share=1.0, sigma_px=(1.0, 1.0), kinds=shares, sinc_share=0.0, generalized_beta=(0.5, 2.0))
        betas = []
        for _ in range(600):
            kernel = draw_kernel(draw, rng)
            half = len(kernel) // 2
            betas.append(np.log2(height(kernel[half, half + 2] / kernel[half, half])) / 2)  # q is 4 there
        assert (min(betas), max(betas)) == pytest.approx((low, 2.0), abs=0.02)
        assert np.mean(np.array(betas) < middle + 1e-6) == pytest.approx(0.5, abs=0.08)


def test_convolution_mirrors_the_image_about_its_last_pixel() -> None:
    rng = np.random.default_rng(0)
    image, kernel = rng.random((9, 30, 3), np.float32), rng.random((21, 21))
    expected = ndimage.convolve(image, kernel[..., None], mode="mirror")
    assert np.allclose(convolve(image, kernel), expected, rtol=1e-4)


def test_a_flat_image_stays_flat_in_every_channel() -> None:
    flat = np.ones((12, 16, 3), np.float32) * np.array([10, 128, 250], np.float32)
    rng = np.random.default_rng(0)
    for _ in range(50):
        assert np.allclose(convolve(flat, draw_kernel(Blur(share=1.0, sigma_px=(0.2, 3.0)), rng)), flat, atol=1e-2)
