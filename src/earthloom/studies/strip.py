"""Pictures in memory as one source: a row of them on an endless plane, so that each has a place and noise of its own.

Letters: N pictures, H W pixels, 3 RGB.
"""

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np
from affine import Affine
from numpy.typing import NDArray

from earthloom.geo.grid import Grid
from earthloom.geo.windows import Window
from earthloom.io.raster import Raster


@dataclass(frozen=True, kw_only=True, eq=False)
class Strip:
    """Pictures of one size from column 0 on, unknown ground around them."""

    pictures_NHW3: NDArray[np.uint8]
    """In their order from left to right."""

    gap_px: int = 0
    """Columns without ground after each; wide enough, no window sees two pictures."""

    bands: ClassVar[int] = 3
    """RGB."""

    dtype: ClassVar[str] = "uint8"
    """0..255."""

    @property
    def grid(self) -> Grid:
        """A plane without a place or an end."""
        return Grid(crs=None, transform=Affine.identity())

    @cached_property
    def identity(self) -> str:
        """Hash of shape, gap and pixels."""
        head = f"strip {self.pictures_NHW3.shape} {self.gap_px}".encode()
        return hashlib.sha256(head + self.pictures_NHW3.tobytes()).hexdigest()

    def window(self, index: int) -> Window:
        """Return where a picture lies."""
        _, height, width, _ = self.pictures_NHW3.shape
        return Window(index * (width + self.gap_px), 0, width, height)

    def windows(self) -> list[Window]:
        """Return where each picture lies."""
        return [self.window(index) for index in range(len(self.pictures_NHW3))]

    def read(self, window: Window) -> Raster:
        """Read any window; only the pictures are known ground."""
        raster = Raster.empty(self.bands, window.height, window.width, self.dtype)
        pitch_px = self.window(1).col
        touched = range(max(0, window.col // pitch_px), min(len(self.pictures_NHW3), -(-window.right // pitch_px)))
        for index in touched:
            place = self.window(index)
            if place.intersects(window):
                shared = place.intersection(window)
                rows, cols = shared.slices_in(place)
                there = shared.slices_in(window)
                raster.pixels[:, *there] = self.pictures_NHW3[index, rows, cols].transpose(2, 0, 1)
                raster.mask[there] = True
        return raster
