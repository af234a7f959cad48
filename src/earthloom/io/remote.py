"""Images that GDAL reads where they are: http and https addresses, object stores, files inside archives.

A Path folds `//`, so `https://host/a.tif` travels as `https:/host/a.tif` until GDAL gets its own name for it.
"""

import hashlib
import json
import re
from pathlib import Path
from typing import Any

from rasterio.windows import Window as FileWindow

_SCHEMES = {
    "http:": "/vsicurl/http://",
    "https:": "/vsicurl/https://",
    "s3:": "/vsis3/",
    "gs:": "/vsigs/",
    "az:": "/vsiaz/",
}


def gdal_name(path: Path) -> str:
    """Return GDAL's name of a file: `/vsicurl/https://...`, `/vsis3/...`; of a local one its own."""
    scheme, _, rest = path.as_posix().partition("/")
    if scheme in _SCHEMES:
        return _SCHEMES[scheme] + rest.lstrip("/")
    return re.sub(r"(https?):/(?!/)", r"\1://", str(path)) if is_remote(path) else str(path)


def is_remote(path: Path) -> bool:
    """Say whether only GDAL can read it."""
    return path.parts[:1] != () and (path.parts[0] in _SCHEMES or path.as_posix().startswith("/vsi"))


def plain_name(path: Path) -> str:
    """Return the name of a file without its folder, and without what an address has after `?`."""
    return path.name.partition("?")[0] if is_remote(path) else path.name


def fingerprint(dataset: Any) -> str:
    """Return a hash that stands for the content of an image that is too far away to read whole.

    It covers size, types, place, tags and the pixels of the coarsest overview (without one, of the middle block).
    """
    place = dataset.crs.to_wkt() if dataset.crs else None
    facts = [dataset.shape, dataset.dtypes, list(dataset.transform)[:6], place, sorted(dataset.tags().items())]
    digest = hashlib.sha256(json.dumps(facts).encode())
    factors = dataset.overviews(1)
    if factors:
        shape = (dataset.count, *(-(-side // factors[-1]) for side in dataset.shape))
        pixels = dataset.read(out_shape=shape)
    else:
        height, width = dataset.block_shapes[0]
        row, col = (side // 2 // block * block for side, block in zip(dataset.shape, (height, width), strict=True))
        window = FileWindow(col, row, min(width, dataset.width - col), min(height, dataset.height - row))
        pixels = dataset.read(window=window)
    digest.update(pixels.tobytes())
    return digest.hexdigest()
