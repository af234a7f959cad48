"""Oracle: rasterio's own transformations (GDAL), closed forms on the ellipsoid and on Mercator's sphere."""

from math import cos, inf, log, nan, pi, radians, tan

import pytest
from affine import Affine
from hypothesis import given
from hypothesis import strategies as st
from rasterio.crs import CRS as RasterioCRS
from rasterio.warp import transform_bounds as rasterio_bounds

from earthloom.errors import GeoError
from earthloom.geo import crs
from earthloom.geo.tiles import web_mercator_grid
from earthloom.geo.zooms import ground_resolution_m

WORLD_M = pi * 6378137


@pytest.mark.parametrize("number", [4326, 3857, 32645, 2056, 26910, 3413, 27700, 4269, 2154])
def test_every_spelling_of_a_registered_crs_gives_one_name(number: int) -> None:
    spellings = [number, f"epsg:{number}", RasterioCRS.from_epsg(number).to_wkt()]
    assert {crs.parse(spelling) for spelling in spellings} == {f"EPSG:{number}"}


def test_an_unregistered_crs_keeps_its_wkt_and_stays_the_same() -> None:
    found = crs.parse("+proj=laea +lat_0=12 +lon_0=34 +datum=WGS84")
    assert found.startswith("PROJCRS[")
    assert crs.parse(found) == found


def test_heights_are_dropped() -> None:
    assert crs.parse("EPSG:7415") == "EPSG:28992"
    assert crs.parse("EPSG:4979") == "EPSG:4326"


@pytest.mark.parametrize("wrong", ["", "EPSG:99999", "the moon", "WKT " * 90])
def test_an_unknown_crs_is_refused_by_name(wrong: str) -> None:
    with pytest.raises(GeoError, match=r"unknown CRS .*: give EPSG:n, WKT or a PROJ string") as caught:
        crs.parse(wrong)
    assert len(str(caught.value)) < 130
    with pytest.raises(GeoError, match="unknown CRS"):
        crs.is_geographic(wrong)


@pytest.mark.parametrize("placeless", ['LOCAL_CS["drawing",UNIT["metre",1]]', "EPSG:5773", "EPSG:4978"])
def test_a_crs_that_is_no_map_is_refused(placeless: str) -> None:
    with pytest.raises(GeoError, match=r"is no map of the Earth but a .* CRS: give EPSG:n"):
        crs.parse(placeless)


def test_geographic_means_degrees() -> None:
    assert crs.is_geographic("EPSG:4326")
    assert not crs.is_geographic("EPSG:3857")


@given(st.floats(2e5, 8e5), st.floats(1e5, 9e6), st.floats(10, 5e4), st.floats(10, 5e4))
def test_bounds_of_utm_equal_gdals(left: float, bottom: float, width: float, height: float) -> None:
    bounds = (left, bottom, left + width, bottom + height)
    for target in ("EPSG:3857", "EPSG:4326", "EPSG:32646"):
        theirs = rasterio_bounds("EPSG:32645", target, *bounds, densify_pts=101)
        assert crs.transform_bounds("EPSG:32645", target, bounds) == pytest.approx(theirs, rel=1e-9, abs=1e-6)


@given(st.floats(-179, 170), st.floats(-80, 75), st.floats(0.001, 9), st.floats(0.001, 9))
def test_bounds_in_degrees_have_mercators_closed_form(lon: float, lat: float, width: float, height: float) -> None:
    def northing_m(lat_deg: float) -> float:
        return WORLD_M / pi * log(tan(pi / 4 + radians(lat_deg) / 2))

    wanted = (lon / 180 * WORLD_M, northing_m(lat), (lon + width) / 180 * WORLD_M, northing_m(lat + height))
    found = crs.transform_bounds("EPSG:4326", "EPSG:3857", (lon, lat, lon + width, lat + height))
    assert found == pytest.approx(wanted, abs=1e-6)


def test_equal_crs_keep_bounds_to_the_bit() -> None:
    bounds = (0.1, 0.2, 0.3, 0.4)
    assert crs.transform_bounds("EPSG:3857", "EPSG:3857", bounds) == bounds


def test_the_poles_are_cut_where_web_mercator_ends() -> None:
    world = (-WORLD_M, -WORLD_M, WORLD_M, WORLD_M)
    assert crs.transform_bounds("EPSG:4326", "EPSG:3857", (-180, -90, 180, 90)) == pytest.approx(world)
    around_the_pole = crs.transform_bounds("EPSG:3413", "EPSG:3857", (-1e6, -1e6, 1e6, 1e6))
    assert (around_the_pole[0], around_the_pole[2], around_the_pole[3]) == pytest.approx((-WORLD_M, WORLD_M, WORLD_M))
    with pytest.raises(GeoError, match="lie nearer a pole than Web Mercator goes"):
        crs.transform_bounds("EPSG:4326", "EPSG:3857", (0, 86, 1, 87))


@pytest.mark.parametrize("target", ["EPSG:3857", "EPSG:4326", "EPSG:32701"])
def test_bounds_across_the_antimeridian_are_refused(target: str) -> None:
    fiji = (800_000.0, 7_900_000.0, 900_000.0, 8_000_000.0)
    with pytest.raises(GeoError, match="cross the antimeridian: split the image at longitude 180"):
        crs.transform_bounds("EPSG:32760", target, fiji)
    with pytest.raises(GeoError, match="cross the antimeridian"):
        crs.transform_bounds("EPSG:4269", target, (170, -20, 190, -10))


@pytest.mark.parametrize("bounds", [(1, 0, 1, 2), (0, 3, 1, 2), (0, 0, nan, 1), (0, 0, inf, 1)])
def test_bounds_without_an_area_are_refused(bounds: crs.Bounds) -> None:
    with pytest.raises(GeoError, match="bounds need left < right and bottom < top"):
        crs.transform_bounds("EPSG:4326", "EPSG:3857", bounds)


def test_bounds_off_a_projection_are_refused() -> None:
    with pytest.raises(GeoError, match="have no place in"):
        crs.transform_bounds("EPSG:32645", "EPSG:4326", (1e12, 1e12, 2e12, 2e12))
    with pytest.raises(GeoError, match="have no place in"):
        crs.transform_bounds("EPSG:4326", "+proj=gnom +lat_0=90", (0, -80, 10, -70))


@given(st.floats(-80, 80), st.integers(1, 999), st.integers(1, 999))
def test_the_centre_latitude_of_degrees_is_arithmetic(lat: float, width: int, height: int) -> None:
    transform = Affine(0.001, 0, 5, 0, -0.001, lat)
    assert crs.centre_latitude("EPSG:4326", transform, width, height) == pytest.approx(lat - height * 0.0005, abs=1e-9)


def test_ground_resolution_follows_the_ellipsoid() -> None:
    square = Affine(0.8, 0, 400_000, 0, -0.8, 3_000_000)
    turned = square @ Affine.rotation(30)
    for transform in (square, turned):
        # UTM's scale is 0.9996 on the central meridian, 0.99972 a hundred kilometres beside it.
        assert crs.centre_gsd_m("EPSG:32645", transform, 100, 100) == pytest.approx(0.8 / 0.99972, rel=1e-5)
    # One degree of longitude and of latitude at 45 degrees north on WGS84: 78,846.8 m and 111,131.8 m.
    degree = crs.centre_gsd_m("EPSG:4326", Affine(1e-5, 0, 0, 0, -1e-5, 45), 1, 1)
    assert degree == pytest.approx((78_846.8 * 111_131.8) ** 0.5 * 1e-5, rel=1e-5)


@pytest.mark.parametrize(("plane", "scale"), [("EPSG:3031", 0.9727690), ("EPSG:3413", 0.9698582)])
def test_ground_resolution_holds_at_a_pole(plane: str, scale: float) -> None:
    # The scale of a polar stereographic map at its pole follows from the latitude where it is 1: 71 S and 70 N.
    for col, row in ((0, 0), (0.5, 0), (0.5, 0.5), (1, 0), (10, -3)):
        assert crs.gsd_m_at(plane, Affine(4, 0, 0, 0, -4, 0), col, row) == pytest.approx(4 / scale, rel=1e-5)
        assert crs.aspect_at(plane, Affine(4, 0, 0, 0, -4, 0), col, row) == pytest.approx(1, rel=1e-5)


def test_pixels_of_degrees_are_not_square_on_the_ground() -> None:
    degrees = Affine(1e-5, 0, 0, 0, -1e-5, 45)
    for transform, expected in ((degrees, 111_131.8 / 78_846.8), (degrees @ Affine.rotation(90), 78_846.8 / 111_131.8)):
        assert crs.aspect_at("EPSG:4326", transform, 0, 0) == pytest.approx(expected, rel=1e-4)
    assert crs.aspect_at("EPSG:3857", Affine(10, 0, 1e6, 0, -10, 8e6), 0, 0) == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize("lat_deg", [0.0, 27.6, 60.0])
def test_ground_resolution_of_a_zoom_is_near_the_spherical_formula(lat_deg: float) -> None:
    grid = web_mercator_grid(17)
    left, bottom, right, top = crs.transform_bounds(
        "EPSG:4326", "EPSG:3857", (10, lat_deg - 1e-3, 10.002, lat_deg + 1e-3)
    )
    window = grid.window_of(left, bottom, right, top)
    found = crs.centre_gsd_m("EPSG:3857", grid.transform_of(window), window.width, window.height)
    assert found == pytest.approx(ground_resolution_m(17, lat_deg), rel=0.005)
    assert crs.centre_latitude("EPSG:3857", grid.transform_of(window), window.width, window.height) == pytest.approx(
        lat_deg, abs=1e-5
    )
    assert cos(radians(lat_deg)) * grid.transform.a == pytest.approx(ground_resolution_m(17, lat_deg), rel=1e-6)


def test_a_transform_off_the_map_is_refused() -> None:
    with pytest.raises(GeoError, match="is no place in 'EPSG:32645': is the transform"):
        crs.centre_gsd_m("EPSG:32645", Affine(1, 0, 1e12, 0, -1, 1e12), 10, 10)


def test_the_moon_is_refused() -> None:
    moon = crs.parse("ESRI:104903")
    with pytest.raises(GeoError, match="no way leads from 'GEOGCRS.* to 'EPSG:4326': are both on Earth"):
        crs.transform_bounds(moon, "EPSG:3857", (0, 0, 1, 1))
    with pytest.raises(GeoError, match="are both on Earth"):
        crs.centre_latitude(moon, Affine(1, 0, 0, 0, -1, 0), 1, 1)
