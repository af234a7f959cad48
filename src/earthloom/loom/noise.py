"""Gaussian noise that belongs to places: any two windows agree wherever they overlap."""

import numpy as np
from numpy.typing import NDArray

from earthloom.geo.windows import Window

Words = NDArray[np.uint64]

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


def noise_at(window: Window, *, channels: int, seed: int, stage: int = 0, step: int = 0) -> NDArray[np.float32]:
    """Return the unit Gaussian noise of a window of an endless plane.

    A counter-based hash of (seed, stage, step, channel, row, col) gives two uniforms a pixel and Box-Muller the
    Gaussian, so the value of a pixel depends on nothing else: not on the window, its order or who asks.

    Args:
        window: Pixels of the plane; offsets may be negative, within +-2**31.
        channels: Number of channels.
        seed: The world's seed, any integer; 0 is a seed like any other.
        stage: Which stage of a cascade the noise is for.
        step: Which sampling step of the stage.

    Returns:
        `(channels, height, width)`, mean 0, variance 1.
    """
    rows = np.arange(window.row, window.bottom, dtype=np.int64).astype(np.uint32).astype(np.uint64)
    cols = np.arange(window.col, window.right, dtype=np.int64).astype(np.uint32).astype(np.uint64)
    place_HW = _mix((rows[:, None] << np.uint64(32)) | cols[None, :])
    keys = [derive_key(seed, stage, step, channel) for channel in range(channels)]
    return np.stack([_gaussian(place_HW, np.uint64(key)) for key in keys])


def derive_key(*words: int) -> int:
    """Hash integers into one of 64 bits; world i of several has the seed `derive_key(seed, i)`."""
    key = np.zeros(1, np.uint64)
    for word in words:
        key = _mix(key + _GOLDEN + np.uint64(word % 2**64))
    return int(key[0])


def _gaussian(place_HW: Words, key: np.uint64) -> NDArray[np.float32]:
    first = _mix(place_HW ^ key)
    second = _mix(first + _GOLDEN)
    radius = np.sqrt(-2.0 * np.log(_uniform(first)))
    noise: NDArray[np.float32] = (radius * np.cos(2.0 * np.pi * _uniform(second))).astype(np.float32)
    return noise


def _uniform(words: Words) -> NDArray[np.float64]:
    """Turn the top 53 bits into a number in (0, 1)."""
    uniform: NDArray[np.float64] = ((words >> np.uint64(11)).astype(np.float64) + 0.5) * 2.0**-53
    return uniform


def _mix(words: Words) -> Words:
    """Scramble 64-bit words: the finaliser of SplitMix64 (Steele, Lea and Flood 2014), a bijection."""
    words = (words ^ (words >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    words = (words ^ (words >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return words ^ (words >> np.uint64(31))
