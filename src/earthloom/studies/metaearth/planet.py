"""Another planet: coarse ground no denoiser has seen, to look at what it makes of it. Red oceans, purple land.

Letters: H W pixels, 3 RGB.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from earthloom.geo.windows import Window
from earthloom.loom.noise import noise_at

OCTAVES_PX = (32, 16, 8, 4, 2)
"""Sizes of its features, each half as high as the one before."""

HEIGHTS = (-2.5, -0.7, 0.0, 0.02, 0.9, 2.5)
"""Above the sea, in standard deviations of the largest features."""

COLOURS = ((70, 8, 16), (150, 28, 30), (214, 92, 70), (196, 160, 214), (112, 60, 148), (60, 24, 84))
"""Deep and shallow ocean, surf, beach, lowland, mountains."""

SEA = 0.5
"""Share under water."""

LIGHT = 26.0
"""Grey values that a slope of 1 facing the sun gains."""


def other_planet(side_px: int, *, seed: int) -> NDArray[np.uint8]:
    """Draw a square of it, `(H, W, 3)`: smoothed noise as heights, colours by height, light from the north-west."""
    window = Window(0, 0, side_px, side_px)
    heights_HW = np.zeros((side_px, side_px))
    for index, size_px in enumerate(OCTAVES_PX):
        rough_HW = noise_at(window, channels=1, seed=seed, stage=index)[0].astype(np.float64)
        smooth_HW = ndimage.gaussian_filter(rough_HW, size_px / 2, mode="wrap")
        heights_HW += 0.5**index * smooth_HW / smooth_HW.std()
    heights_HW -= np.quantile(heights_HW, SEA)
    colours = np.array(COLOURS, np.float64)
    rgb_HW3 = np.stack([np.interp(heights_HW, HEIGHTS, colours[:, band]) for band in range(3)], axis=-1)
    south_HW, east_HW = np.gradient(np.maximum(heights_HW, 0.0))
    lit_HW3 = rgb_HW3 + LIGHT * (south_HW + east_HW)[..., None]
    return np.asarray(np.rint(lit_HW3).clip(0, 255), np.uint8)
