"""Oracle: the published table of zooms, and the definition itself."""

from math import inf, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from earthloom.errors import GeoError
from earthloom.geo import zooms


@pytest.mark.parametrize(
    ("z", "equator", "mexico_city", "tokyo"),
    [
        (17, 0.597, 0.563, 0.485),
        (16, 1.194, 1.127, 0.970),
        (15, 2.389, 2.253, 1.940),
        (14, 4.777, 4.506, 3.880),
        (13, 9.555, 9.012, 7.759),
    ],
)
def test_ground_resolution_equals_the_published_table(z: int, equator: float, mexico_city: float, tokyo: float) -> None:
    found = [zooms.ground_resolution_m(z, lat_deg) for lat_deg in (0.0, 19.4, 35.7)]
    assert found == pytest.approx([equator, mexico_city, tokyo], abs=6e-4)


@given(st.floats(1e-3, 5e4), st.none() | st.floats(-60, 60))
def test_the_finest_zoom_fits_and_the_next_does_not(gsd_m: float, lat_deg: float | None) -> None:
    z = zooms.finest_zoom(gsd_m, lat_deg)
    at_deg = 0.0 if lat_deg is None else lat_deg
    assert zooms.ground_resolution_m(z, at_deg) >= gsd_m / 1.5 > zooms.ground_resolution_m(z + 1, at_deg)


def test_the_finest_zoom_is_the_source_zoom_for_a_tiles_own_pixels() -> None:
    assert [zooms.finest_zoom(zooms.ground_resolution_m(z, 27.6), 27.6) for z in range(23)] == list(range(23))


def test_pixels_without_a_zoom_are_refused() -> None:
    for gsd_m in (0.0, -1.0, nan, inf):
        with pytest.raises(GeoError, match="have no zoom: give the ground metres"):
            zooms.finest_zoom(gsd_m, None)
    with pytest.raises(GeoError, match=r"pixels of 200000 m are coarser than zoom 0 takes: at most 117407 m"):
        zooms.finest_zoom(200_000.0, 0.0)
