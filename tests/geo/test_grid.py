"""Oracle: rasterio's windows and transforms."""

from fractions import Fraction
from math import ceil, floor

import pytest
import rasterio.transform
import rasterio.windows
from affine import Affine
from hypothesis import given
from hypothesis import strategies as st

from earthloom.errors import GeoError
from earthloom.geo.grid import Grid
from earthloom.geo.windows import Window

WINDOWS = st.builds(Window, st.integers(-999, 999), st.integers(-999, 999), st.integers(1, 999), st.integers(1, 999))
UTM = Grid(crs="EPSG:32645", transform=Affine(0.8, 0, 400_000, 0, -0.8, 3_000_000))
PLAIN = Grid(crs=None, transform=Affine.scale(0.5, 0.5))


@given(WINDOWS)
def test_bounds_and_transforms_are_rasterios(window: Window) -> None:
    theirs = rasterio.windows.Window(window.col, window.row, window.width, window.height)
    assert UTM.bounds_of(window) == pytest.approx(rasterio.windows.bounds(theirs, UTM.transform), abs=1e-6)
    cut = tuple(rasterio.windows.transform(theirs, UTM.transform))
    assert tuple(UTM.transform_of(window)) == pytest.approx(cut, abs=1e-6)


@given(
    st.integers(-(10**6), 10**6),
    st.integers(-(10**6), 10**6),
    st.sampled_from([16.0, 0.3, 1 / 3600, 1e-5]),
    st.sampled_from([0.0, 0.5, 0.1]),
    st.sampled_from([0.0, 30.0]),
)
def test_rasters_of_one_tiling_share_a_plane(col: int, row: int, size: float, rest: float, angle: float) -> None:
    tiling = Affine.translation(rest * size, -rest * size) @ Affine.rotation(angle) @ Affine.scale(size, -size)
    corner = tiling @ Affine.translation(col, row)
    plane = Grid.of_raster("EPSG:32645", corner)
    first_col, first_row = (round(each) for each in ~plane.transform @ (corner.c, corner.f))
    assert plane.transform_of(Window(first_col, first_row, 1, 1)) == corner  # to the last bit
    if angle == 0.0:
        assert (first_col, first_row) == (col, row)
        assert tuple(plane.transform) == pytest.approx(tuple(tiling), abs=1e-9 * size * 10**6)


def test_without_a_crs_a_raster_is_its_own_plane() -> None:
    assert Grid.of_raster(None, PLAIN.transform) == PLAIN
    with pytest.raises(GeoError, match="a grid needs pixels with an area"):
        Grid.of_raster("EPSG:32645", Affine(0, 0, 4e5, 0, 0, 3e6))


@given(WINDOWS)
def test_windows_survive_the_way_through_bounds(window: Window) -> None:
    for grid in (UTM, PLAIN):
        left, bottom, right, top = grid.bounds_of(window)
        assert grid.window_of(left, bottom, right, top) == window


@given(st.floats(0, 360), st.floats(4e5, 4.01e5), st.floats(2.999e6, 3e6))
def test_a_turned_grid_covers_every_corner_of_bounds(angle: float, left: float, bottom: float) -> None:
    turned = Grid(crs=UTM.crs, transform=UTM.transform @ Affine.rotation(angle))
    right, top = left + 300, bottom + 70
    window = turned.window_of(left, bottom, right, top)
    for corner in ((left, bottom), (left, top), (right, bottom), (right, top)):
        col, row = ~turned.transform @ corner
        assert window.col - 1e-5 <= col <= window.right + 1e-5
        assert window.row - 1e-5 <= row <= window.bottom + 1e-5


@given(st.floats(4e5, 4.01e5), st.floats(2.999e6, 3e6), st.floats(0.1, 900), st.floats(0.1, 900))
def test_bounds_are_covered_and_hardly_more(left: float, bottom: float, width: float, height: float) -> None:
    window = UTM.window_of(left, bottom, left + width, bottom + height)
    found = UTM.bounds_of(window)
    slack_m = 1e-5  # edges within a millionth of a pixel of a pixel edge are taken to lie on it
    assert found[0] <= left + slack_m
    assert found[1] <= bottom + slack_m
    assert found[2] >= left + width - slack_m
    assert found[3] >= bottom + height - slack_m
    assert window.width <= ceil(width / 0.8) + 1
    assert window.height <= floor(height / 0.8) + 2


def test_bounds_thinner_than_the_snap_are_one_pixel() -> None:
    left, top = UTM.transform @ (10, 20)
    assert UTM.window_of(left, top - 0.8, left + 1e-7, top) == Window(10, 20, 1, 1)


@given(st.integers(1, 64))
def test_nested_grids_know_their_ratio(n: int) -> None:
    coarse = Grid(crs=UTM.crs, transform=UTM.transform @ Affine.scale(n))
    assert coarse.ratio_to(UTM) == n
    assert UTM.ratio_to(coarse) == Fraction(1, n)


@pytest.mark.parametrize(
    "other",
    [
        Grid(crs="EPSG:32646", transform=UTM.transform),
        Grid(crs=None, transform=UTM.transform),
        Grid(crs=UTM.crs, transform=UTM.transform @ Affine.translation(0.5, 0)),
        Grid(crs=UTM.crs, transform=UTM.transform @ Affine.scale(1.5)),
        Grid(crs=UTM.crs, transform=UTM.transform @ Affine.scale(-1, 1)),
        Grid(crs=UTM.crs, transform=UTM.transform @ Affine.rotation(90)),
    ],
)
def test_grids_that_do_not_nest_are_refused(other: Grid) -> None:
    with pytest.raises(GeoError, match="^grids do not nest: .*; they need one CRS, corner and whole ratio$"):
        other.ratio_to(UTM)


def test_a_grid_without_pixel_area_is_refused() -> None:
    with pytest.raises(GeoError, match="a grid needs pixels with an area"):
        Grid(crs=None, transform=Affine.scale(0, 1))


def test_another_extent_is_the_same_plane() -> None:
    extent = Window(1, 2, 3, 4)
    assert UTM.within(extent).extent == extent
    assert UTM.within(extent).within(None) == UTM
