"""Tile archives as imagery: a folder of tiles, MBTiles or PMTiles, each zoom a picture of its own."""

import hashlib
from dataclasses import dataclass

from affine import Affine

from earthloom.errors import SourceError, UsageError
from earthloom.geo.crs import WEB_MERCATOR, Bounds, centre_gsd_m, centre_latitude
from earthloom.geo.grid import Grid
from earthloom.geo.tiles import tile_transform
from earthloom.io.archives import Archive
from earthloom.io.decode import Bands
from earthloom.io.file_source import FileSource
from earthloom.io.imagery import Imagery, sha256_of
from earthloom.io.mosaic import TileZoom, decode_tile
from earthloom.io.warp import footprint, plan_warp

_NEARLY = 1 + 1e-6


@dataclass(frozen=True, kw_only=True)
class TileSet(Imagery):
    """A tile archive; place, size and resolution are those of its finest zoom."""

    levels: tuple[TileZoom, ...]
    """Its zooms, finest first."""

    def on(self, grid: Grid) -> FileSource:
        """Return the archive on a grid, from the coarsest zoom that is no coarser than the grid, else the finest.

        On a grid of a zoom that the archive has, these are its own pixels.

        Raises:
            GeoError: If the archive lies off the grid's map.
        """
        if grid.crs is None:
            raise SourceError(f"{self.path}: tiles have a place and meet only a grid with one, got {grid.name}")
        warps = []
        for level in self.levels:
            transform, width, height, bounds = _place(level)
            extent = footprint(self.crs, transform, width, height, bounds, grid)
            warps.append((level, extent, plan_warp((self.crs, transform, width, height), (), grid, extent)))
        fine = [each for each in warps if min(each[2].shrink) * _NEARLY >= 1.0]
        level, extent, warp = fine[-1] if fine else warps[0]
        return FileSource(
            file=level, image_identity=self.identity, picked=self.bands, warp=warp, grid=grid.within(extent)
        )


def inspect_tiles(archive: Archive, bidx: tuple[int, ...], scale: tuple[float, float] | None) -> TileSet:
    """Look at a tile archive and refuse what cannot be read.

    Args:
        archive: The archive, open.
        bidx: One band or three to use instead of 1, 2, 3: red, green, blue.
        scale: Refused: tiles hold bytes.

    Raises:
        SourceError: If no tile shows any ground, or tiles are no squares.
        UsageError: If bands are chosen that tiles do not have, or a scale is given.
    """
    if scale is not None:
        raise UsageError(f"{archive.path}: holds tiles of 8-bit colours, which --scale does not fit: leave it out")
    if any(not 1 <= band <= 3 for band in bidx) or len(bidx) not in (0, 1, 3):
        raise UsageError(f"--bidx {','.join(map(str, bidx))}: tiles have the colours 1,2,3: choose one, or three")
    zooms = archive.zooms[::-1]
    tile_px = _tile_px(archive, zooms[0])
    levels = tuple(TileZoom(path=archive.path, zoom=z, tile_px=tile_px, span=archive.span(z)) for z in zooms)
    transform, width, height, bounds = _place(levels[0])
    return TileSet(
        path=archive.path,
        sha256=_sha256(archive),
        sidecars_sha256="",
        crs=WEB_MERCATOR,
        transform=transform,
        width=width,
        height=height,
        bands=Bands(colours=bidx or (1, 2, 3)),
        gsd_m=centre_gsd_m(WEB_MERCATOR, transform, width, height),
        lat_deg=centre_latitude(WEB_MERCATOR, transform, width, height),
        bounds=bounds,
        levels=levels,
    )


def _place(level: TileZoom) -> tuple[Affine, int, int, Bounds]:
    """Return transform, width, height and bounds of a zoom's tiles."""
    span, size = level.span, level.tile_px
    transform = tile_transform(level.zoom, size) @ Affine.translation(span.col * size, span.row * size)
    left, top = transform @ (0, 0)
    right, bottom = transform @ (span.width * size, span.height * size)
    return transform, span.width * size, span.height * size, (left, bottom, right, top)


def _tile_px(archive: Archive, zoom: int) -> int:
    """Return the side of the first tile of a zoom that shows any ground."""
    for x, y in archive.places(zoom):
        encoded = archive.get(zoom, x, y)
        if encoded is None:
            continue
        name = f"{archive.path}: tile {zoom}/{x}/{y}"
        pixels = decode_tile(encoded, name)
        height, width = pixels.shape[1:]
        if height != width:
            raise SourceError(f"{name} is {width} x {height} px: tiles are squares: make the archive again")
        if pixels[3].any():
            return int(width)
    raise SourceError(f"{archive.path}: no tile of zoom {zoom} shows any ground: give an archive with some")


def _sha256(archive: Archive) -> str:
    """Return the hash of an archive's file, or of the places and bytes of a folder's tiles."""
    if archive.path.is_file():
        return sha256_of([archive.path])
    digest = hashlib.sha256()
    for zoom in archive.zooms:
        for x, y in sorted(archive.places(zoom)):
            encoded = archive.get(zoom, x, y) or b""
            digest.update(f"{zoom}/{x}/{y} {len(encoded)}\n".encode() + encoded)
    return digest.hexdigest()
