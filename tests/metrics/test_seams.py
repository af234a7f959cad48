import numpy as np
import pytest

from earthloom.errors import ShapeError
from earthloom.geo.windows import Window
from earthloom.io.raster import Raster
from earthloom.metrics.seams import seam_ratio

WINDOW = Window(-37, 11, 400, 360)


def noise(seed: int) -> Raster:
    pixels = np.random.default_rng(seed).normal(size=(3, WINDOW.height, WINDOW.width))
    return Raster(pixels, np.ones((WINDOW.height, WINDOW.width), bool))


def test_equal_weaves_have_the_ratio_one() -> None:
    found = seam_ratio(noise(0), noise(0), WINDOW, 40)
    assert (found.ratio, found.low, found.high) == (1, 1, 1)
    assert found.num_lines == 10 * 8 + 9 * 9


def test_independent_textures_of_one_kind_have_about_one() -> None:
    found = seam_ratio(noise(0), noise(1), WINDOW, 40)
    assert abs(found.ratio - 1) < 0.03
    assert found.high - found.low < 0.1


def test_a_step_at_the_seams_shows() -> None:
    cols, rows = np.arange(WINDOW.col, WINDOW.right) // 40, np.arange(WINDOW.row, WINDOW.bottom) // 40
    tone = 3.0 * ((cols[None] + rows[:, None]) % 2)
    stepped = Raster(noise(0).pixels + tone, noise(0).mask)
    assert seam_ratio(stepped, noise(1), WINDOW, 40).low > 1.5


def test_masked_ground_does_not_count() -> None:
    masked = noise(0).mask.copy()
    masked[:, 150:] = False
    half = Raster(noise(0).pixels, masked)
    whole, part = (seam_ratio(raster, raster, WINDOW, 40) for raster in (noise(0), half))
    assert 0 < part.num_lines < whole.num_lines


def test_without_seams_it_says_so() -> None:
    with pytest.raises(ShapeError, match="no seam to measure"):
        seam_ratio(noise(0), noise(0), WINDOW, 4000)
    with pytest.raises(ShapeError, match="want rasters"):
        seam_ratio(noise(0), noise(0), Window(0, 0, 3, 3), 40)
