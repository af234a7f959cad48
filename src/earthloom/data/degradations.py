"""Low resolution from high: the high-order degradation that trains, and the clean ways that measure.

The published values and the order of steps are those of Real-ESRGAN (X. Wang et al. 2021, arXiv:2107.10833), which
MetaEarth follows in its equations 23 and 24.

Letters: H W pixels of the fine image, h w of the coarse one, 3 RGB, C channels. Inside, floats in 0..255.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from earthloom.data.augment import LUMA, compressed
from earthloom.data.blur_kernels import Blur, Range, convolve, draw_kernel, draw_size_px, low_pass
from earthloom.data.interpolation import Filter, area, cubic, linear, resize
from earthloom.errors import ShapeError

FILTERS = (area, linear, cubic)
"""Every resize draws one of them evenly."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One round of blur, resize, noise and JPEG; the defaults are what both rounds share."""

    blur: Blur
    """Kernels."""

    resize_shares: tuple[float, float, float]
    """Shares of images that grow, shrink and keep their size."""

    scale: Range
    """Smallest and largest factor, drawn evenly below 1 or above it."""

    sigma: Range
    """Standard deviation of Gaussian noise, out of 255."""

    shot_scale: Range
    """Factor on Poisson noise."""

    gaussian_share: float = 0.5
    """Share of images with Gaussian noise; the others have Poisson noise."""

    grey_share: float = 0.4
    """Share of images whose noise is the same in all channels."""

    jpeg_quality: tuple[int, int] = (30, 95)
    """Lowest and highest, both drawn."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Degradation:
    """Two rounds, then a low-pass; the defaults are the published values."""

    first: Order = Order(
        blur=Blur(share=1.0, sigma_px=(0.2, 3.0)),
        resize_shares=(0.2, 0.7, 0.1),
        scale=(0.15, 1.5),
        sigma=(1.0, 30.0),
        shot_scale=(0.05, 3.0),
    )
    """Scales are relative to the fine image."""

    second: Order = Order(
        blur=Blur(share=0.8, sigma_px=(0.2, 1.5)),
        resize_shares=(0.3, 0.4, 0.3),
        scale=(0.3, 1.2),
        sigma=(1.0, 25.0),
        shot_scale=(0.05, 2.5),
    )
    """Scales are relative to the coarse image."""

    final_sinc_share: float = 0.8
    """Share of images that end with a low-pass."""

    final_cutoff: Range = (np.pi / 3, np.pi)
    """Its cutoff, in radians a pixel."""


DEGRADE = Degradation()
"""As published."""


def degrade(
    hr_HW3: NDArray[np.uint8], recipe: Degradation, rng: np.random.Generator, *, factor: int = 4
) -> NDArray[np.uint8]:
    """Make a coarse image as real ones are made badly: MetaEarth, equations 23 and 24.

    Three things differ from Real-ESRGAN's code: the edges of the image stay in place at every resize (there, the first
    stretches it by up to one of its pixels), JPEG is the real one, and the fine image is not sharpened.

    Args:
        hr_HW3: Fine image, 0..255; sides are multiples of `factor`.
        recipe: What to draw.
        rng: Consumed in a fixed order; an equal state gives equal bytes.
        factor: Fine pixels a coarse one, each way.

    Returns:
        `(H / factor, W / factor, 3)`, 0..255.

    Raises:
        ShapeError: If a side is no multiple of `factor`.
    """
    coarse = _coarse(hr_HW3, factor)
    x_HW3 = hr_HW3.astype(np.float32)
    x_HW3 = _blur_resize_noise(x_HW3, recipe.first, hr_HW3.shape[:2], rng)
    x_HW3 = _through_jpeg(x_HW3, recipe.first, rng)
    x_HW3 = _blur_resize_noise(x_HW3, recipe.second, coarse, rng)
    if rng.random() < 0.5:
        return _to_uint8(_through_jpeg(_finish(x_HW3, recipe, coarse, rng), recipe.second, rng))
    return _to_uint8(_finish(_through_jpeg(x_HW3, recipe.second, rng), recipe, coarse, rng))


def bicubic(hr_HW3: NDArray[np.uint8], *, factor: int = 4) -> NDArray[np.uint8]:
    """Shrink with Pillow's anti-aliased bicubic filter; arguments, result and error as in `degrade`."""
    height, width = _coarse(hr_HW3, factor)
    return np.array(Image.fromarray(hr_HW3).resize((width, height), Image.Resampling.BICUBIC))


def average(hr_HW3: NDArray[np.uint8], *, factor: int = 4) -> NDArray[np.uint8]:
    """Mean of every block of pixels, rounded to nearest, halves up; arguments, result and error as in `degrade`."""
    height, width = _coarse(hr_HW3, factor)
    sums_hw3 = hr_HW3.reshape(height, factor, width, factor, 3).sum(axis=(1, 3), dtype=np.int64)
    return np.asarray((2 * sums_hw3 + factor**2) // (2 * factor**2), np.uint8)


def gaussian_noise(seen_HWC: NDArray[np.float32], sigma: float, rng: np.random.Generator) -> NDArray[np.float32]:
    """White noise of the shape of `seen_HWC`."""
    return np.float32(sigma) * rng.standard_normal(seen_HWC.shape, np.float32)


def shot_noise(seen_HWC: NDArray[np.float32], scale: float, rng: np.random.Generator) -> NDArray[np.float32]:
    """Poisson noise of the image, times `scale`.

    White counts as many photons as there are distinct values, up to the next power of two: fewer values, more noise.
    """
    signal_HWC = _to_uint8(seen_HWC)
    values = np.count_nonzero(np.bincount(signal_HWC.ravel()))
    grey_per_photon = 255.0 / 2.0 ** np.ceil(np.log2(values))
    counts_HWC = rng.poisson(signal_HWC / grey_per_photon)
    return np.asarray(scale * (counts_HWC * grey_per_photon - signal_HWC), np.float32)


def _blur_resize_noise(
    x_HW3: NDArray[np.float32], order: Order, unit: tuple[int, ...], rng: np.random.Generator
) -> NDArray[np.float32]:
    """Blur, resize, noise; `unit` is the size that scale 1 gives."""
    if rng.random() < order.blur.share:
        x_HW3 = convolve(x_HW3, draw_kernel(order.blur, rng))
    scale = _draw_scale(order, rng)
    height, width = (max(1, int(side * scale)) for side in unit)
    return _noisy(resize(x_HW3, height, width, _draw_filter(rng)), order, rng)


def _finish(
    x_HW3: NDArray[np.float32], recipe: Degradation, coarse: tuple[int, int], rng: np.random.Generator
) -> NDArray[np.float32]:
    """Resize to the final size, then a low-pass or nothing."""
    x_hw3 = resize(x_HW3, *coarse, _draw_filter(rng))
    if rng.random() >= recipe.final_sinc_share:
        return x_hw3
    return convolve(x_hw3, low_pass(draw_size_px(rng), cutoff=rng.uniform(*recipe.final_cutoff)))


def _draw_scale(order: Order, rng: np.random.Generator) -> float:
    low, high = order.scale
    ranges = ((1.0, high), (low, 1.0), (1.0, 1.0))
    return float(rng.uniform(*ranges[rng.choice(3, p=order.resize_shares)]))


def _draw_filter(rng: np.random.Generator) -> Filter:
    return FILTERS[rng.integers(len(FILTERS))]


def _noisy(x_HW3: NDArray[np.float32], order: Order, rng: np.random.Generator) -> NDArray[np.float32]:
    seen_HWC = (x_HW3 @ LUMA)[..., None] if rng.random() < order.grey_share else x_HW3
    if rng.random() < order.gaussian_share:
        noise_HWC = gaussian_noise(seen_HWC, rng.uniform(*order.sigma), rng)
    else:
        noise_HWC = shot_noise(seen_HWC, rng.uniform(*order.shot_scale), rng)
    return np.asarray(np.clip(x_HW3 + noise_HWC, 0, 255), np.float32)


def _through_jpeg(x_HW3: NDArray[np.float32], order: Order, rng: np.random.Generator) -> NDArray[np.float32]:
    low, high = order.jpeg_quality
    image = compressed(Image.fromarray(_to_uint8(x_HW3)), int(rng.integers(low, high + 1)))
    return np.asarray(image, np.float32)


def _to_uint8(x: NDArray[np.float32]) -> NDArray[np.uint8]:
    return np.clip(np.rint(x), 0, 255).astype(np.uint8)


def _coarse(hr_HW3: NDArray[np.uint8], factor: int) -> tuple[int, int]:
    """Height and width of the coarse image."""
    height, width = hr_HW3.shape[:2]
    if height % factor or width % factor:
        raise ShapeError(f"hr_HW3 is {height} x {width} px: crop or pad it to sides that are multiples of {factor}")
    return height // factor, width // factor
