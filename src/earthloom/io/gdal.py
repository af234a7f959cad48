"""How GDAL is run: a small cache, damaged files an error, nothing printed."""

import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import rasterio
from rasterio._env import set_gdal_config
from rasterio._err import CPLE_BaseError
from rasterio.errors import NotGeoreferencedWarning, RasterioError

from earthloom.io.remote import gdal_name

CACHE_BYTES = 32 << 20
"""Size of GDAL's block cache, shared by all threads: memory does not grow with files. (rasterio takes bytes.)"""

GDAL_ERRORS = (OSError, RasterioError, CPLE_BaseError)
"""What a failing call raises: rasterio lets some of GDAL's own errors through."""

_WARNINGS_LOCK = threading.Lock()

# The cache is the process's, not a thread's: an Env that sets it would undo it for all threads when the first is done.
set_gdal_config("GDAL_CACHEMAX", CACHE_BYTES)


@contextmanager
def gdal() -> Iterator[None]:
    """Run GDAL calls with our settings, in this thread only; its messages go to rasterio's silent logger."""
    patience = {"GDAL_HTTP_CONNECTTIMEOUT": 20, "GDAL_HTTP_TIMEOUT": 120, "GDAL_HTTP_MAX_RETRY": 2}
    with rasterio.Env(GDAL_ERROR_ON_LIBJPEG_WARNING=True, GDAL_TIFF_INTERNAL_MASK=True, **patience):
        yield


def open_dataset(path: Path | str, mode: str = "r", **options: Any) -> Any:
    """Open a dataset, here or remote, without the warning about images that have no place; call it within `gdal()`.

    Python's warning filters are global, so threads take turns.
    """
    with _WARNINGS_LOCK, warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        return rasterio.open(gdal_name(path) if isinstance(path, Path) else path, mode, **options)


def reason(error: BaseException) -> str:
    """Return the deepest message of a GDAL error on one line, without the advice to look elsewhere."""
    while error.__cause__ is not None:
        error = error.__cause__
    return " ".join(str(error).split())
