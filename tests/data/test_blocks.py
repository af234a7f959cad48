import math

import numpy as np
import pytest
from pyproj import Transformer

from earthloom.data.blocks import average, cut, level_of
from earthloom.data.ortho import Orthoimage, Place


def _image(height: int, width: int, *, gsd_m: float = 1.0, place: Place | None = None) -> Orthoimage:
    rgb_HW3 = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    valid_HW = np.ones((height, width), bool)
    return Orthoimage(name="a", site="a", split="train", gsd_m=gsd_m, rgb_HW3=rgb_HW3, valid_HW=valid_HW, place=place)


def _slow_average(rgb: np.ndarray, valid: np.ndarray, factor: float, row: int, col: int) -> tuple[np.ndarray, float]:
    """Sum over every pixel, by the area it shares with one coarser pixel."""
    total, area = np.zeros(3), 0.0
    for i in range(rgb.shape[0]):
        high = min(i + 1, (row + 1) * factor) - max(i, row * factor)
        for j in range(rgb.shape[1]):
            wide = min(j + 1, (col + 1) * factor) - max(j, col * factor)
            if high > 0 and wide > 0 and valid[i, j]:
                total += high * wide * rgb[i, j]
                area += high * wide
    return total / area if area else total, area / factor**2


@pytest.mark.parametrize("factor", [1.0, 4 / 3, 2.0, 2.7, 5.0])
def test_averaging_weighs_by_area(factor: float) -> None:
    rng = np.random.default_rng(1)
    rgb, valid = rng.integers(0, 256, (17, 23, 3), np.uint8), rng.random((17, 23)) < 0.6
    found, mask = average(rgb, valid, factor)
    assert mask.shape == (math.floor(17 / factor), math.floor(23 / factor))
    for row, col in np.ndindex(mask.shape):
        mean, share = _slow_average(rgb, valid, factor, row, col)
        assert np.abs(found[row, col] - mean).max() <= 0.5 + 1e-9
        if abs(share - 0.5) > 1e-9:
            assert mask[row, col] == (share > 0.5)


@pytest.mark.parametrize(
    ("gsd_m", "level_m"), [(0.8, 1), (1.3, 1), (1.31, None), (5.0, 4), (0.46, None), (0.77, 0.6), (0.776, 1)]
)
def test_pixels_belong_to_the_nearest_level_if_it_is_near(gsd_m: float, level_m: float | None) -> None:
    assert level_of(gsd_m, (0.6, 1, 4, 16)) == level_m


def test_blocks_lie_side_by_side_and_nothing_is_upsampled() -> None:
    image = _image(40, 70, gsd_m=0.8)
    blocks = list(cut(image, (0.6, 1, 4), size_px=8))
    own = [block for block in blocks if block.gsd_m == 0.8]
    coarse = [block for block in blocks if block.gsd_m == 4]
    assert (len(own), len(coarse), len(blocks)) == (5 * 8, 1, 41)
    for number, block in enumerate(own):
        row, col = (8 * place for place in divmod(number, 8))
        assert np.array_equal(block.rgb_HW3, image.rgb_HW3[row : row + 8, col : col + 8])
    means = image.rgb_HW3[:40, :40].reshape(8, 5, 8, 5, 3).mean(axis=(1, 3))
    assert np.abs(coarse[0].rgb_HW3 - means).max() <= 0.5


def test_a_block_is_nearly_all_imagery_and_what_is_not_is_filled() -> None:
    image = _image(20, 40)
    image.valid_HW[:8, :1] = False  # 8 of 400 pixels: just 98 %
    image.valid_HW[:9, 20] = False
    image.rgb_HW3[~image.valid_HW] = 255
    (block,) = cut(image, (1,), size_px=20)
    assert np.array_equal(block.rgb_HW3[:, 1:], image.rgb_HW3[:, 1:20])
    assert np.array_equal(block.rgb_HW3[:7, 0], image.rgb_HW3[:7, 1])


def test_a_block_knows_the_degrees_of_its_centre() -> None:
    place = Place.north_up("EPSG:26910", left=598000, top=4398000, pixel=1.0)
    *_, fine, coarse = cut(_image(64, 96, place=place), (1, 4), size_px=16)
    to_degrees = Transformer.from_crs("EPSG:26910", "EPSG:4326", always_xy=True).transform
    assert fine.lon_lat == pytest.approx(to_degrees(598000 + 88, 4398000 - 56), abs=1e-6)
    assert coarse.lon_lat == pytest.approx(to_degrees(598000 + 32, 4398000 - 32), abs=1e-6)
    assert next(cut(_image(16, 16), (1,), size_px=16)).lon_lat is None


def test_a_place_around_a_point_has_the_point_in_its_middle() -> None:
    place = Place.around(36.9, -1.3, width=100, height=60, gsd_m=0.5)
    assert place.lon_lat(50, 30) == pytest.approx((36.9, -1.3), abs=1e-9)
    lon, lat = place.lon_lat(100, 30)
    assert (lon - 36.9) * 111_320 * math.cos(math.radians(1.3)) == pytest.approx(25, rel=1e-3)
    assert lat == pytest.approx(-1.3, abs=1e-6)
