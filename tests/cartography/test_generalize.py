import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import ndimage
from skimage.morphology import skeletonize

from earthloom.cartography.generalize import BUILDING, LAND, ROAD, RULES, WATER, _thin, generalize
from earthloom.errors import ShapeError

EIGHT = np.ones((3, 3))
rasters = hnp.arrays(np.uint8, st.tuples(st.integers(1, 40), st.integers(1, 40)), elements=st.integers(0, 5))
zooms = st.sampled_from(sorted(RULES))


@given(rasters, zooms)
@settings(max_examples=30)
def test_half_the_size_known_ground_stays_known_and_twice_is_equal(ids_HW: np.ndarray, zoom: int) -> None:
    drawn = generalize(ids_HW, zoom=zoom)
    height, width = ids_HW.shape
    even = np.pad(ids_HW, ((0, height % 2), (0, width % 2)))
    known = even.reshape(even.shape[0] // 2, 2, -1, 2).any(axis=(1, 3))
    assert drawn.shape == ((height + 1) // 2, (width + 1) // 2)
    assert np.array_equal(drawn > 0, known)
    assert np.array_equal(drawn, generalize(ids_HW, zoom=zoom))


@given(st.integers(1, 5), zooms, st.integers(1, 30), st.integers(1, 30))
@settings(max_examples=40)
def test_constant_ground_stays_constant(class_id: int, zoom: int, height: int, width: int) -> None:
    assert (generalize(np.full((height, width), class_id, np.uint8), zoom=zoom) == class_id).all()


@pytest.mark.parametrize("offset", range(4))
@pytest.mark.parametrize("slope", [0.0, 0.3, 1.0, 2.5])
def test_a_road_of_three_pixels_stays_one_line_at_least_two_wide(offset: int, slope: float) -> None:
    rows, cols = np.mgrid[:120, :120]
    distance = np.abs(rows - 20 - offset - slope * (cols - 10)) / np.hypot(1.0, slope)
    road = generalize(np.where(distance <= 1.5, ROAD, LAND).astype(np.uint8), zoom=16) == ROAD
    _, count = ndimage.label(road, EIGHT)
    assert count == 1
    assert np.ptp(np.nonzero(road)[1]) >= min(58, 98 / slope / 2 - 6 if slope else 58)
    assert ndimage.binary_opening(road, np.ones((2, 2)))[5:-5, 5:-5].sum() > 0.8 * road[5:-5, 5:-5].sum()


def test_what_is_too_small_takes_the_colour_around_it() -> None:
    ids_HW = np.full((40, 40), WATER, np.uint8)
    ids_HW[10:12, 10:12] = LAND
    assert (generalize(ids_HW, zoom=16) == WATER).all()


def test_near_buildings_become_one_block_at_the_coarse_zooms() -> None:
    ids_HW = np.full((60, 60), LAND, np.uint8)
    for col in range(10, 50, 8):
        ids_HW[20:40, col : col + 6] = BUILDING
    fine, coarse = (ndimage.label(generalize(ids_HW, zoom=zoom) == BUILDING)[1] for zoom in (16, 14))
    assert (fine, coarse) == (5, 1)


def test_short_streets_vanish_at_13_and_main_roads_stay() -> None:
    ids_HW = np.full((160, 160), LAND, np.uint8)
    ids_HW[40:48, :] = ROAD
    ids_HW[100:102, 60:80] = ROAD
    road = generalize(ids_HW, zoom=13) == ROAD
    assert road[20:24].all()
    assert not road[40:].any()


def test_thinning_keeps_what_was_connected_connected() -> None:
    rng = np.random.default_rng(0)
    blobs = ndimage.gaussian_filter(rng.standard_normal((80, 80)), 3) > 0
    ours, theirs = _thin(blobs), skeletonize(blobs, method="zhang")
    assert ndimage.label(ours, EIGHT)[1] == ndimage.label(blobs, EIGHT)[1]
    assert 0.9 < ours.sum() / theirs.sum() < 1.1


def test_a_zoom_without_a_rule_is_refused() -> None:
    with pytest.raises(ShapeError, match="no rule draws zoom 12; there are 16, 15, 14, 13"):
        generalize(np.ones((4, 4), np.uint8), zoom=12)
