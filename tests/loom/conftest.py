"""An endless source whose every pixel is known by formula, and steps slow enough to check by hand."""

from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
import pytest
from affine import Affine

from earthloom.geo.grid import Grid
from earthloom.geo.windows import Window
from earthloom.io.raster import Raster
from earthloom.loom.layer import Sight, StepFunction


@dataclass(frozen=True)
class Formula:
    """Pixel (col, row) is (3 col + 5 row + 7 band) mod 251; masked off the extent and on every 11th diagonal."""

    grid: Grid
    bands: int = 3
    dtype: str = "uint8"
    identity: str = "formula"

    def read(self, window: Window) -> Raster:
        rows, cols = np.mgrid[window.row : window.bottom, window.col : window.right]
        pixels = np.stack([(3 * cols + 5 * rows + 7 * band) % 251 for band in range(3)]).astype(np.uint8)
        mask = (cols + rows) % 11 != 0
        extent = self.grid.extent
        if extent is not None:
            mask &= (cols >= extent.col) & (cols < extent.right) & (rows >= extent.row) & (rows < extent.bottom)
        return Raster(pixels * mask, mask)


@dataclass(frozen=True)
class Same:
    """Gives its input back."""

    identity: str = "same"

    def load(self) -> StepFunction:
        return lambda sights: [sight.inputs[0] for sight in sights]


@dataclass(frozen=True)
class Blur:
    """Mean of 3 x 3 integers, so a window needs one pixel of halo."""

    identity: str = "blur"

    def load(self) -> StepFunction:
        return lambda sights: [self.one(sight) for sight in sights]

    def one(self, sight: Sight) -> Raster:
        return blur(sight.inputs[0])


def blur(raster: Raster) -> Raster:
    padded = np.pad(raster.pixels.astype(int), ((0, 0), (1, 1), (1, 1)))
    height, width = raster.mask.shape
    total = sum(padded[:, r : r + height, c : c + width] for r in range(3) for c in range(3))
    return Raster((total // 9).astype(np.uint8), raster.mask)


@dataclass(frozen=True)
class Pick:
    """Every second pixel: from a grid twice as fine."""

    identity: str = "pick"

    def load(self) -> StepFunction:
        return lambda sights: [Raster(s.inputs[0].pixels[:, ::2, ::2], s.inputs[0].mask[::2, ::2]) for s in sights]


@dataclass(frozen=True)
class Repeat:
    """Every pixel four times along both axes: from a grid four times as coarse."""

    identity: str = "repeat"

    def load(self) -> StepFunction:
        return lambda sights: [self.one(sight) for sight in sights]

    def one(self, sight: Sight) -> Raster:
        coarse, window = sight.inputs[0], sight.window
        rows = np.arange(window.row, window.bottom) // 4 - window.row // 4
        cols = np.arange(window.col, window.right) // 4 - window.col // 4
        return Raster(coarse.pixels[:, rows[:, None], cols], coarse.mask[rows[:, None], cols])


def grid(res: float = 1.0, extent: Window | None = None) -> Grid:
    return Grid(crs="EPSG:3857", transform=Affine(res, 0, 100.0, 0, -res, 900.0), extent=extent)


def equal(a: Raster, b: Raster) -> bool:
    return np.array_equal(a.mask, b.mask) and np.array_equal(a.pixels * a.mask, b.pixels * b.mask)


@pytest.fixture
def fake() -> SimpleNamespace:
    return SimpleNamespace(
        Formula=Formula, Same=Same, Blur=Blur, Pick=Pick, Repeat=Repeat, blur=blur, grid=grid, equal=equal
    )
