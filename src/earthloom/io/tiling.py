"""What all tile formats share: the tiles of some levels in a fixed order, as encoded images, and facts about them."""

import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image
from pmtiles.tile import zxy_to_tileid

from earthloom.errors import GeoError, SinkError, UsageError
from earthloom.geo.crs import LON_LAT, WEB_MERCATOR, Bounds, transform_bounds
from earthloom.geo.tiles import TILE_PX, Tile, tile_window, tiles_of, web_mercator_grid
from earthloom.io.levels import Advance, Level, rgba
from earthloom.io.raster import Raster

NEEDS_PLACE = "tiles need a place on Earth: write an image without one, or off the web map, to .png or .tif"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tiling:
    """Levels of one pyramid, checked: all lie on the web map's grids."""

    levels: tuple[Level, ...]
    """One for each zoom."""

    lossless: bool
    """PNG; else WebP."""

    def __post_init__(self) -> None:
        """Refuse levels that are no tiles of the web map.

        Raises:
            UsageError: With the way out.
        """
        for level in self.levels:
            _check(level)

    @property
    def suffix(self) -> str:
        """`png` or `webp`: the tiles' format as tile sets name it."""
        return "png" if self.lossless else "webp"

    @property
    def zooms(self) -> tuple[int, ...]:
        """Zooms, coarsest first."""
        return tuple(sorted(level.zoom for level in self.levels if level.zoom is not None))

    @property
    def bounds(self) -> Bounds:
        """Ground of the finest level in degrees."""
        level = self._level(self.zooms[-1])
        return transform_bounds(WEB_MERCATOR, LON_LAT, level.source.grid.bounds_of(level.window))

    @property
    def centre(self) -> tuple[float, float, int]:
        """Longitude, latitude and zoom a viewer starts with: all of it in sight."""
        west, south, east, north = self.bounds
        return (west + east) / 2, (south + north) / 2, self.zooms[0]

    def count(self) -> int:
        """Return how many tiles will be looked at."""
        return sum(1 for level in self.levels for _ in tiles_of(level.window, level.zoom or 0))

    def images(self, advance: Advance) -> Iterator[tuple[Tile, bytes]]:
        """Give the tiles with any ground as encoded images: coarsest zoom first, along PMTiles' curve in each.

        Raises:
            SinkError: If there is not one.
        """
        empty = True
        for zoom in self.zooms:
            level = self._level(zoom)
            for tile in sorted(tiles_of(level.window, zoom), key=lambda tile: zxy_to_tileid(tile.z, tile.x, tile.y)):
                raster = _read(level, tile)
                if raster.mask.any():
                    empty = False
                    yield tile, _encode(raster, lossless=self.lossless)
                advance(1)
        if empty:
            raise SinkError(f"zooms {list(self.zooms)} hold no valid pixel: choose bounds with some ground in them")

    def metadata(self, path: Path, tags: Mapping[str, str]) -> dict[str, str]:
        """Return the facts a tile set's metadata carries as text, and the tags."""
        return {
            "name": path.stem,
            "format": self.suffix,
            "type": "baselayer",
            "version": "1",
            "description": "Made by Earthloom: synthetic, not surveyed.",
            "bounds": ",".join(f"{value:.8f}" for value in self.bounds),
            "center": "{:.8f},{:.8f},{}".format(*self.centre),
            "minzoom": str(self.zooms[0]),
            "maxzoom": str(self.zooms[-1]),
            "tileSize": str(TILE_PX),
            **tags,
        }

    def _level(self, zoom: int) -> Level:
        return next(level for level in self.levels if level.zoom == zoom)


def tiling(levels: Sequence[Level], *, lossless: bool) -> Tiling:
    """Build the tiling of some levels."""
    return Tiling(levels=tuple(levels), lossless=lossless)


def _check(level: Level) -> None:
    grid = level.source.grid
    if grid.crs is None or level.zoom is None:
        raise UsageError(NEEDS_PLACE)
    try:
        nested = grid.ratio_to(web_mercator_grid(level.zoom)) == 1
    except GeoError:
        nested = False
    if not nested:
        raise UsageError(f"tiles of zoom {level.zoom} need its Web Mercator grid, got {grid.name}: write to .tif")


def _read(level: Level, tile: Tile) -> Raster:
    """Read the part of a tile that lies in the level's window; the rest is masked."""
    whole = tile_window(tile)
    part = whole.intersection(level.window)
    piece = level.source.read(part)
    if part == whole:
        return piece
    result = Raster.empty(level.source.bands, whole.height, whole.width, level.source.dtype)
    rows, cols = part.slices_in(whole)
    result.pixels[:, rows, cols] = piece.pixels
    result.mask[rows, cols] = piece.mask
    return result


def _encode(raster: Raster, *, lossless: bool) -> bytes:
    """Return a tile as a PNG or WebP image with transparency."""
    buffer = io.BytesIO()
    image = Image.fromarray(rgba(raster))
    if lossless:
        image.save(buffer, "PNG")
    else:
        image.save(buffer, "WEBP", quality=90, method=4)
    return buffer.getvalue()
