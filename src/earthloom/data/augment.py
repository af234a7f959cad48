"""Random looks of one crop: colour, gamma, blur, noise, JPEG. Geometry is the sampler's."""

from dataclasses import dataclass
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

LUMA = np.array([0.299, 0.587, 0.114], np.float32)
"""Grey of ITU-R BT.601."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Looks:
    """How far imagery may be pushed away from itself; numbers are edges of uniform draws unless they say else."""

    untouched: float = 0.4
    """Share of crops that keep their own look."""

    inverted: float = 0.4
    """Share of the touched crops with dark and bright exchanged, hue kept: roads are told by shape, not by tone."""

    resurfaced: float = 0.3
    """Share of all crops whose roads take the colour of another surface: told by shape again; see `resurface`."""

    gain: float = 0.15
    """Gain of each channel on its own, 1 +- gain: casts, haze, other sensors."""

    contrast: float = 0.35
    """Contrast of all channels, 1 +- contrast, around mid grey."""

    brightness: float = 0.12
    """Offset of all channels, as a share of the full range."""

    saturation: float = 0.5
    """Saturation, 1 +- saturation."""

    hue_deg: float = 14.0
    """Turn around the grey axis."""

    gamma_log2: float = 0.5
    """Gamma is 2 to the power of +- this."""

    blur_px: float = 1.2
    """Largest Gaussian sigma; one crop in three is blurred."""

    noise: float = 0.035
    """Largest sigma of white noise, as a share of the full range; one crop in three."""

    jpeg_quality: int = 35
    """Lowest JPEG quality; one crop in three is compressed, quality up to 90."""


def change(rgb_HW3: NDArray[np.uint8], looks: Looks, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Give a crop another look; pixels stay where they are.

    Args:
        rgb_HW3: Image `(H, W, 3)`, 0..255.
        looks: How far to go.
        rng: Consumed in a fixed order.

    Returns:
        A new image of the same shape.
    """
    shares = [looks.untouched, looks.inverted, *[1.0 / 3.0] * 3]
    untouched, inverted, blur, noise, jpeg = rng.random(5) < np.array(shares)
    if untouched:
        return rgb_HW3
    if inverted:
        rgb_HW3 = _inverted(rgb_HW3)
    image = Image.fromarray(_tone(rgb_HW3, looks, rng))
    if blur:
        image = image.filter(ImageFilter.GaussianBlur(rng.uniform(0.3, looks.blur_px)))
    if noise:
        image = Image.fromarray(_noisy(np.asarray(image), looks.noise * rng.random(), rng))
    if jpeg:
        image = compressed(image, int(rng.integers(looks.jpeg_quality, 91)))
    return np.array(image)


def resurface(rgb_HW3: NDArray[np.uint8], surface_HW: NDArray[np.bool_], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Shift a surface towards a colour that roads have, dark asphalt to pale dust; texture and what lies on it stay.

    Args:
        rgb_HW3: Image `(H, W, 3)`, 0..255.
        surface_HW: Where; at least one pixel.
        rng: Consumed in a fixed order.

    Returns:
        A new image of the same shape.
    """
    warmth = rng.uniform(0.0, 30.0) * np.array([1.0, 0.2, -1.0], np.float32)
    shift_3 = rng.uniform(80.0, 220.0) + warmth - rgb_HW3[surface_HW].mean(axis=0)
    mask = Image.fromarray(surface_HW.astype(np.uint8) * 255).filter(ImageFilter.GaussianBlur(rng.uniform(0.5, 2.0)))
    share_HW = np.asarray(mask, np.float32) * np.float32(rng.uniform(0.5, 1.0) / 255.0)
    return np.asarray(np.clip(rgb_HW3 + share_HW[..., None] * shift_3 + 0.5, 0, 255), np.uint8)


def _tone(rgb_HW3: NDArray[np.uint8], looks: Looks, rng: np.random.Generator) -> NDArray[np.uint8]:
    """All linear changes of colour as one 3x3 matrix, gamma as a table before it."""
    gain = 1.0 + rng.uniform(-looks.gain, looks.gain, 3)
    contrast = 1.0 + rng.uniform(-looks.contrast, looks.contrast)
    matrix = np.diag(gain * contrast) @ _turn(rng.uniform(-looks.hue_deg, looks.hue_deg))
    matrix = matrix @ _saturate(1.0 + rng.uniform(-looks.saturation, looks.saturation))
    offset = 0.5 * (1.0 - contrast) + rng.uniform(-looks.brightness, looks.brightness)
    gamma = 2.0 ** rng.uniform(-looks.gamma_log2, looks.gamma_log2)
    table = ((np.arange(256) / 255.0) ** gamma).astype(np.float32)
    toned = table[rgb_HW3] @ matrix.T.astype(np.float32) + np.float32(offset)
    return np.asarray(np.clip(toned * 255.0 + 0.5, 0, 255), np.uint8)


def _turn(angle_deg: float) -> NDArray[np.float64]:
    """Rotation around the grey axis (Rodrigues with the axis (1, 1, 1) / sqrt 3)."""
    cosine, sine = np.cos(np.deg2rad(angle_deg)), np.sin(np.deg2rad(angle_deg))
    cross = np.array([[0, -1, 1], [1, 0, -1], [-1, 1, 0]]) / np.sqrt(3.0)
    return np.asarray(cosine * np.eye(3) + sine * cross + (1 - cosine) / 3.0 * np.ones((3, 3)))


def _inverted(rgb_HW3: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Replace the grey y of every pixel by 255 - y, keeping its differences of colour."""
    grey_HW1 = rgb_HW3 @ LUMA
    return np.asarray(np.clip(rgb_HW3 + (255.0 - 2.0 * grey_HW1)[..., None] + 0.5, 0, 255), np.uint8)


def _saturate(factor: float) -> NDArray[np.float64]:
    """Mix with the grey."""
    grey = np.tile(LUMA, (3, 1))
    return np.asarray(factor * np.eye(3) + (1.0 - factor) * grey)


def _noisy(rgb_HW3: NDArray[np.uint8], sigma: float, rng: np.random.Generator) -> NDArray[np.uint8]:
    noise = rng.standard_normal(rgb_HW3.shape, np.float32) * np.float32(255.0 * sigma)
    return np.asarray(np.clip(rgb_HW3 + noise + 0.5, 0, 255), np.uint8)


def compressed(image: Image.Image, quality: int) -> Image.Image:
    """Send an image through JPEG; `quality` is 1 (worst) to 95."""
    buffer = BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    return Image.open(buffer).convert("RGB")
