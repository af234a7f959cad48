"""What the loom costs beside the network it runs: seconds woven over seconds of bare forward passes, in one run.

Run it as `make bench`. Prints one JSON object; ratios, because machines differ.
"""

import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import numpy as np
import torch
from affine import Affine

from earthloom.execution.executor import Threads
from earthloom.geo.grid import Grid
from earthloom.geo.windows import Window
from earthloom.io.raster import Raster
from earthloom.loom.layer import Layer, Sight, StepFunction
from earthloom.loom.loom import Loom
from earthloom.loom.store import Store
from earthloom.models.pix2pixhd.config import PRESETS
from earthloom.models.pix2pixhd.generator import build_generator
from earthloom.models.pix2pixhd.receptive_field import halo_px

CONFIG = PRESETS["small"]
BLOCK_PX, SIDE_BLOCKS = 512, 3
GRID = Grid(crs=None, transform=Affine.identity())


@dataclass(frozen=True)
class Noise:
    """Pixels drawn from the window's own place."""

    grid: Grid = GRID
    bands: int = 3
    dtype: str = "uint8"
    identity: str = "noise"

    def read(self, window: Window) -> Raster:
        """Return any window."""
        drawn = np.random.default_rng([window.row % 2**32, window.col % 2**32])
        pixels = drawn.integers(0, 256, (3, window.height, window.width), np.uint8)
        return Raster(pixels, np.ones((window.height, window.width), np.bool_))


@dataclass(frozen=True)
class Generate:
    """One forward pass a window."""

    identity: str = "generate"

    def load(self) -> StepFunction:
        """Build the network once."""
        forward = _network()
        return lambda sights: [forward(sight) for sight in sights]


def main() -> None:
    """Measure and print."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    torch.set_num_threads(1)
    layer = Layer(
        name="bench", grid=GRID, inputs=(Noise(),), step=Generate(), block_px=BLOCK_PX, halo_px=halo_px(CONFIG)
    )
    area = Window(0, 0, SIDE_BLOCKS * BLOCK_PX, SIDE_BLOCKS * BLOCK_PX)
    _bare(layer, Window(0, 0, 1, 1))  # warm caches
    bare_s = _seconds(lambda: _bare(layer, area))
    woven_s = {
        workers: _seconds(lambda workers=workers: _woven(layer, area, workers)) for workers in sorted({1, cores})
    }
    found = {f"woven -j{workers} / bare": round(seconds / bare_s, 3) for workers, seconds in woven_s.items()}
    print(json.dumps({"windows": SIDE_BLOCKS**2, "bare_s": round(bare_s, 2), **found}))


def _network() -> Callable[[Sight], Raster]:
    generator = build_generator(CONFIG).eval().to(memory_format=torch.channels_last)

    def forward(sight: Sight) -> Raster:
        torch.set_num_threads(1)
        pixels = torch.from_numpy(sight.inputs[0].pixels[None]).float().div(127.5).sub(1)
        with torch.inference_mode():
            classes = generator(pixels.contiguous(memory_format=torch.channels_last)).argmax(1)
        return Raster(classes.expand(3, -1, -1).numpy().astype(np.uint8), sight.inputs[0].mask)

    return forward


def _bare(layer: Layer, area: Window) -> None:
    forward = _network()
    windows: Sequence[Window] = [layer.window_of(block).pad(layer.halo_px) for block in layer.blocks(area)]
    for window in windows:
        forward(Sight(window, (Noise().read(window),)))


def _woven(layer: Layer, area: Window, workers: int) -> None:
    with TemporaryDirectory() as folder, Store(Path(folder) / "bench.parts") as store:
        Loom(store, Threads(workers)).make(layer, area)


def _seconds(run: Callable[[], None]) -> float:
    start = perf_counter()
    run()
    return perf_counter() - start


if __name__ == "__main__":
    main()
