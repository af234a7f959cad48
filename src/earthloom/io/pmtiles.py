"""PMTiles 3: tiles in one file that a web server hands out in ranges; clustered, equal tiles stored once."""

import gzip
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

from pmtiles import writer as pmtiles_writer
from pmtiles.reader import MmapSource
from pmtiles.tile import Compression, TileType, deserialize_directory, deserialize_header, find_tile, zxy_to_tileid

from earthloom.errors import SourceError
from earthloom.geo.crs import LON_LAT, MAX_LAT_DEG, WEB_MERCATOR, transform_bounds
from earthloom.geo.tiles import TILE_PX, web_mercator_grid
from earthloom.geo.windows import Window
from earthloom.io.levels import Advance
from earthloom.io.staging import need_space
from earthloom.io.tiling import Tiling

_MAX_DEPTH = 4
_CACHED_DIRECTORIES = 64
_PICTURES = ("PNG", "JPEG", "WEBP", "UNKNOWN")
_PARTS = ("root", "metadata", "leaf_directory", "tile_data")
_BOUNDS = ("min_lon_e7", "min_lat_e7", "max_lon_e7", "max_lat_e7")


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


class PMTiles:
    """PMTiles 3: one file, directories of tile numbers along a curve."""

    def __init__(self, path: Path) -> None:
        """Read the header.

        Raises:
            SourceError: If it is damaged or holds vector tiles.
        """
        self.path = path
        with self._reading():
            with path.open("rb") as file:
                make_source: Any = MmapSource
                self._bytes: Any = make_source(file)
            self._directory = lru_cache(_CACHED_DIRECTORIES)(self._read_directory)
            header: Any = deserialize_header(self._bytes(0, 127))
            self._header = header
            if header["tile_type"].name not in _PICTURES:
                kind = header["tile_type"].name
                raise SourceError(f"{path}: holds {kind} tiles, which are no pictures: give an archive of images")
            ends = [header[f"{part}_offset"] + header[f"{part}_length"] for part in _PARTS]
            if max(ends) > path.stat().st_size:
                raise SourceError(f"{path}: is cut short: copy or download it again")
            if header["min_zoom"] > header["max_zoom"] or header["max_zoom"] > 30:
                raise ValueError(f"zooms {header['min_zoom']}..{header['max_zoom']}")

    @property
    def zooms(self) -> tuple[int, ...]:
        """Zooms as the header says, coarsest first."""
        return tuple(range(self._header["min_zoom"], self._header["max_zoom"] + 1))

    def span(self, zoom: int) -> Window:
        """Return the columns and rows that the header's bounds touch."""
        header = self._header
        west, south, east, north = (header[key] / 1e7 for key in _BOUNDS)
        if not (west < east and south < north):
            west, south, east, north = -180.0, -MAX_LAT_DEG, 180.0, MAX_LAT_DEG
        lats = (max(south, -MAX_LAT_DEG), min(north, MAX_LAT_DEG))
        bounds = transform_bounds(LON_LAT, WEB_MERCATOR, (west, lats[0], east, lats[1]))
        pixels = web_mercator_grid(zoom).window_of(*bounds)
        return Window.spanning(
            pixels.col // TILE_PX, pixels.row // TILE_PX, -(-pixels.right // TILE_PX), -(-pixels.bottom // TILE_PX)
        )

    def places(self, zoom: int) -> Iterator[tuple[int, int]]:
        """Give (x, y) of every tile that may be there."""
        span = self.span(zoom)
        return ((x, y) for y in range(span.row, span.bottom) for x in range(span.col, span.right))

    def get(self, zoom: int, x: int, y: int) -> bytes | None:
        """Return an encoded tile; None if there is none."""
        header = self._header
        number = zxy_to_tileid(zoom, x, y)
        with self._reading():
            directory = self._directory(header["root_offset"], header["root_length"])
            for _ in range(_MAX_DEPTH):
                entry = find_tile(directory, number)
                if entry is None:
                    return None
                if entry.run_length:
                    return bytes(self._bytes(header["tile_data_offset"] + entry.offset, entry.length))
                directory = self._directory(header["leaf_directory_offset"] + entry.offset, entry.length)
            raise ValueError("its directories point at each other in a circle")

    def _read_directory(self, offset: int, length: int) -> Any:
        raw = self._bytes(offset, length)
        packed = self._header["internal_compression"] == Compression.GZIP
        return deserialize_directory(raw if packed else gzip.compress(raw))

    @contextmanager
    def _reading(self) -> Iterator[None]:
        try:
            yield
        except SourceError:
            raise
        except Exception as error:  # the library meets damage with whatever its parsing trips over
            raise SourceError(f"{self.path}: a damaged PMTiles archive ({error}): copy or make it again") from error
