"""How far parallel worlds are apart, pixel by pixel."""

import hashlib
import json
from dataclasses import dataclass

import numpy as np

from earthloom.geo.grid import Grid
from earthloom.geo.windows import Window
from earthloom.io.raster import Raster
from earthloom.io.source import Source


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """Standard deviation over worlds, the mean of their bands, in the pixels' own units (0..255)."""

    worlds: tuple[Source, ...]
    """At least two, on one grid."""

    bands: int = 1
    """The deviation."""

    dtype: str = "uint8"
    """Rounded."""

    @property
    def grid(self) -> Grid:
        """The worlds' plane."""
        return self.worlds[0].grid

    @property
    def identity(self) -> str:
        """Hash of what decides the pixels."""
        return hashlib.sha256(json.dumps(["spread", *(world.identity for world in self.worlds)]).encode()).hexdigest()

    def read(self, window: Window) -> Raster:
        """Compare a window of all worlds; known where all are."""
        rasters = [world.read(window) for world in self.worlds]
        pixels = np.stack([raster.pixels for raster in rasters]).astype(np.float32)
        spread_1HW = pixels.std(axis=0, ddof=1).mean(axis=0, keepdims=True)
        known = np.logical_and.reduce([raster.mask for raster in rasters])
        return Raster(np.rint(spread_1HW).clip(0, 255).astype(np.uint8), known)
