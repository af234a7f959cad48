"""Oracle: morecantile's Web Mercator tile matrix set and the closed forms of its edges."""

from math import atan, degrees, inf, nan, nextafter, pi, sinh

import morecantile
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from earthloom.errors import GeoError
from earthloom.geo import tiles
from earthloom.geo.crs import MAX_LAT_DEG
from earthloom.geo.tiles import Tile, tile_at, tile_bounds_lonlat, tile_window, tiles_of, web_mercator_grid
from earthloom.geo.windows import Window
from earthloom.geo.zooms import MAX_ZOOM

TMS = morecantile.tms.get("WebMercatorQuad")
ZOOMS = st.integers(0, 22)
LONS = st.floats(-180, 180, exclude_max=True)
LATS = st.floats(-MAX_LAT_DEG, MAX_LAT_DEG)


@st.composite
def some_tiles(draw: st.DrawFn, zooms: st.SearchStrategy[int] = ZOOMS) -> Tile:
    z = draw(zooms)
    index = st.integers(0, (1 << z) - 1)
    return Tile(draw(index), draw(index), z)


@given(LONS, LATS, ZOOMS)
def test_the_owner_of_a_point_is_morecantiles_away_from_edges(lon: float, lat: float, z: int) -> None:
    ours, theirs = tile_at(lon, lat, z), TMS.tile(lon, lat, z)
    left, bottom, right, top = tile_bounds_lonlat(ours)
    margin_deg = 1e-9
    if left + margin_deg < lon < right - margin_deg:
        assert ours.x == theirs.x
    if bottom + margin_deg < lat < top - margin_deg:
        assert ours.y == theirs.y


@given(LONS, LATS, st.integers(0, MAX_ZOOM))
@example(-180.0, MAX_LAT_DEG, 30)
@example(-5e-324, 5e-324, 3)
@example(nextafter(180, 0), nextafter(-MAX_LAT_DEG, 0), 30)
def test_a_point_lies_within_the_half_open_edges_of_its_tile(lon: float, lat: float, z: int) -> None:
    tile = tile_at(lon, lat, z)
    left, bottom, right, top = tile_bounds_lonlat(tile)
    assert left <= lon < right
    assert bottom < lat <= top or (lat == bottom == -MAX_LAT_DEG and tile.y == (1 << z) - 1)


@given(some_tiles(st.integers(1, MAX_ZOOM)))
def test_edges_and_corners_belong_to_the_south_eastern_neighbour(tile: Tile) -> None:
    left, bottom, right, top = tile_bounds_lonlat(tile)
    assert tile_at(left, top, tile.z) == tile
    last = (1 << tile.z) - 1
    if tile.x < last:
        assert tile_at(right, top, tile.z) == Tile(tile.x + 1, tile.y, tile.z)
        assert tile_at(nextafter(right, -inf), top, tile.z) == tile
    if tile.y < last:
        assert tile_at(left, bottom, tile.z) == Tile(tile.x, tile.y + 1, tile.z)
        assert tile_at(left, nextafter(bottom, inf), tile.z) == tile


@given(some_tiles())
def test_bounds_equal_morecantiles_and_the_closed_form(tile: Tile) -> None:
    assert tile_bounds_lonlat(tile) == pytest.approx(tuple(TMS.bounds(tile.x, tile.y, tile.z)), abs=1e-9)
    size = 2**tile.z
    north = degrees(atan(sinh(pi * (1 - 2 * tile.y / size))))
    assert tile_bounds_lonlat(tile)[3] == pytest.approx(north, abs=1e-12)
    assert tile_bounds_lonlat(tile)[0] == pytest.approx(360 * tile.x / size - 180, abs=1e-12)


@given(some_tiles(st.integers(0, 21)))
def test_children_partition_their_parent_and_know_it(tile: Tile) -> None:
    kin = tiles.children(tile)
    assert [tiles.parent(child) for child in kin] == [tile] * 4
    assert {(c.x, c.y, c.z) for c in kin} == {(c.x, c.y, c.z) for c in TMS.children(tile.x, tile.y, tile.z)}
    north_west, north_east, south_west, south_east = map(tile_bounds_lonlat, kin)
    left, bottom, right, top = tile_bounds_lonlat(tile)
    assert north_west[:1] + north_west[3:] == (left, top)
    assert south_east[1:3] == (bottom, right)
    assert (north_west[2], north_west[1]) == (north_east[0], south_west[3]) == (south_east[0], south_east[3])


@given(some_tiles())
def test_a_tiles_window_is_the_ground_morecantile_gives_it(tile: Tile) -> None:
    grid = web_mercator_grid(tile.z)
    theirs = tuple(TMS.xy_bounds(tile.x, tile.y, tile.z))
    assert grid.bounds_of(tile_window(tile)) == pytest.approx(theirs, abs=1e-6)
    assert grid.window_of(*theirs) == tile_window(tile)


@given(some_tiles())
def test_windows_round_trip_and_nest(tile: Tile) -> None:
    assert list(tiles_of(tile_window(tile), tile.z)) == [tile]
    if tile.z > 0:
        assert tile_window(tile).scaled(2) == Window.spanning(
            *(tile_window(tiles.children(tile)[0]).col, tile_window(tiles.children(tile)[0]).row),
            *(tile_window(tiles.children(tile)[3]).right, tile_window(tiles.children(tile)[3]).bottom),
        )
        assert web_mercator_grid(tile.z - 1).ratio_to(web_mercator_grid(tile.z)) == 2


@given(ZOOMS, st.integers(-2000, 6000), st.integers(-2000, 6000), st.integers(1, 3000), st.integers(1, 3000))
def test_tiles_of_a_window_are_those_that_share_a_pixel_row_by_row(
    z: int, col: int, row: int, width: int, height: int
) -> None:
    window = Window(col, row, width, height)
    near = range(min(1 << z, 24))
    slow = [Tile(x, y, z) for y in near for x in near if tile_window(Tile(x, y, z)).intersects(window)]
    assert list(tiles_of(window, z)) == slow


def test_windows_off_the_world_have_no_tiles() -> None:
    assert list(tiles_of(Window(-10, -10, 10, 10), 3)) == []
    assert list(tiles_of(Window(512 << 3, 0, 5, 5), 3)) == []


def test_the_grid_of_a_zoom_is_the_tile_matrix_one_finer() -> None:
    for z in range(23):
        grid = web_mercator_grid(z)
        matrix = TMS.matrix(z + 1)
        assert grid.transform.a == -grid.transform.e == pytest.approx(matrix.cellSize, rel=1e-12)
        assert (grid.transform.c, grid.transform.f) == matrix.pointOfOrigin
        assert grid.extent == Window(0, 0, matrix.matrixWidth * 256, matrix.matrixHeight * 256)


@pytest.mark.parametrize(
    ("lon", "lat"), [(180.0, 0.0), (-180.1, 0.0), (0.0, 85.06), (0.0, -90.0), (nan, 0.0), (0.0, nan)]
)
def test_points_off_the_map_are_refused(lon: float, lat: float) -> None:
    with pytest.raises(GeoError, match=r"is off the map: longitudes run over \[-180, 180\), latitudes to \+-85\.0511"):
        tile_at(lon, lat, 3)


def test_tiles_that_do_not_exist_are_refused() -> None:
    with pytest.raises(GeoError, match=r"no tile 3/8/0 \(z/x/y\): at zoom 3 x and y run 0\.\.7"):
        Tile(8, 0, 3)
    with pytest.raises(GeoError, match=r"no tile 3/0/-1"):
        Tile(0, -1, 3)
    for z in (-1, 31):
        with pytest.raises(GeoError, match=rf"no zoom {z}: zooms run 0\.\.30"):
            tile_at(0.0, 0.0, z)
    with pytest.raises(GeoError, match="has no parent"):
        tiles.parent(Tile(0, 0, 0))
    with pytest.raises(GeoError, match="no zoom 31"):
        tiles.children(Tile(0, 0, 30))
