"""An image file as a source on a grid: opened once a thread, read in blocks of a fixed lattice."""

import hashlib
import json
import threading
from collections import OrderedDict
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from earthloom.errors import SourceError
from earthloom.geo.grid import Grid
from earthloom.geo.windows import Window
from earthloom.io.decode import Bands, encode
from earthloom.io.gdal import GDAL_ERRORS, gdal, open_dataset, reason
from earthloom.io.mosaic import TileZoom
from earthloom.io.raster import Raster
from earthloom.io.spool import is_slow, tiled_copy
from earthloom.io.warp import Warp

_MAX_OPEN = 8
_MAX_BLOCKS = 24
"""Blocks kept for all threads, about 1 MB each: windows overlap, and two threads often need the same ones."""

_thread = threading.local()
_blocks: "OrderedDict[tuple[str, Window], Future[Raster]]" = OrderedDict()
_blocks_lock = threading.Lock()


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageFile:
    """What a thread needs to open an image."""

    path: Path
    """The image."""

    overview: int | None
    """Number of the overview to read instead of the image itself."""

    def open(self, key: str) -> Any:
        """Open the image, or a tiled copy of it under this key if reading blocks would be slow."""
        options: dict[str, Any] = {} if self.overview is None else {"overview_level": self.overview}
        dataset = open_dataset(self.path, **options)
        return open_dataset(tiled_copy(dataset, key)) if is_slow(dataset) else dataset


@dataclass(frozen=True, kw_only=True)
class FileSource:
    """An image resampled onto a grid: RGB uint8 and a mask; frozen and picklable."""

    file: ImageFile | TileZoom
    """What is opened."""

    image_identity: str
    """Hash of what decides the image's own pixels and place."""

    picked: Bands
    """Which bands make the colours."""

    warp: Warp
    """How its pixels meet the grid's."""

    grid: Grid
    """The plane; its extent is the pixels the image touches."""

    bands: ClassVar[int] = 3
    dtype: ClassVar[str] = "uint8"

    @property
    def identity(self) -> str:
        """Hash of everything that decides the pixels."""
        parts = [self.image_identity, self.grid.crs, list(self.grid.transform)[:6]]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()

    def read(self, window: Window) -> Raster:
        """Read any window; off the image everything is masked.

        Raises:
            SourceError: If the file is gone or damaged.
        """
        result = Raster.empty(3, window.height, window.width, self.dtype)
        extent = self.grid.extent
        assert extent is not None
        if not window.intersects(extent):
            return result
        for block in _lattice(window.intersection(extent), self.warp.block_px):
            whole = block.intersection(extent)
            part = whole.intersection(window)
            piece = _block(self, whole).crop(part, whole)
            rows, cols = part.slices_in(window)
            result.pixels[:, rows, cols] = piece.pixels
            result.mask[rows, cols] = piece.mask
        return result


def _lattice(window: Window, size: int) -> Iterator[Window]:
    """Give the blocks of the lattice that touch a window, row by row."""
    for row in range(window.row // size, (window.bottom - 1) // size + 1):
        for col in range(window.col // size, (window.right - 1) // size + 1):
            yield Window(col * size, row * size, size, size)


def _block(source: FileSource, window: Window) -> Raster:
    """Return a block that some thread just resampled or is resampling now, or resample it in this one."""
    key = (source.identity, window)
    with _blocks_lock:
        is_mine = key not in _blocks
        wanted = _blocks.setdefault(key, Future())
        _blocks.move_to_end(key)
        while len(_blocks) > _MAX_BLOCKS:
            _blocks.popitem(last=False)
    if is_mine:
        try:
            wanted.set_result(_resample(source, window))
        except BaseException as error:
            with _blocks_lock:
                _blocks.pop(key, None)
            wanted.set_exception(error)
    return wanted.result()


def _resample(source: FileSource, window: Window) -> Raster:
    dataset = _opened(source)
    try:
        with gdal():
            return Raster(*encode(source.warp.read(dataset, source.picked, window)))
    except GDAL_ERRORS as error:
        raise SourceError(f"{source.file.path}: cannot be read: {reason(error)}: is it a whole image?") from error


def _opened(source: FileSource) -> Any:
    """Return this thread's open dataset of a source."""
    opened: OrderedDict[str, Any] = _thread.__dict__.setdefault("opened", OrderedDict())
    key = source.identity
    if key not in opened:
        try:
            with gdal():
                opened[key] = source.file.open(key)
        except GDAL_ERRORS as error:
            raise SourceError(f"{source.file.path}: cannot be opened any more: {reason(error)}") from error
        while len(opened) > _MAX_OPEN:
            opened.popitem(last=False)[1].close()
    opened.move_to_end(key)
    return opened[key]
