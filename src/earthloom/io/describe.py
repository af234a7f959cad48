"""What a file is and where it comes from, for every format that is read or written."""

import json
import sqlite3
import struct
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

from affine import Affine

from earthloom.errors import GeoError, SourceError
from earthloom.geo import crs as geo_crs
from earthloom.io.checks import check_file, last_pixel
from earthloom.io.gdal import GDAL_ERRORS, gdal, open_dataset, reason
from earthloom.io.xyz import METADATA, NUM_TILES, is_xyz

Facts = dict[str, Any]


def describe(path: Path | str) -> Facts:
    """Return the structure and provenance of an image, a tile archive or a folder of tiles, ready for JSON.

    Returns:
        `file`, `format`, `synthetic`, then what the format knows: size, CRS, bounds, zooms, ... and last `tags`, the
        provenance: text by name, empty for files that Earthloom did not make.

    Raises:
        SourceError: If it is none of them, or damaged.
    """
    path = Path(path)
    if is_xyz(path):
        facts = _of_xyz(path)
    else:
        check_file(path)
        facts = _reader(path)(path)
    tags = {key: value for key, value in facts.pop("tags").items() if _is_provenance(key)}
    return {"file": str(path), **facts, "synthetic": tags.get("SYNTHETIC") == "true", "tags": tags}


def _is_provenance(tag: str) -> bool:
    return tag in ("SYNTHETIC", "DIGITAL_SOURCE_TYPE") or tag.startswith("EARTHLOOM_")


def _reader(path: Path) -> Callable[[Path], Facts]:
    """Choose by the file's first bytes, not by its name."""
    with path.open("rb") as file:
        head = file.read(16)
    if head.startswith(b"PMTiles"):
        return _of_pmtiles
    if head.startswith(b"SQLite format 3\0"):
        return _of_mbtiles
    return _of_image


def _of_image(path: Path) -> Facts:
    try:
        with gdal(), open_dataset(path) as dataset:
            facts = {
                "format": dataset.driver,
                "width": dataset.width,
                "height": dataset.height,
                "bands": dataset.count,
                "dtype": list(dataset.dtypes),
                "colours": [meaning.name for meaning in dataset.colorinterp],
                "nodata": None if dataset.nodata is None else str(dataset.nodata),
                "mask": sorted({flag.name for flags in dataset.mask_flag_enums for flag in flags}),
                "compression": dataset.compression.name if dataset.compression else None,
                "blocks": [list(shape) for shape in dict.fromkeys(dataset.block_shapes)],
                "overviews": dataset.overviews(1) if dataset.count else [],
            }
            if dataset.driver == "GTiff" and dataset.count:
                dataset.read_masks(1, window=last_pixel(dataset))  # fails if the file is cut short, in values or mask
                dataset.read(1, window=last_pixel(dataset))
            return {**facts, **_of_place(dataset), "tags": dataset.tags()}
    except GDAL_ERRORS as error:
        raise SourceError(f"{path}: cannot be read: {reason(error)}: is it a whole image or tile archive?") from error


def _of_place(dataset: Any) -> Facts:
    if not dataset.crs or dataset.transform == Affine.identity():
        return {"crs": None}
    try:
        crs = geo_crs.parse(dataset.crs.to_wkt())
        gsd_m = geo_crs.centre_gsd_m(crs, dataset.transform, dataset.width, dataset.height)
    except GeoError:
        return {"crs": dataset.crs.to_wkt()}
    return {
        "crs": crs,
        "transform": list(dataset.transform)[:6],
        "bounds": list(dataset.bounds),
        "gsd_m": gsd_m,
        "lat_deg": geo_crs.centre_latitude(crs, dataset.transform, dataset.width, dataset.height),
    }


def _of_pmtiles(path: Path) -> Facts:
    from pmtiles.reader import MmapSource, Reader

    try:
        with path.open("rb") as file:
            make_source: Any = MmapSource
            make_reader: Any = Reader
            reader = make_reader(make_source(file))
            header, metadata = reader.header(), dict(reader.metadata())
        if path.stat().st_size < header["tile_data_offset"] + header["tile_data_length"]:
            raise EOFError("it is cut short")
    except Exception as error:  # the reader meets damage with whatever its parsing trips over
        raise SourceError(f"{path}: a damaged PMTiles archive ({error}): copy or make it again") from error
    return {
        "format": f"PMTiles {header['version']}",
        "tile_format": header["tile_type"].name.lower(),
        "tiles": header["addressed_tiles_count"],
        "clustered": header["clustered"],
        "zooms": [header["min_zoom"], header["max_zoom"]],
        "bounds": [header[key] / 1e7 for key in ("min_lon_e7", "min_lat_e7", "max_lon_e7", "max_lat_e7")],
        "tile_px": metadata.get("tileSize"),
        "tags": metadata,
    }


def _of_mbtiles(path: Path) -> Facts:
    if path.stat().st_size < _stated_bytes(path):
        raise SourceError(f"{path}: is cut short: copy or download it again")
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as database:
            metadata = {str(name): value for name, value in database.execute("SELECT name, value FROM metadata")}
            (tiles,) = database.execute("SELECT count(*) FROM tiles").fetchone()
    except sqlite3.Error as error:
        raise SourceError(f"{path}: a SQLite file but no MBTiles ({error}): give an image or a tile archive") from error
    return {"format": "MBTiles", "tiles": tiles, **_of_tileset(path, metadata)}


def _stated_bytes(path: Path) -> int:
    """Return how large the header of a SQLite file says it is: bytes a page, 1 for 65,536, times pages."""
    with path.open("rb") as file:
        page, pages = struct.unpack(">16xH10xI", file.read(32).ljust(32, b"\xff"))
    return int(page if page > 1 else 65536) * int(pages)


def _of_xyz(folder: Path) -> Facts:
    metadata = json.loads((folder / METADATA).read_text())
    tiles = sum(1 for _ in folder.glob(f"*/*/*.{metadata.get('format', '*')}"))
    if (written := metadata.get(NUM_TILES, tiles)) != tiles:
        raise SourceError(f"{folder}: has {tiles} tiles, and {written} were written: copy or make it again")
    return {"format": "XYZ", "tiles": tiles, **_of_tileset(folder, metadata)}


def _of_tileset(path: Path, metadata: Facts) -> Facts:
    """Return what MBTiles and folders of tiles say alike, one as text, the other as JSON; TileJSON needs no format."""
    bounds, size = metadata.get("bounds"), metadata.get("tileSize")
    zooms = [metadata[key] for key in ("minzoom", "maxzoom") if key in metadata]
    try:
        return {
            "tile_format": metadata.get("format"),
            "zooms": [int(zoom) for zoom in zooms],
            "bounds": [float(value) for value in (bounds.split(",") if isinstance(bounds, str) else bounds or [])],
            "tile_px": None if size is None else int(size),
            "tags": metadata,
        }
    except (ValueError, TypeError, OverflowError) as error:
        raise SourceError(
            f"{path}: its metadata say no zooms, bounds or tile size in numbers ({error}): correct or remove them"
        ) from error
