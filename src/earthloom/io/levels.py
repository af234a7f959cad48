"""What a sink writes: a window of a source, read in small pieces."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from earthloom.geo.windows import Window
from earthloom.io.raster import Raster
from earthloom.io.source import Source

PIECE_PX = 512
"""Side of the pieces that are read and written: memory does not grow with the output."""

Advance = Callable[[int], None]
"""Told how many pieces were just written."""


@dataclass(frozen=True, slots=True)
class Level:
    """One scale of an output."""

    zoom: int | None
    """Zoom of 512-px tiles; None off the web map, for plain images and other grids."""

    source: Source
    """Gives the pixels: uint8, three bands; a COG also takes one."""

    window: Window
    """Which pixels to write, on the source's grid."""


def pieces(level: Level) -> Iterator[Window]:
    """Give the pieces of a level row by row, anchored at its corner."""
    window = level.window
    for row in range(window.row, window.bottom, PIECE_PX):
        for col in range(window.col, window.right, PIECE_PX):
            yield Window.spanning(col, row, min(col + PIECE_PX, window.right), min(row + PIECE_PX, window.bottom))


def count_pieces(level: Level) -> int:
    """Return how many pieces `pieces` gives."""
    return -(-level.window.width // PIECE_PX) * -(-level.window.height // PIECE_PX)


def rgba(raster: Raster) -> np.ndarray[tuple[int, int, int], np.dtype[np.uint8]]:
    """Return `(height, width, 4)`; what is masked is transparent black."""
    alpha = raster.mask.astype(np.uint8) * np.uint8(255)
    colours = np.where(raster.mask, raster.pixels, np.uint8(0))
    return np.ascontiguousarray(np.concatenate([colours, alpha[None]]).transpose(1, 2, 0))
