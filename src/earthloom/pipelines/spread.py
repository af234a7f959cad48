"""How far parallel worlds are apart, pixel by pixel: a layer over the last stage of each."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from earthloom.io.raster import Raster
from earthloom.loom.layer import Layer, StepFunction

BLOCK_PX = 512


@dataclass(frozen=True, slots=True)
class Spread:
    """Standard deviation over worlds, the mean of the bands, in the pixels' own units (0..255)."""

    identity: str = "standard deviation over worlds"

    def load(self) -> StepFunction:
        """Return the function."""
        return lambda sights: [_spread(sight.inputs) for sight in sights]


def spread_layer(worlds: Sequence[Layer]) -> Layer:
    """Return the standard deviation of layers on one grid: one uint8 band, known where all are."""
    return Layer(
        name="standard deviation",
        grid=worlds[0].grid,
        inputs=tuple(worlds),
        step=Spread(),
        block_px=BLOCK_PX,
        bands=1,
    )


def _spread(worlds: Sequence[Raster]) -> Raster:
    pixels = np.stack([world.pixels for world in worlds]).astype(np.float32)
    spread_1HW = pixels.std(axis=0, ddof=1).mean(axis=0, keepdims=True)
    known = np.logical_and.reduce([world.mask for world in worlds])
    return Raster(np.rint(spread_1HW).clip(0, 255).astype(np.uint8), known)
