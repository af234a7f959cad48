"""How much ground a pixel of a zoom covers. Arithmetic only: training needs it where no map library is installed."""

from math import cos, isfinite, radians

from earthloom.errors import GeoError

TILE_PX = 512
"""Pixels of a tile's side: what tile pyramids call `tileSize`."""

MAX_ZOOM = 30
"""Finest zoom there is; its pixels are 0.07 mm wide."""

EQUATOR_M = 40075016.686
"""Length of the equator in metres."""


def ground_resolution_m(z: int, lat_deg: float) -> float:
    """Return the ground metres of a pixel's side at a latitude: `40075016.686 cos(lat) / (512 * 2**z)`."""
    return EQUATOR_M * cos(radians(lat_deg)) / (TILE_PX << checked_zoom(z))


def finest_zoom(gsd_m: float, lat_deg: float | None) -> int:
    """Return the finest zoom whose ground resolution is at least `gsd_m / 1.5`: one pixel becomes 1.5 at most.

    Args:
        gsd_m: Ground metres of an image's pixel.
        lat_deg: Latitude of its centre; None for an image without a place, taken to lie on the equator.

    Raises:
        GeoError: If the pixels have no size, or are coarser than zoom 0.
    """
    if not (gsd_m > 0 and isfinite(gsd_m)):
        raise GeoError(f"pixels of {gsd_m} m have no zoom: give the ground metres of a pixel, above 0")
    at_deg = 0.0 if lat_deg is None else lat_deg
    fitting = [z for z in range(MAX_ZOOM + 1) if ground_resolution_m(z, at_deg) >= gsd_m / 1.5]
    if not fitting:
        coarsest_m = 1.5 * ground_resolution_m(0, at_deg)
        raise GeoError(f"pixels of {gsd_m:g} m are coarser than zoom 0 takes: at most {coarsest_m:.0f} m")
    return fitting[-1]


def checked_zoom(z: int) -> int:
    """Return a zoom that exists.

    Raises:
        GeoError: If it does not.
    """
    if not 0 <= z <= MAX_ZOOM:
        raise GeoError(f"no zoom {z}: zooms run 0..{MAX_ZOOM}")
    return z
