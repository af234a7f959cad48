"""A Layer says what a raster is made of; its hash is its identity, and nothing is computed until somebody reads."""

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from typing import Protocol, Union

from earthloom.errors import ShapeError
from earthloom.geo.grid import Grid
from earthloom.geo.windows import Window
from earthloom.io.raster import Raster
from earthloom.io.source import Source
from earthloom.loom.blend import Profile

Block = tuple[int, int]
"""(row, col) of a block on its layer's lattice."""


@dataclass(frozen=True, slots=True)
class Sight:
    """What a step sees of one window: where it is, and each input over the same ground."""

    window: Window
    """The block and its halo on the layer's grid."""

    inputs: tuple[Raster, ...]
    """Each input over that ground, at the input's own resolution (snapped outward)."""


StepFunction = Callable[[Sequence[Sight]], Sequence[Raster]]
"""Turns sights into rasters that cover their windows, one each, on the layer's grid."""


class Step(Protocol):
    """A picklable description of what turns inputs into pixels."""

    @property
    def identity(self) -> str:
        """Everything that decides its pixels: model sha256, parameters, device type, precision."""
        ...

    def load(self) -> StepFunction:
        """Load weights and return the function, safe to call from several threads."""
        ...


Input = Union[Source, "Layer"]


@dataclass(frozen=True, kw_only=True)
class Layer:
    """A raster on a grid, made block by block by one step from the layers and sources below it."""

    name: str
    """What people call it, e.g. `z17`; no part of the identity."""

    grid: Grid
    """The plane it lies on; beyond its extent, where it has one, all is masked."""

    inputs: tuple[Input, ...]
    """What the step reads; their grids share this one's CRS and corner at a whole ratio."""

    step: Step
    """What makes the pixels."""

    block_px: int
    """Side of a block: what one task adds to the store."""

    halo_px: int = 0
    """Pixels a window reaches beyond its block on each side, cut off again after the step."""

    overlap_px: int = 0
    """Pixels beyond its block that a stored window keeps on each side; where windows meet, a reading blends them."""

    blend: Profile = "linear"
    """How much a window counts along each axis where it overlaps others; see `blend.profile`."""

    lattice_px: int = 0
    """Where the lattice's corner lies, (n, n); shifting it by half a block is how seams are measured."""

    bands: int = 3
    """Bands of the result."""

    dtype: str = "uint8"
    """Numpy name of the result's type."""

    def __post_init__(self) -> None:
        """Reject an empty block and inputs whose grids do not nest."""
        if self.block_px <= 0 or self.halo_px < 0:
            raise ShapeError(
                f"layer {self.name!r} needs block_px > 0 and halo_px >= 0, got {self.block_px}, {self.halo_px}"
            )
        if not 0 <= self.overlap_px <= self.halo_px:
            raise ShapeError(f"layer {self.name!r} keeps {self.overlap_px} px of a halo of {self.halo_px} px")
        _ = self.ratios

    @cached_property
    def ratios(self) -> tuple[Fraction, ...]:
        """Pixels of each input along one pixel here: 2 for a layer half as fine, 1/4 for one four times finer."""
        return tuple(self.grid.ratio_to(source.grid) for source in self.inputs)

    @cached_property
    def identity(self) -> str:
        """Hash of everything that decides the pixels; the extent does not, so a part equals a part of the whole."""
        parts = [
            self.grid.crs,
            list(self.grid.transform)[:6],
            [source.identity for source in self.inputs],
            self.step.identity,
            [self.block_px, self.halo_px, self.lattice_px, self.bands, self.dtype],
            [self.overlap_px, self.blend],
        ]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()

    def shifted(self, keep: "Layer | None" = None) -> "Layer":
        """Return the stack with every lattice moved by half a block: whole where this layer has its seams.

        What lies below `keep`, itself included, stays as it is: then it is this part's seams that are looked for.
        """
        below = tuple(
            each.shifted(keep) if isinstance(each, Layer) and each is not keep else each for each in self.inputs
        )
        return replace(self, name=f"{self.name} shifted", inputs=below, lattice_px=self.lattice_px + self.block_px // 2)

    def window_of(self, block: Block) -> Window:
        """Return a block's own pixels."""
        row, col = block
        size = self.block_px
        return Window(col * size + self.lattice_px, row * size + self.lattice_px, size, size)

    def kept(self, block: Block) -> Window:
        """Return what the store holds of a block: its own pixels and the overlap."""
        return self.window_of(block).pad(self.overlap_px)

    def blocks(self, window: Window) -> Iterator[Block]:
        """Give the blocks of whose kept pixels a window shows any, row by row; none off the grid's extent."""
        extent = self.grid.extent
        if extent is not None:
            if not window.intersects(extent):
                return
            window = window.intersection(extent)
        yield from self.cells(window.pad(self.overlap_px))

    def cells(self, window: Window) -> Iterator[Block]:
        """Give the blocks whose own pixels a window touches, row by row."""
        size, start = self.block_px, self.lattice_px
        for row in range((window.row - start) // size, (window.bottom - 1 - start) // size + 1):
            for col in range((window.col - start) // size, (window.right - 1 - start) // size + 1):
                yield row, col
