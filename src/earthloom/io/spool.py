"""Large images stored line by line are copied once to a tiled temporary file: blocks of lines would be decoded anew."""

import tempfile
import threading
from pathlib import Path
from typing import Any

import numpy as np
import rasterio.shutil

from earthloom.io.gdal import CACHE_BYTES

_LINES = 512
_MAX_LINES_BYTES = CACHE_BYTES // 8
_MAX_SEQUENTIAL_BYTES = CACHE_BYTES // 2
_MAX_COPIES = 16
_lock = threading.Lock()
_folder: list[tempfile.TemporaryDirectory[str]] = []
_copies: dict[str, Path] = {}


def is_slow(dataset: Any) -> bool:
    """Say whether reading blocks of an open dataset would decode its lines again and again.

    PNG and JPEG start from the top whenever one reads upward; wide lines of any format overflow the block cache.
    """
    rows, cols = dataset.block_shapes[0]
    if cols < dataset.width or dataset.height <= 1:
        return False
    line_bytes = dataset.width * sum(np.dtype(dtype).itemsize for dtype in dataset.dtypes)
    sequential = dataset.driver in ("PNG", "JPEG")
    lines_bytes = line_bytes * min(max(_LINES, rows), dataset.height)
    return lines_bytes > _MAX_LINES_BYTES or (sequential and line_bytes * dataset.height > _MAX_SEQUENTIAL_BYTES)


def tiled_copy(dataset: Any, identity: str) -> Path:
    """Return a tiled copy of an open dataset, made by the first thread that asks.

    It goes when the process ends, or when as many others as a run may read side by side were asked for since.
    """
    with _lock:
        if identity not in _copies:
            if not _folder:
                _folder.append(tempfile.TemporaryDirectory(prefix="earthloom-", ignore_cleanup_errors=True))
            path = Path(_folder[0].name) / f"{identity}.tif"
            rasterio.shutil.copy(
                dataset, path, driver="GTiff", TILED="YES", COMPRESS="LZW", INTERLEAVE="PIXEL", BIGTIFF="IF_SAFER"
            )
            _copies[identity] = path
        _copies[identity] = _copies.pop(identity)
        while len(_copies) > _MAX_COPIES:
            _copies.pop(next(iter(_copies))).unlink(missing_ok=True)
        return _copies[identity]
