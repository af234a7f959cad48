"""A STAC item as input: the image among its assets."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from earthloom.errors import SourceError

_IMAGES = ("image/", "application/vnd.pmtiles", "application/vnd.sqlite3")
_ROLES = ("visual", "data")


def resolve_item(path: Path) -> Path:
    """Return the image a STAC item leads to; any other path as it is.

    Of several images one for looking at (role `visual`) goes before data, data before the rest, and the first before
    others.

    Raises:
        SourceError: If a `.json` file is no STAC item, or has no image among its assets.
    """
    if path.suffix.lower() != ".json" or not path.is_file():
        return path
    images = [asset for asset in _assets(path) if _is_image(asset)]
    if not images:
        raise SourceError(f"{path}: is a STAC item without an image among its assets: give the image itself")
    href = str(min(images, key=_rank)["href"])
    return Path(href) if urlsplit(href).scheme or href.startswith("/") else path.parent / href


def _assets(path: Path) -> list[dict[str, Any]]:
    try:
        item = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise SourceError(f"{path}: cannot be read as a STAC item: {error}") from error
    if not isinstance(item, dict) or item.get("type") != "Feature" or "stac_version" not in item:
        raise SourceError(f"{path}: is no STAC item: give an item, or an image")
    assets = item.get("assets")
    values = assets.values() if isinstance(assets, dict) else ()
    return [asset for asset in values if isinstance(asset, dict) and isinstance(asset.get("href"), str)]


def _is_image(asset: dict[str, Any]) -> bool:
    kind = str(asset.get("type") or "")
    suffix = Path(urlsplit(asset["href"]).path).suffix.lower()
    return kind.startswith(_IMAGES) or suffix in (".tif", ".tiff", ".jp2", ".vrt", ".pmtiles", ".mbtiles")


def _rank(asset: dict[str, Any]) -> int:
    roles = asset.get("roles") or ()
    return next((rank for rank, role in enumerate(_ROLES) if role in roles), len(_ROLES))
