"""A STAC item beside every output: what it is, where it lies, and which model made it (STAC 1.1).

Extensions: projection and raster for the pixels, mlm for the model. The item is about the imagery's time: the one its
file states, else that of the file itself; so equal inputs give equal items.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from time import time
from typing import Any

from earthloom.errors import GeoError
from earthloom.geo.crs import LON_LAT, centre_gsd_m, lon_lat, transform_bounds
from earthloom.io.gdal import GDAL_ERRORS, gdal, open_dataset
from earthloom.io.levels import Level
from earthloom.io.remote import is_remote

SUFFIX = ".stac.json"
PROVENANCE = "earthloom:provenance"
MEDIA_TYPES = {
    ".tif": "image/tiff; application=geotiff; profile=cloud-optimized",
    ".png": "image/png",
    ".pmtiles": "application/vnd.pmtiles",
    ".mbtiles": "application/vnd.sqlite3",
    "": "image/png",
}
EXTENSIONS = ("projection/v2.0.0", "raster/v2.0.0", "mlm/v1.4.0")

_DATE_TAGS = ("TIFFTAG_DATETIME", "ACQUISITIONDATETIME", "DateTime")


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What an item says beyond pixels and provenance."""

    when: datetime
    """The time of the imagery."""

    architecture: str
    """Of the model, as the literature calls it."""

    tasks: tuple[str, ...]
    """What it does, in the words of the mlm extension."""

    product: str = "map"
    """What the pixels are, in a word: the name of their asset."""

    bands: tuple[str, ...] = ("red", "green", "blue")
    """What the bands of the pixels are called."""


def item_of(path: Path) -> Path:
    """Return where the item of an output lies."""
    return path.with_name(path.name + SUFFIX)


def is_own_item(path: Path) -> bool:
    """Say whether there is an item that Earthloom wrote."""
    try:
        return PROVENANCE in json.loads(path.read_text())["properties"]
    except (OSError, ValueError, LookupError, TypeError):
        return False


def write_item(
    path: Path, files: Mapping[Path, Sequence[Level]], about: About, tags: Mapping[str, str], folder: Path
) -> None:
    """Write the item of an output.

    Args:
        path: The output as the user wrote it; names the item.
        files: What was written, with the levels of each, finest first.
        about: The imagery's time and the model.
        tags: The provenance.
        folder: Where to write.
    """
    from pystac import Asset, Item

    first = next(iter(files.values()))[0]
    bbox = _lon_lat(first)
    item = Item(
        id=path.name,
        geometry=None if bbox is None else _outline(first),
        bbox=bbox,
        datetime=about.when,
        properties={PROVENANCE: dict(tags), **_place(first), **_model(about, tags)},
        stac_extensions=[f"https://stac-extensions.github.io/{name}/schema.json" for name in EXTENSIONS],
    )
    for file, levels in files.items():
        name = about.product if len(files) == 1 else f"{about.product}-z{levels[0].zoom}"
        kind, fields = MEDIA_TYPES[file.suffix.lower()], _pixels(levels, about.bands)
        item.add_asset(name, Asset(f"./{file.name}", media_type=kind, roles=["data"], extra_fields=fields))
    weights = {"mlm:artifact_type": "safetensors"}
    for number, sha256 in enumerate(tags["EARTHLOOM_MODEL_SHA256"].split(",")):
        urn = f"urn:sha256:{sha256}"
        item.add_asset(f"model-{number}", Asset(urn, roles=["mlm:model", "mlm:weights"], extra_fields=weights))
    (folder / item_of(path).name).write_text(json.dumps(item.to_dict(include_self_link=False), indent=1) + "\n")


def time_of(path: Path) -> datetime:
    """Return when imagery was made: the first date its tags state, else the time of the file, of a remote one now."""
    try:
        with gdal(), open_dataset(path) as dataset:
            tags = dataset.tags() | dataset.tags(ns="IMAGERY") | dataset.tags(ns="EXIF")
    except GDAL_ERRORS:
        tags = {}
    found = filter(None, map(_date, (tags.get(name, "") for name in _DATE_TAGS)))
    stamp = time() if is_remote(path) else path.stat().st_mtime
    return next(found, datetime.fromtimestamp(int(stamp), UTC))


def _date(text: str) -> datetime | None:
    """Read `2021:03:04 10:11:12` or ISO 8601, as UTC unless it says otherwise."""
    try:
        found = datetime.fromisoformat(re.sub(r"^(\d{4}):(\d\d):(\d\d)", r"\1-\2-\3", text.strip()))
    except ValueError:
        return None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


def _lon_lat(level: Level) -> list[float] | None:
    crs = level.source.grid.crs
    if crs is None:
        return None
    try:
        west, south, east, north = transform_bounds(crs, LON_LAT, level.source.grid.bounds_of(level.window))
    except GeoError:  # a map may end at the antimeridian's very edge
        return None
    return [west, south, east, north] if west >= -180 and east <= 180 else None


def _outline(level: Level) -> dict[str, Any]:
    """Return the polygon of the pixels' four corners, counterclockwise."""
    grid = level.source.grid
    assert grid.crs is not None
    ring = [list(lon_lat(grid.crs, grid.transform, *corner)) for corner in level.window.corners]
    if grid.transform.determinant > 0:  # south up
        ring.reverse()
    return {"type": "Polygon", "coordinates": [[*ring, ring[0]]]}


def _place(level: Level) -> dict[str, Any]:
    """Say projection, size and place of the finest pixels."""
    grid, window = level.source.grid, level.window
    code = grid.crs if grid.crs is not None and grid.crs.startswith("EPSG:") else None
    return {
        "proj:code": code,
        "proj:shape": [window.height, window.width],
        "proj:transform": list(grid.transform_of(window))[:6],
    }


def _pixels(levels: Sequence[Level], names: Sequence[str]) -> dict[str, Any]:
    """Say what the pixels of a file are."""
    bands = [{"name": name, "data_type": "uint8", **_gsd(levels[0])} for name in names]
    return {**_place(levels[0]), "earthloom:zooms": [level.zoom for level in levels], "bands": bands}


def _gsd(level: Level) -> dict[str, float]:
    """Say the ground metres of a pixel at the centre, where there is ground."""
    grid, window = level.source.grid, level.window
    if grid.crs is None:
        return {"raster:spatial_resolution": grid.transform.a}
    try:
        found_m = centre_gsd_m(grid.crs, grid.transform_of(window), window.width, window.height)
    except GeoError:
        return {}
    return {"raster:spatial_resolution": float(f"{found_m:.6g}")}


def _model(about: About, tags: Mapping[str, str]) -> dict[str, Any]:
    tensor = {"dim_order": ["batch", "channel", "height", "width"], "data_type": "float32"}
    name = re.sub(r"[^a-zA-Z0-9_.-]+", "-", tags["EARTHLOOM_MODEL"]).strip("-._0123456789") or "model"
    colours = ["red", "green", "blue"]
    return {
        "mlm:name": name,
        "mlm:architecture": about.architecture,
        "mlm:tasks": list(about.tasks),
        "mlm:framework": "PyTorch",
        "mlm:framework_version": tags["EARTHLOOM_TORCH"],
        "mlm:input": [{"name": "imagery", "bands": colours, "input": {"shape": [-1, 3, -1, -1], **tensor}}],
        "mlm:output": [
            {
                "name": about.product,
                "tasks": list(about.tasks),
                "result": {"shape": [-1, -1, -1, -1], **tensor},
                "classification:classes": [],
            }
        ],
    }
