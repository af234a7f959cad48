import math

import numpy as np
import pytest

from earthloom.geo.windows import Window
from earthloom.io.raster import Raster
from earthloom.metrics.seams import Read, SeamRatio, seam_lines, seam_ratio

WINDOW = Window(-37, 11, 400, 360)
FULL = np.ones((WINDOW.height, WINDOW.width), bool)


def texture(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(3, WINDOW.height, WINDOW.width))


def weave(pixels: np.ndarray, mask: np.ndarray = FULL) -> Read:
    return lambda window: Raster(pixels, mask).crop(window, WINDOW)


def ratio(seamed: Read, shifted: Read) -> SeamRatio:
    found = seam_ratio(seamed, shifted, WINDOW, 40)
    assert found is not None
    return found


def blocks() -> np.ndarray:
    """Number the blocks that start at multiples of 40."""
    cols, rows = np.arange(WINDOW.col, WINDOW.right) // 40, np.arange(WINDOW.row, WINDOW.bottom) // 40
    return cols[None] + 1001 * rows[:, None]


def test_lines_are_the_two_pixels_across_every_seam() -> None:
    found: np.ndarray = np.zeros(FULL.shape, int)
    for line, axis in seam_lines(WINDOW, 40):
        assert (line.width if axis else line.height) == 2
        found[line.slices_in(WINDOW)] += 1
    number = blocks()
    across, down = number[:, 1:] != number[:, :-1], number[1:] != number[:-1]
    wanted: np.ndarray = np.zeros(FULL.shape, int)
    for seams, before, after in ((across, np.s_[:, :-1], np.s_[:, 1:]), (down, np.s_[:-1], np.s_[1:])):
        wanted[before] += seams
        wanted[after] += seams
    assert np.array_equal(found, wanted)


def test_the_ratio_is_that_of_a_slow_loop() -> None:
    here, there, number = texture(0), texture(1), blocks()
    sums = [0.0, 0.0]
    for row in range(WINDOW.height):
        for col in range(WINDOW.width):
            for before in ((row, col - 1), (row - 1, col)):
                if min(before) >= 0 and number[before] != number[row, col]:
                    sums[0] += np.abs(here[:, row, col] - here[:, *before]).mean()
                    sums[1] += np.abs(there[:, row, col] - there[:, *before]).mean()
    assert ratio(weave(here), weave(there)).ratio == pytest.approx(sums[0] / sums[1], rel=1e-12)


def test_equal_weaves_have_the_ratio_one() -> None:
    found = ratio(weave(texture(0)), weave(texture(0)))
    assert (found.ratio, found.low, found.high, found.is_seamless) == (1, 1, 1, True)
    assert found.num_lines == 10 * 10 + 9 * 11


def test_independent_textures_of_one_kind_have_about_one() -> None:
    found = ratio(weave(texture(0)), weave(texture(1)))
    assert abs(found.ratio - 1) < 0.03
    assert found.high - found.low < 0.1
    assert found.is_seamless


@pytest.mark.parametrize("step", [0.5, 1.0, 3.0])
def test_a_tone_jump_at_every_lattice_line_shows(step: float) -> None:
    found = ratio(weave(texture(0) + step * (blocks() % 2)), weave(texture(1)))
    folded = 2 / math.sqrt(math.pi) * math.exp(-(step**2) / 4) + step * math.erf(step / 2)  # E|x|, x from N(step, 2)
    assert found.low <= folded / (2 / math.sqrt(math.pi)) <= found.high
    assert found.low > 1.02
    assert not found.is_seamless


def test_smoothed_seams_show_too() -> None:
    smooth = texture(0)
    smooth[:, :, np.arange(WINDOW.col, WINDOW.right) % 40 == 0] *= 0.3
    assert not ratio(weave(smooth), weave(texture(1))).is_seamless


def test_a_jump_on_flat_ground_is_infinite() -> None:
    found = ratio(weave(np.ones_like(texture(0)) * blocks()), weave(np.ones_like(texture(0))))
    assert (found.ratio, found.low, found.is_seamless) == (np.inf, np.inf, False)


def test_masked_ground_does_not_count() -> None:
    mask = FULL.copy()
    mask[:, 150:] = False
    spoiled = np.where(mask, texture(0), 1e6)
    whole, part = (ratio(weave(*one), weave(*one)) for one in ((texture(0),), (spoiled, mask)))
    assert 0 < part.num_lines < whole.num_lines
    assert ratio(weave(spoiled, mask), weave(texture(0))).ratio == 1


def test_without_seams_there_is_nothing_to_measure() -> None:
    same = weave(texture(0))
    assert seam_ratio(same, same, Window(1, 12, 39, 28), 40) is None
    assert seam_ratio(same, weave(texture(0), ~FULL), WINDOW, 40) is None
    flat = weave(np.zeros_like(texture(0)))
    assert seam_ratio(flat, flat, WINDOW, 40) is None
