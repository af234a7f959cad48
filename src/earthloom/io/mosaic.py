"""One zoom of a tile archive as one picture, read by window like an open rasterio dataset."""

import io
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from earthloom.errors import SourceError
from earthloom.geo.windows import Window
from earthloom.io.archives import Archive, open_archive
from earthloom.io.depth import is_deep

_CACHED_TILES = 64

Pixels = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Mosaic:
    """Red, green, blue and alpha of all tiles of a zoom side by side; where there is no tile all is transparent."""

    archive: Archive
    """Where the tiles are."""

    zoom: int
    """Which zoom, as the archive counts."""

    tile_px: int
    """Side of its tiles."""

    span: Window
    """Its columns and rows of tiles."""

    cache: OrderedDict[tuple[int, int], Pixels | None]
    """Decoded tiles, `(4, tile_px, tile_px)`."""

    @property
    def width(self) -> int:
        """Pixels across."""
        return self.span.width * self.tile_px

    @property
    def height(self) -> int:
        """Pixels down."""
        return self.span.height * self.tile_px

    def read(self, bands: tuple[int, ...], window: Any) -> Pixels:
        """Return bands of a window, `(bands, height, width)`."""
        return self._rgba(window)[[band - 1 for band in bands]]

    def read_masks(self, bands: tuple[int, ...], window: Any) -> Pixels:
        """Return alpha for each band."""
        return np.repeat(self._rgba(window)[3:], len(bands), axis=0)

    def close(self) -> None:
        """Forget the decoded tiles."""
        self.cache.clear()

    def _rgba(self, window: Any) -> Pixels:
        wanted = Window(*(int(number) for number in window.flatten()))
        result = np.zeros((4, wanted.height, wanted.width), np.uint8)
        size = self.tile_px
        for row in range(wanted.row // size, -(-wanted.bottom // size)):
            for col in range(wanted.col // size, -(-wanted.right // size)):
                tile = self._tile(col + self.span.col, row + self.span.row)
                if tile is None:
                    continue
                whole = Window(col * size, row * size, size, size)
                part = whole.intersection(wanted)
                rows, cols = part.slices_in(whole)
                into_rows, into_cols = part.slices_in(wanted)
                result[:, into_rows, into_cols] = tile[:, rows, cols]
        return result

    def _tile(self, x: int, y: int) -> Pixels | None:
        if (x, y) not in self.cache:
            self.cache[x, y] = self._decode(x, y)
            while len(self.cache) > _CACHED_TILES:
                self.cache.popitem(last=False)
        self.cache.move_to_end((x, y))
        return self.cache[x, y]

    def _decode(self, x: int, y: int) -> Pixels | None:
        encoded = self.archive.get(self.zoom, x, y)
        if encoded is None:
            return None
        name = f"{self.archive.path}: tile {self.zoom}/{x}/{y}"
        pixels = decode_tile(encoded, name)
        if pixels.shape[1:] != (self.tile_px, self.tile_px):
            height, width = pixels.shape[1:]
            raise SourceError(
                f"{name} is {width} x {height} px, others are {self.tile_px} x {self.tile_px}: make all tiles one size"
            )
        return pixels


def decode_tile(encoded: bytes, name: str) -> Pixels:
    """Return the colours and alpha of an encoded tile, `(4, height, width)`.

    Raises:
        SourceError: If it is no picture.
    """
    try:
        with Image.open(io.BytesIO(encoded)) as image:
            if is_deep(image):
                raise SourceError(f"{name} has values of more than 8 bits: make tiles of 8-bit colours")
            return np.ascontiguousarray(np.asarray(image.convert("RGBA")).transpose(2, 0, 1))
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise SourceError(f"{name} is no picture ({error}): make or copy the archive again") from error


@dataclass(frozen=True, slots=True, kw_only=True)
class TileZoom:
    """What a thread needs to open a mosaic."""

    path: Path
    """The archive."""

    zoom: int
    """Which zoom, as the archive counts."""

    tile_px: int
    """Side of its tiles."""

    span: Window
    """Its columns and rows of tiles."""

    def open(self, key: str) -> Mosaic:
        """Open the archive.

        Raises:
            SourceError: If it is gone or damaged.
        """
        archive = open_archive(self.path)
        if archive is None:
            raise SourceError(f"{self.path}: cannot be opened any more: it changed since the run began")
        return Mosaic(archive, self.zoom, self.tile_px, self.span, OrderedDict())
