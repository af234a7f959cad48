"""PMTiles 3: tiles in one file that a web server hands out in ranges; clustered, equal tiles stored once."""

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pmtiles import writer as pmtiles_writer
from pmtiles.tile import Compression, TileType, zxy_to_tileid

from earthloom.geo.tiles import TILE_PX
from earthloom.io.levels import Advance
from earthloom.io.staging import need_space
from earthloom.io.tiling import Tiling


def write_pmtiles(path: Path, tiling: Tiling, tags: Mapping[str, str], *, advance: Advance) -> None:
    """Write a tiling as PMTiles; equal tilings give equal bytes."""
    with path.open("wb") as file, tempfile.TemporaryFile(dir=path.parent) as tiles_file:
        make_writer: Any = pmtiles_writer.Writer
        writer = make_writer(file)
        writer.tile_f.close()
        writer.tile_f = tiles_file  # beside the output, where there is room for it
        for tile, image in tiling.images(advance):
            need_space(path.parent, 2 * len(image))
            writer.write_tile(zxy_to_tileid(tile.z, tile.x, tile.y), image)
        need_space(path.parent, writer.offset)
        writer.finalize(_header(tiling), {**tiling.metadata(path, tags), "tileSize": TILE_PX})


def _header(tiling: Tiling) -> dict[str, Any]:
    west, south, east, north = (round(value * 1e7) for value in tiling.bounds)
    lon_deg, lat_deg, zoom = tiling.centre
    return {
        "tile_type": TileType.PNG if tiling.lossless else TileType.WEBP,
        "tile_compression": Compression.NONE,
        "min_lon_e7": west,
        "min_lat_e7": south,
        "max_lon_e7": east,
        "max_lat_e7": north,
        "center_zoom": zoom,
        "center_lon_e7": round(lon_deg * 1e7),
        "center_lat_e7": round(lat_deg * 1e7),
    }
