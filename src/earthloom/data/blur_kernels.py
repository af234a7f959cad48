"""The random blur kernels of Real-ESRGAN (X. Wang et al. 2021, arXiv:2107.10833), and the blur itself.

Letters: H W pixels, 3 RGB, K side of a kernel.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.signal import fftconvolve
from scipy.special import j1

Floats = NDArray[np.floating]
Range = tuple[float, float]
"""Lowest and highest value of a uniform draw."""

SIZES_PX = np.arange(7, 22, 2)
"""Sides a kernel may have."""

LONG_PX = 13
"""Kernels from this side on are long enough for a low-pass that starts at pi/5; shorter ones start at pi/3."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Blur:
    """How kernels are drawn; the defaults are what both orders of Real-ESRGAN share."""

    share: float
    """Share of images that are blurred at all."""

    sigma_px: Range
    """Standard deviation along each axis of the kernel."""

    kinds: tuple[float, ...] = (0.45, 0.25, 0.12, 0.03, 0.12, 0.03)
    """Shares of the Gaussian, generalised Gaussian and plateau families, each isotropic, then anisotropic."""

    sinc_share: float = 0.1
    """Share of the blurred images that get a low-pass in place of the six kinds."""

    generalized_beta: Range = (0.5, 4.0)
    """Shape of the generalised Gaussian; 1 is the Gaussian. Half of the draws lie on each side of 1."""

    plateau_beta: Range = (1.0, 2.0)
    """Shape of the plateau, drawn likewise: half of the kernels have exactly 1."""


def draw_kernel(draw: Blur, rng: np.random.Generator) -> Floats:
    """Draw a kernel `(K, K)` that sums to 1: one of the six kinds, or a low-pass."""
    size_px = draw_size_px(rng)
    if rng.random() < draw.sinc_share:
        return low_pass(size_px, cutoff=rng.uniform(np.pi / (5 if size_px >= LONG_PX else 3), np.pi))
    family, is_anisotropic = divmod(int(rng.choice(len(draw.kinds), p=draw.kinds)), 2)
    sigmas_px = rng.uniform(*draw.sigma_px, size=2) if is_anisotropic else np.full(2, rng.uniform(*draw.sigma_px))
    angle = rng.uniform(-np.pi, np.pi)
    beta = _draw_beta(((1.0, 1.0), draw.generalized_beta, draw.plateau_beta)[family], rng)
    profile = (generalized_gaussian, generalized_gaussian, plateau)[family]
    return bell(size_px, sigmas_px, angle, lambda q_KK: profile(q_KK, beta))


def draw_size_px(rng: np.random.Generator) -> int:
    """Draw the side of a kernel."""
    return int(rng.choice(SIZES_PX))


def bell(size_px: int, sigmas_px: Floats, angle: float, profile: Callable[[Floats], Floats]) -> Floats:
    """Give a kernel that falls with the Mahalanobis distance from its centre and sums to 1.

    Args:
        size_px: Side, odd.
        sigmas_px: Standard deviations along the two axes, before the turn.
        angle: Of the first axis with the columns, in radians, towards the last row.
        profile: From q = d^T Sigma^-1 d to a height, so that q is 1 on the ellipse of one sigma.

    Returns:
        `(size_px, size_px)`, symmetric about its centre.
    """
    row_KK, col_KK = _offsets(size_px)
    along_KK = np.cos(angle) * col_KK + np.sin(angle) * row_KK
    across_KK = np.cos(angle) * row_KK - np.sin(angle) * col_KK
    return _normalized(profile((along_KK / sigmas_px[0]) ** 2 + (across_KK / sigmas_px[1]) ** 2))


def generalized_gaussian(q: Floats, beta: float) -> Floats:
    """Height of the generalised Gaussian at squared distance q; `beta` 1 is the Gaussian."""
    return np.asarray(np.exp(-0.5 * q**beta))


def plateau(q: Floats, beta: float) -> Floats:
    """Height of the plateau at squared distance q: flat inside, half at q = 1, with long tails."""
    return np.asarray(1.0 / (1.0 + q**beta))


def low_pass(size_px: int, *, cutoff: float) -> Floats:
    """Give the round sinc filter: the inverse transform of a disc of radius `cutoff`, cut to a square.

    Cut short, it rings: that is its use, real images overshoot at edges too.

    Args:
        size_px: Side, odd.
        cutoff: Radians a pixel, up to pi.

    Returns:
        `(size_px, size_px)`, sums to 1.
    """
    radius_KK = np.hypot(*_offsets(size_px))
    radius_KK[size_px // 2, size_px // 2] = 1.0  # any but 0: the centre is set below, to the limit of j1(x) / x
    kernel_KK = cutoff * j1(cutoff * radius_KK) / (2 * np.pi * radius_KK)
    kernel_KK[size_px // 2, size_px // 2] = cutoff**2 / (4 * np.pi)
    return _normalized(kernel_KK)


def convolve(x_HW3: NDArray[np.float32], kernel_KK: Floats) -> NDArray[np.float32]:
    """Blur all channels alike; beyond its edge the image is mirrored about its last pixel."""
    halo_px = kernel_KK.shape[0] // 2
    wide_HW3 = np.pad(x_HW3, ((halo_px, halo_px), (halo_px, halo_px), (0, 0)), mode="reflect")
    kernel_KK1 = kernel_KK[..., None].astype(np.float32)
    return np.asarray(fftconvolve(wide_HW3, kernel_KK1, mode="valid", axes=(0, 1)))


def _offsets(size_px: int) -> tuple[Floats, Floats]:
    """Rows and columns counted from the centre."""
    offset_K = np.arange(size_px) - (size_px - 1) / 2
    row_KK, col_KK = np.meshgrid(offset_K, offset_K, indexing="ij")
    return row_KK, col_KK


def _normalized(kernel_KK: Floats) -> Floats:
    return np.asarray(kernel_KK / kernel_KK.sum())


def _draw_beta(betas: Range, rng: np.random.Generator) -> float:
    low, high = betas
    return float(rng.uniform(low, 1.0) if rng.random() < 0.5 else rng.uniform(1.0, high))
