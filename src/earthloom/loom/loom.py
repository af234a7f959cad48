"""The engine: finds which blocks a reading needs, makes the missing ones level by level, and reads them back."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import reduce
from itertools import islice
from typing import TypeVar

import numpy as np

from earthloom.errors import InterruptedRunError, ShapeError
from earthloom.execution.executor import Executor, Threads
from earthloom.geo.grid import Grid
from earthloom.geo.windows import Window
from earthloom.io.raster import Raster
from earthloom.io.source import Source
from earthloom.loom.blend import blend, profile
from earthloom.loom.layer import Block, Input, Layer, Sight, StepFunction
from earthloom.loom.store import Store

Progress = Callable[[str, int, int], None]
"""Called with (layer name, blocks done, blocks in all) after each block; of a very large area all is an estimate."""

Item = TypeVar("Item")

_STRIP_BLOCKS = 4
"""Columns woven before the next ones are begun."""

_PLANNED_BLOCKS = 256
"""Side of the squares of blocks that an area is planned in, so that no plan holds all of a large one."""


@dataclass(frozen=True, slots=True)
class Task:
    """Blocks of one layer that one call of its step makes: the call batch, the last one padded by repeating."""

    layer: Layer
    blocks: tuple[Block, ...]


class Loom:
    """Weaves layers into a store. Memory depends on block size, batch and workers, never on the area."""

    def __init__(
        self, store: Store, executor: Executor | None = None, *, batch: int = 1, progress: Progress | None = None
    ) -> None:
        """Bind a store and an executor.

        Args:
            store: Where finished blocks live.
            executor: Who runs the tasks; one thread if absent.
            batch: Windows a call of a step gets; 1 on CPUs, so that bytes do not depend on it.
            progress: Told of every finished block.
        """
        self.store = store
        self._executor: Executor = executor or Threads(1)
        self._batch = batch
        self._progress = progress

    def open(self, layer: Layer) -> "Woven":
        """Return the source of a layer: reading a window makes what is missing."""
        return Woven(self, layer)

    def plan(self, layer: Layer, window: Window) -> list[tuple[Layer, list[Block]]]:
        """Return the missing blocks below a window, deepest layer first: the cone of dependencies.

        Each layer is looked at once, however many others read it.
        """
        wanted = {layer.identity: dict.fromkeys(layer.blocks(window))}
        plan: list[tuple[Layer, list[Block]]] = []
        for current in reversed(_stack(layer)):
            missing = self.store.missing(current, wanted.pop(current.identity))
            for source, ratio in zip(current.inputs, current.ratios, strict=True):
                if isinstance(source, Layer):
                    windows = (current.window_of(block).pad(current.halo_px).scaled(ratio) for block in missing)
                    needed = wanted.setdefault(source.identity, {})
                    needed.update((block, None) for each in windows for block in source.blocks(each))
            if missing:
                plan.append((current, missing))
        return plan[::-1]

    def make(self, layer: Layer, window: Window) -> None:
        """Make and store every missing block that a window of a layer needs.

        Raises:
            InterruptedRunError: On Ctrl-C, after the blocks in flight are stored.
        """
        done, planned = Counter[str](), Counter[str]()
        for part, share in window.parts(_PLANNED_BLOCKS * layer.block_px):
            for current, blocks in self.plan(layer, part):
                planned[current.identity] += len(blocks)
                try:
                    for num in self._weave(current, blocks):
                        done[current.identity] += num
                        if self._progress is not None:
                            total = round(planned[current.identity] / share)
                            self._progress(current.name, done[current.identity], total)
                except KeyboardInterrupt as interrupt:
                    raise InterruptedRunError(f"interrupted in layer {current.name}") from interrupt

    def _weave(self, layer: Layer, blocks: list[Block]) -> Iterator[int]:
        """Make and store blocks of a layer; give how many, task by task."""
        tasks = (Task(layer, chunk) for chunk in _chunks(sorted(blocks, key=_strip_by_strip), self._batch))
        for task, rasters in self._executor.run(_Maker(layer, self.store, self._batch), tasks):
            for block, raster in zip(task.blocks, rasters, strict=True):
                self.store.put(layer, block, raster)
            yield len(task.blocks)

    def invalidate(self, layer: Layer, source: Source, window: Window) -> Window | None:
        """Forget exactly the blocks of a stack that may have seen a window of `source`, after that ground was edited.

        Args:
            layer: The top of the stack.
            source: An input somewhere below it.
            window: What was edited, on the grid of `source`.

        Returns:
            The ground of `layer` that will be made anew; None if it never sees the window.
        """
        anew: dict[str, Window] = {}
        for current in _stack(layer):
            reached = []
            for below, ratio in zip(current.inputs, current.ratios, strict=True):
                edited = window if below.identity == source.identity else anew.get(below.identity)
                if edited is not None:
                    reached.append(edited.scaled(1 / ratio).pad(current.halo_px))
            if reached:
                blocks = list(current.cells(reduce(Window.union, reached)))
                self.store.drop(current, blocks)
                anew[current.identity] = current.kept(blocks[0]).union(current.kept(blocks[-1]))
        return anew.get(layer.identity)


@dataclass(frozen=True, slots=True)
class Woven:
    """A layer as a source: small windows are made when read, large areas are best made first."""

    loom: Loom
    layer: Layer

    @property
    def grid(self) -> Grid:
        """The layer's plane."""
        return self.layer.grid

    @property
    def bands(self) -> int:
        """Bands of every read."""
        return self.layer.bands

    @property
    def dtype(self) -> str:
        """Numpy name of the pixels' type."""
        return self.layer.dtype

    @property
    def identity(self) -> str:
        """The layer's hash."""
        return self.layer.identity

    def read(self, window: Window) -> Raster:
        """Return any window, making the missing blocks first."""
        self.loom.make(self.layer, window)
        return _assemble(self.loom.store, self.layer, window)


@dataclass(frozen=True, slots=True)
class _Maker:
    """Builds the worker of one layer: called once a process, loads the step's weights."""

    layer: Layer
    store: Store
    batch: int

    def __call__(self) -> Callable[[Task], list[Raster]]:
        function = self.layer.step.load()
        return lambda task: self._run(function, task)

    def _run(self, function: StepFunction, task: Task) -> list[Raster]:
        sights = {block: self._see(block) for block in task.blocks}
        seen = [block for block in task.blocks if _has_ground(sights[block])]
        made: dict[Block, Raster] = {}
        if seen:
            padded = [sights[block] for block in seen] + [sights[seen[-1]]] * (self.batch - len(seen))
            made = dict(zip(seen, function(padded), strict=False))
        return [self._own(block, sights[block].window, made.get(block)) for block in task.blocks]

    def _see(self, block: Block) -> Sight:
        window = self.layer.window_of(block).pad(self.layer.halo_px)
        inputs = zip(self.layer.inputs, self.layer.ratios, strict=True)
        return Sight(window, tuple(self._read(source, window.scaled(ratio)) for source, ratio in inputs))

    def _read(self, source: Input, window: Window) -> Raster:
        return _assemble(self.store, source, window) if isinstance(source, Layer) else source.read(window)

    def _own(self, block: Block, window: Window, raster: Raster | None) -> Raster:
        layer = self.layer
        if raster is None:
            kept = layer.kept(block)
            return Raster.empty(layer.bands, kept.height, kept.width, layer.dtype)
        expected = (layer.bands, window.height, window.width)
        if raster.pixels.shape != expected or raster.pixels.dtype != layer.dtype:
            raise ShapeError(
                f"the step of layer {layer.name!r} gave {raster.pixels.dtype} {raster.pixels.shape}, "
                f"want {layer.dtype} {expected}"
            )
        own = raster.crop(layer.kept(block), window)
        return Raster(np.where(own.mask, own.pixels, np.zeros((), layer.dtype)), own.mask)


def _stack(layer: Layer) -> list[Layer]:
    """Return a layer and all below it, each once, after everything that it reads."""
    found: dict[str, Layer] = {}

    def visit(current: Layer) -> None:
        if current.identity not in found:
            for source in current.inputs:
                if isinstance(source, Layer):
                    visit(source)
            found[current.identity] = current

    visit(layer)
    return list(found.values())


def _strip_by_strip(block: Block) -> tuple[int, Block]:
    """Order blocks so that what neighbours both see is still in memory, however wide the raster is."""
    return block[1] // _STRIP_BLOCKS, block


def _has_ground(sight: Sight) -> bool:
    return not sight.inputs or any(raster.mask.any() for raster in sight.inputs)


def _assemble(store: Store, layer: Layer, window: Window) -> Raster:
    if layer.overlap_px:
        pieces = ((layer.kept(block), store.get(layer, block)) for block in layer.blocks(window))
        return blend(pieces, window, profile(layer.blend, layer.block_px, layer.overlap_px), layer.bands, layer.dtype)
    result = Raster.empty(layer.bands, window.height, window.width, layer.dtype)
    for block in layer.blocks(window):
        whole = layer.window_of(block)
        part = whole.intersection(window)
        piece = store.get(layer, block).crop(part, whole)
        rows, cols = part.slices_in(window)
        result.pixels[:, rows, cols] = piece.pixels
        result.mask[rows, cols] = piece.mask
    return result


def _chunks(items: Iterable[Item], size: int) -> Iterator[tuple[Item, ...]]:
    remaining = iter(items)
    while chunk := tuple(islice(remaining, size)):
        yield chunk
