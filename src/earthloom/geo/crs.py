"""Coordinate reference systems: their names, bounds in another one, and how much ground a pixel covers.

A coordinate is always (x or lon, y or lat), whatever order the register gives.

The antimeridian: bounds never cross it. Bounds that would are refused, because a plane whose left edge is east of its
right edge has no windows; split such an image at longitude 180 and work on each side. The poles: Web Mercator ends at
`MAX_LAT_DEG`; bounds that reach beyond are cut there.
"""

from functools import lru_cache
from math import atan, degrees, isfinite, pi, sinh, sqrt

from affine import Affine
from pyproj import CRS, Geod, Transformer
from pyproj.exceptions import CRSError, ProjError

from earthloom.errors import GeoError

WEB_MERCATOR = "EPSG:3857"
LON_LAT = "EPSG:4326"

MAX_LAT_DEG = degrees(atan(sinh(pi)))
"""Where Web Mercator's square ends: 85.0511287798066 degrees north and south."""

Bounds = tuple[float, float, float, float]
"""(left, bottom, right, top) in the units of their CRS."""

_EDGE_POINTS = 101
_GEOD = Geod(ellps="WGS84")

Position = tuple[float, float]
"""Longitude and latitude in degrees."""


def parse(crs: str | int) -> str:
    """Return the canonical name of a CRS: `EPSG:n` where the register has it, else WKT.

    Heights are dropped: of a compound or three-dimensional CRS the horizontal part counts.

    Args:
        crs: Anything PROJ understands: `EPSG:n`, a number, WKT, a PROJ string.

    Raises:
        GeoError: If it is unknown, or has no place on Earth (an engineering, vertical or geocentric CRS).
    """
    try:
        found = CRS.from_user_input(crs)
    except CRSError as error:
        raise GeoError(f"unknown CRS {_short(crs)}: give EPSG:n, WKT or a PROJ string") from error
    if found.is_compound:
        found = found.sub_crs_list[0]
    if not (found.is_geographic or found.is_projected):
        raise GeoError(f"the CRS {_short(crs)} is no map of the Earth but a {found.type_name}: give EPSG:n")
    found = found.to_2d()
    number = found.to_epsg()
    return found.to_wkt() if number is None else f"EPSG:{number}"


def wkt(crs: str) -> str:
    """Return a CRS spelt out as well-known text, for readers without the register."""
    return _crs(crs).to_wkt()


def is_geographic(crs: str) -> bool:
    """Say whether coordinates are degrees of longitude and latitude."""
    return _crs(crs).is_geographic


def transform_bounds(crs_from: str, crs_to: str, bounds: Bounds) -> Bounds:
    """Return the bounds in another CRS, following the edges' curves.

    In Web Mercator the result is cut at +-85.0511 degrees, and an image around a pole spans the whole width.

    Raises:
        GeoError: If the bounds are not on the map of either CRS, or cross the antimeridian.
    """
    left, bottom, right, top = bounds
    if not (left < right and bottom < top and all(map(isfinite, bounds))):
        raise GeoError(f"bounds need left < right and bottom < top, got {bounds}")
    if crs_from == crs_to:
        return bounds
    west, south, east, north = _transformed(crs_from, LON_LAT, bounds)
    if is_geographic(crs_from):
        west, east = left, right
    if west >= east or west < -180 or east > 180:
        raise GeoError(f"bounds {bounds} cross the antimeridian: split the image at longitude 180, work on each side")
    if crs_to != WEB_MERCATOR:
        return _transformed(crs_from, crs_to, bounds)
    south, north = max(south, -MAX_LAT_DEG), min(north, MAX_LAT_DEG)
    if south >= north:
        raise GeoError(f"bounds {bounds} lie nearer a pole than Web Mercator goes: {MAX_LAT_DEG:.4f} degrees")
    return _transformed(LON_LAT, WEB_MERCATOR, (west, south, east, north))


def centre_latitude(crs: str, transform: Affine, width: int, height: int) -> float:
    """Return the latitude in degrees of the centre of a raster of `width` x `height` pixels."""
    return lon_lat(crs, transform, width / 2, height / 2)[1]


def centre_gsd_m(crs: str, transform: Affine, width: int, height: int) -> float:
    """Return the ground metres of a pixel's side at the centre of a raster, as `gsd_m_at` measures them."""
    return gsd_m_at(crs, transform, width / 2, height / 2)


def gsd_m_at(crs: str, transform: Affine, col: float, row: float) -> float:
    """Return the ground metres of a pixel's side about a pixel position, measured along the ellipsoid.

    Of pixels that are not square on the ground it is the side of the square of the same area, which is twice that of
    the quadrangle between the middles of the edges (Bretschneider's formula: lengths alone, so it holds at a pole too).

    Raises:
        GeoError: If there is no ground.
    """
    left, top, right, bottom = _edges(crs, transform, col, row)
    diagonals = 4 * _length_m(left, right) ** 2 * _length_m(top, bottom) ** 2
    slant = sum(_length_m(*ends) ** 2 for ends in ((left, top), (right, bottom)))
    slant -= sum(_length_m(*ends) ** 2 for ends in ((top, right), (bottom, left)))
    return sqrt(sqrt(max(0.0, diagonals - slant**2) / 4))


def aspect_at(crs: str, transform: Affine, col: float, row: float) -> float:
    """Return how many times as high as wide a pixel is on the ground, about a pixel position.

    Raises:
        GeoError: If there is no ground.
    """
    left, top, right, bottom = _edges(crs, transform, col, row)
    return _length_m(top, bottom) / _length_m(left, right)


def lon_lat(crs: str, transform: Affine, col: float, row: float) -> tuple[float, float]:
    """Return the longitude and latitude in degrees of a pixel position.

    Raises:
        GeoError: If it is no place on Earth.
    """
    x, y = transform @ (col, row)
    lon_deg, lat_deg = _transformer(crs, LON_LAT).transform(x, y)
    if not (isfinite(lon_deg) and isfinite(lat_deg)):
        raise GeoError(f"({x}, {y}) is no place in {_short(crs)}: is the transform {tuple(transform)[:6]} right?")
    return lon_deg, lat_deg


@lru_cache(maxsize=64)
def _crs(crs: str) -> CRS:
    """Return PROJ's object of a canonical name."""
    try:
        return CRS.from_user_input(crs)
    except CRSError as error:
        raise GeoError(f"unknown CRS {_short(crs)}: give EPSG:n, WKT or a PROJ string") from error


@lru_cache(maxsize=64)
def _transformer(crs_from: str, crs_to: str) -> Transformer:
    """Return PROJ's transformer between two canonical names."""
    try:
        return Transformer.from_crs(_crs(crs_from), _crs(crs_to), always_xy=True)
    except ProjError as error:
        raise GeoError(f"no way leads from {_short(crs_from)} to {_short(crs_to)}: are both on Earth?") from error


def _transformed(crs_from: str, crs_to: str, bounds: Bounds) -> Bounds:
    """Return bounds in another CRS, refusing what has no finite answer."""
    if crs_from == crs_to:
        return bounds
    found: Bounds = _transformer(crs_from, crs_to).transform_bounds(*bounds, densify_pts=_EDGE_POINTS)
    if not all(map(isfinite, found)):
        raise GeoError(f"bounds {bounds} of {_short(crs_from)} have no place in {_short(crs_to)}")
    return found


def _edges(crs: str, transform: Affine, col: float, row: float) -> list[Position]:
    """Return the middles of the edges of a pixel about a position: left, top, right, bottom."""
    places = (col - 0.5, row), (col, row - 0.5), (col + 0.5, row), (col, row + 0.5)
    return [lon_lat(crs, transform, *place) for place in places]


def _length_m(start: Position, end: Position) -> float:
    """Return the metres of ground between two positions."""
    return float(_GEOD.inv(*start, *end)[2])


def _short(crs: str | int) -> str:
    """Return a CRS as an error can show it: the head of long WKT."""
    text = repr(crs)
    return text if len(text) <= 60 else f"{text[:57]}..."
