"""What an image must be before any work starts: there, whole, and not all nodata."""

import os
import struct
from pathlib import Path
from typing import Any

from rasterio.windows import Window as FileWindow

from earthloom.errors import SourceError
from earthloom.io.decode import Bands, weight
from earthloom.io.remote import is_remote

_PNG = b"\x89PNG\r\n\x1a\n"
_GLANCE_PX = 512
_SCAN_PX = 1 << 22


def check_file(path: Path) -> None:
    """Refuse what is no file, is empty, or is a PNG cut short (GDAL reads those as black); of remote files GDAL says.

    Raises:
        SourceError: With the reason.
    """
    if is_remote(path):
        return
    if path.is_dir():
        raise SourceError(f"{path}: is a folder: give one image file")
    if not path.exists():
        raise SourceError(f"{path}: no such file: check the name")
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            head = file.read(len(_PNG))
            whole = head != _PNG or _reaches_its_end(file, size)
    except OSError as error:
        raise SourceError(f"{path}: cannot be read: {error.strerror}") from error
    if size == 0:
        raise SourceError(f"{path}: is empty: copy or download it again")
    if not whole:
        raise SourceError(f"{path}: is cut short: copy or download it again")


def check_pixels(dataset: Any, bands: Bands, name: str) -> None:
    """Refuse an image whose last pixel cannot be read, or without one real pixel.

    A glance at few pixels settles most images; only if it finds nothing is every pixel looked at.

    Raises:
        SourceError: If all is nodata.
        rasterio.errors.RasterioIOError: If the file is cut short.
    """
    if weight(dataset, bands, window=last_pixel(dataset)).any():
        return
    shape = (min(dataset.height, _GLANCE_PX), min(dataset.width, _GLANCE_PX))
    if weight(dataset, bands, out_shape=shape).any():
        return
    lines = dataset.block_shapes[0][0]
    lines *= max(1, _SCAN_PX // (lines * dataset.width))
    for row in range(0, dataset.height, lines):
        strip = FileWindow(0, row, dataset.width, min(lines, dataset.height - row))
        if weight(dataset, bands, window=strip).any():
            return
    raise SourceError(f"{name}: every pixel is nodata: give an image with some ground in it")


def last_pixel(dataset: Any) -> FileWindow:
    """Return the pixel that cannot be read if an image of most formats was cut short."""
    return FileWindow(dataset.width - 1, dataset.height - 1, 1, 1)


def _reaches_its_end(file: Any, size: int) -> bool:
    """Walk the chunks of a PNG, each `length, type, data, checksum`, up to IEND."""
    while len(head := file.read(8)) == 8:
        length, kind = struct.unpack(">I4s", head)
        if file.seek(length + 4, os.SEEK_CUR) > size:
            return False
        if kind == b"IEND":
            return True
    return False
