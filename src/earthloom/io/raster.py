"""Pixels with a mask: the one value that travels between sources, steps and sinks."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from earthloom.errors import ShapeError
from earthloom.geo.windows import Window


@dataclass(frozen=True, slots=True, eq=False)
class Raster:
    """Pixels of one window and which of them are real."""

    pixels: NDArray[Any]
    """`(bands, height, width)`, any dtype; what lies under a False mask means nothing and is 0."""

    mask: NDArray[np.bool_]
    """`(height, width)`, True where the ground is known."""

    def __post_init__(self) -> None:
        """Reject pixels and mask that do not fit."""
        if self.pixels.ndim != 3 or self.mask.dtype != np.bool_ or self.pixels.shape[1:] != self.mask.shape:
            raise ShapeError(
                f"want pixels (bands, height, width) and a bool mask (height, width), "
                f"got {self.pixels.shape} and {self.mask.dtype} {self.mask.shape}"
            )

    def crop(self, inner: Window, outer: Window) -> "Raster":
        """Cut `inner` out of this raster, which covers `outer`."""
        rows, cols = inner.slices_in(outer)
        return Raster(self.pixels[:, rows, cols], self.mask[rows, cols])

    @classmethod
    def empty(cls, bands: int, height: int, width: int, dtype: str) -> "Raster":
        """Return all-masked zeros."""
        return cls(np.zeros((bands, height, width), dtype), np.zeros((height, width), np.bool_))
