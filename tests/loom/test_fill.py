import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage

from earthloom.io.raster import Raster
from earthloom.loom.fill import fill_margin_px, fill_nearest, halve


def random_raster(seed: int, height: int, width: int, share: float) -> Raster:
    rng = np.random.default_rng(seed)
    pixels = rng.integers(0, 256, (3, height, width), dtype=np.uint8)
    return Raster(pixels, rng.random((height, width)) < share)


@given(st.integers(0, 999), st.integers(1, 9), st.integers(1, 9), st.sampled_from([0.1, 0.5, 0.9]))
def test_halving_equals_a_loop_over_the_valid_ones(seed: int, rows: int, cols: int, share: float) -> None:
    fine = random_raster(seed, 2 * rows, 2 * cols, share)
    coarse = halve(fine)
    for row in range(rows):
        for col in range(cols):
            square = np.s_[2 * row : 2 * row + 2, 2 * col : 2 * col + 2]
            valid = fine.pixels[:, *square][:, fine.mask[square]]
            assert coarse.mask[row, col] == bool(valid.size)
            if valid.size:
                assert np.abs(coarse.pixels[:, row, col] - valid.mean(axis=1)).max() <= 0.5


def test_four_children_land_in_their_corners_and_constants_stay() -> None:
    colours = np.arange(12, dtype=np.uint8).reshape(4, 3) * 20
    pixels = np.zeros((3, 8, 8), np.uint8)
    for i, (row, col) in enumerate([(0, 0), (0, 4), (4, 0), (4, 4)]):
        pixels[:, row : row + 4, col : col + 4] = colours[i][:, None, None]
    merged = halve(Raster(pixels, np.ones((8, 8), bool))).pixels
    corners = [merged[:, 0, 0], merged[:, 0, 3], merged[:, 3, 0], merged[:, 3, 3]]
    assert np.array_equal(corners, colours)
    assert all(
        (merged[:, r : r + 2, c : c + 2] == merged[:, r : r + 1, c : c + 1]).all() for r in (0, 2) for c in (0, 2)
    )


@given(st.integers(0, 999), st.integers(1, 12), st.integers(1, 12))
def test_filling_takes_a_nearest_valid_colour(seed: int, height: int, width: int) -> None:
    raster = random_raster(seed, height, width, 0.3)
    filled = fill_nearest(raster)
    assert np.array_equal(filled.mask, raster.mask)
    rows, cols = np.nonzero(raster.mask)
    if not len(rows):
        assert filled is raster
        return
    for row in range(height):
        for col in range(width):
            distance = (rows - row) ** 2 + (cols - col) ** 2
            nearest = raster.pixels[:, rows[distance == distance.min()], cols[distance == distance.min()]]
            assert (nearest == filled.pixels[:, row, col][:, None]).all(axis=0).any()


@given(st.integers(0, 9999), st.sampled_from([0.02, 0.2, 0.5, 0.8]), st.integers(1, 12))
def test_what_a_valid_pixel_sees_is_filled_as_in_the_whole_raster(seed: int, share: float, halo: int) -> None:
    rng = np.random.default_rng(seed)
    side, block, reach = 96, 8, halo + fill_margin_px(halo)
    rough = ndimage.gaussian_filter(rng.random((side, side)), rng.choice([0.1, 3.0]))
    places = np.arange(side * side).reshape(1, side, side)
    whole = Raster(places, rough <= np.quantile(rough, share))
    top, left = rng.integers(reach, side - reach - block, 2)
    near = np.s_[top - reach : top + block + reach, left - reach : left + block + reach]
    part = fill_nearest(Raster(places[:, *near], whole.mask[near])).pixels[0]
    drawn = np.zeros((side, side), bool)
    drawn[top : top + block, left : left + block] = whole.mask[top : top + block, left : left + block]
    seen = ndimage.binary_dilation(drawn, np.ones((2 * halo + 1, 2 * halo + 1)))[near]
    assert np.array_equal(part[seen], fill_nearest(whole).pixels[0][near][seen])
