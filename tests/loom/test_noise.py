import math

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from earthloom.geo.windows import Window
from earthloom.loom.noise import derive_key, noise_at

BIG = Window(-400, -300, 800, 600)


def mix(word: int) -> int:
    full = 2**64 - 1
    word = ((word ^ (word >> 30)) * 0xBF58476D1CE4E5B9) & full
    word = ((word ^ (word >> 27)) * 0x94D049BB133111EB) & full
    return word ^ (word >> 31)


def slow_noise(col: int, row: int, *words: int) -> float:
    golden, full = 0x9E3779B97F4A7C15, 2**64 - 1
    key = 0
    for word in words:
        key = mix((key + golden + word) & full)
    first = mix(mix(((row % 2**32) << 32) | (col % 2**32)) ^ key)
    second = mix((first + golden) & full)
    u, v = (((word >> 11) + 0.5) / 2**53 for word in (first, second))
    return math.sqrt(-2 * math.log(u)) * math.cos(2 * math.pi * v)


def test_equals_a_slow_loop_over_plain_integers() -> None:
    window = Window(-3, -2, 5, 4)
    noise = noise_at(window, channels=2, seed=7, stage=1, step=3)
    expected = [[[slow_noise(c, r, 7, 1, 3, k) for c in range(-3, 2)] for r in range(-2, 2)] for k in range(2)]
    np.testing.assert_allclose(noise, np.array(expected), rtol=1e-6)


def test_is_a_unit_gaussian() -> None:
    noise = noise_at(BIG, channels=1, seed=0).ravel().astype(np.float64)
    n = noise.size
    assert abs(noise.mean()) < 4 / math.sqrt(n)
    assert abs(noise.var() - 1) < 4 * math.sqrt(2 / n)
    assert abs((noise**4).mean() - 3) < 4 * math.sqrt(96 / n)
    assert abs((noise < 1).mean() - 0.841345) < 4 * math.sqrt(0.1335 / n)


def test_neighbours_channels_steps_and_seeds_are_independent() -> None:
    base = noise_at(BIG, channels=2, seed=0)
    others = {
        "channel": base[1],
        "seed": noise_at(BIG, channels=1, seed=1)[0],
        "stage": noise_at(BIG, channels=1, seed=0, stage=1)[0],
        "step": noise_at(BIG, channels=1, seed=0, step=1)[0],
        "right": np.roll(base[0], 1, axis=1),
        "below": np.roll(base[0], 1, axis=0),
        "diagonal": np.roll(base[0], (1, 1), axis=(0, 1)),
    }
    for name, other in others.items():
        correlation = float((base[0] * other).mean())
        assert abs(correlation) < 4.5 / math.sqrt(base[0].size), name


@settings(max_examples=30, deadline=None)
@given(st.integers(-(2**31) + 50, 2**31 - 50), st.integers(-(2**31) + 50, 2**31 - 50), st.integers(0, 20))
def test_windows_agree_where_they_overlap(col: int, row: int, shift: int) -> None:
    first, second = Window(col, row, 30, 25), Window(col + shift, row - shift, 30, 25)
    common = first.intersection(second)
    a = noise_at(first, channels=3, seed=5)[(slice(None), *common.slices_in(first))]
    b = noise_at(second, channels=3, seed=5)[(slice(None), *common.slices_in(second))]
    assert np.array_equal(a, b)


def test_worlds_differ_and_zero_is_a_seed() -> None:
    assert len({derive_key(0, i) for i in range(1000)}) == 1000
    window = Window(0, 0, 8, 8)
    assert not np.array_equal(noise_at(window, channels=1, seed=0), noise_at(window, channels=1, seed=1))
    assert np.array_equal(noise_at(window, channels=1, seed=0), noise_at(window, channels=1, seed=0))
