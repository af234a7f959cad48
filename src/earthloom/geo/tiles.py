"""The tiles of web maps: 512 px a side, zoom 0 the whole world, `y` growing southward.

Edges are half-open: a point on a tile's west or north edge is the tile's own, one on its east or south edge belongs to
the neighbour; only the south edge of the world has no neighbour and stays with the last row. Longitudes run over
[-180, 180): the antimeridian is the west edge of column 0, and nothing wraps. Latitudes run to +-85.0511 degrees, where
Web Mercator's square ends. The arithmetic of zooms (`zooms`) can be imported from here too.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import asinh, atan, degrees, pi, radians, sinh, tan

from affine import Affine
from morecantile import tms

from earthloom.errors import GeoError
from earthloom.geo.crs import MAX_LAT_DEG, WEB_MERCATOR, Bounds
from earthloom.geo.grid import Grid
from earthloom.geo.windows import Window
from earthloom.geo.zooms import MAX_ZOOM as MAX_ZOOM
from earthloom.geo.zooms import TILE_PX as TILE_PX
from earthloom.geo.zooms import checked_zoom
from earthloom.geo.zooms import finest_zoom as finest_zoom
from earthloom.geo.zooms import ground_resolution_m as ground_resolution_m

_WORLD = tms.get("WebMercatorQuad").matrix(0)
_WORLD_M = _WORLD.cellSize * _WORLD.tileWidth


@dataclass(frozen=True, slots=True, order=True)
class Tile:
    """One tile of a zoom; `x` grows eastward from the antimeridian, `y` southward from 85.05 degrees north."""

    x: int
    y: int
    z: int

    def __post_init__(self) -> None:
        """Reject a tile that does not exist where it is made."""
        size = 1 << checked_zoom(self.z)
        if not (0 <= self.x < size and 0 <= self.y < size):
            raise GeoError(f"no tile {self.z}/{self.x}/{self.y} (z/x/y): at zoom {self.z} x and y run 0..{size - 1}")


def tile_at(lon_deg: float, lat_deg: float, z: int) -> Tile:
    """Find the tile that owns a point.

    Args:
        lon_deg: Longitude in degrees east, in [-180, 180).
        lat_deg: Latitude in degrees north, within +-85.0511287798066.
        z: Zoom, 0..30.

    Raises:
        GeoError: If the point is off the map.
    """
    if not (-180.0 <= lon_deg < 180.0 and abs(lat_deg) <= MAX_LAT_DEG):
        raise GeoError(
            f"({lon_deg}, {lat_deg}) is off the map: longitudes run over [-180, 180), latitudes to +-{MAX_LAT_DEG:.4f}"
        )
    size = 1 << checked_zoom(z)
    x = _clamp(int((lon_deg + 180.0) / 360.0 * size), size)
    y = _clamp(int((1 - asinh(tan(radians(lat_deg))) / pi) / 2 * size), size)
    # Floor is exact only if the division was: settle the last bit against the edges themselves.
    x += (lon_deg >= _west_deg(x + 1, z)) - (lon_deg < _west_deg(x, z))
    y += (lat_deg <= _north_deg(y + 1, z)) - (lat_deg > _north_deg(y, z))
    return Tile(x, _clamp(y, size), z)


def tile_bounds_lonlat(tile: Tile) -> Bounds:
    """Return (left, bottom, right, top) of a tile in degrees; neighbours share their edges to the last bit."""
    z = tile.z
    return _west_deg(tile.x, z), _north_deg(tile.y + 1, z), _west_deg(tile.x + 1, z), _north_deg(tile.y, z)


def parent(tile: Tile) -> Tile:
    """Return the tile one zoom coarser that holds this one.

    Raises:
        GeoError: If the tile is the world.
    """
    if tile.z == 0:
        raise GeoError("the tile 0/0/0 is the world and has no parent: zooms start at 0")
    return Tile(tile.x // 2, tile.y // 2, tile.z - 1)


def children(tile: Tile) -> tuple[Tile, Tile, Tile, Tile]:
    """Return the four tiles one zoom finer: north-west, north-east, south-west, south-east."""
    x, y, z = 2 * tile.x, 2 * tile.y, tile.z + 1
    return Tile(x, y, z), Tile(x + 1, y, z), Tile(x, y + 1, z), Tile(x + 1, y + 1, z)


def web_mercator_grid(z: int) -> Grid:
    """Return the plane of a zoom's pixels: (0, 0) in the north-west corner of the world, the extent the world."""
    res_m = _WORLD_M / (TILE_PX << checked_zoom(z))
    west_m, north_m = _WORLD.pointOfOrigin
    size_px = TILE_PX << z
    return Grid(
        crs=WEB_MERCATOR,
        transform=Affine(res_m, 0.0, west_m, 0.0, -res_m, north_m),
        extent=Window(0, 0, size_px, size_px),
    )


def tile_transform(z: int, tile_px: int) -> Affine:
    """Return the affine of a zoom's pixels for tiles of any size: (0, 0) in the north-west corner of the world."""
    return web_mercator_grid(0).transform @ Affine.scale(TILE_PX / (tile_px << checked_zoom(z)))


def tile_window(tile: Tile) -> Window:
    """Return the pixels of a tile on its zoom's grid."""
    return Window(tile.x * TILE_PX, tile.y * TILE_PX, TILE_PX, TILE_PX)


def tiles_of(window: Window, z: int) -> Iterator[Tile]:
    """Yield the tiles that share a pixel with a window of a zoom's grid, row by row; none off the world."""
    size = 1 << checked_zoom(z)
    for y in range(max(window.row // TILE_PX, 0), min(-(-window.bottom // TILE_PX), size)):
        for x in range(max(window.col // TILE_PX, 0), min(-(-window.right // TILE_PX), size)):
            yield Tile(x, y, z)


def _clamp(index: int, size: int) -> int:
    """Return the nearest index there is."""
    return min(max(index, 0), size - 1)


def _west_deg(x: int, z: int) -> float:
    """Return the longitude of the west edge of column `x`."""
    return x / (1 << z) * 360.0 - 180.0


def _north_deg(y: int, z: int) -> float:
    """Return the latitude of the north edge of row `y`."""
    return degrees(atan(sinh(pi * (1 - 2 * y / (1 << z)))))
