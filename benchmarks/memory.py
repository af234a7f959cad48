"""Does memory stay flat while the map grows? And how long is a plan of a hundred thousand windows?

    python benchmarks/memory.py [--quick]

Each figure is from a fresh process:
1. `earthloom map` of 64 Mpx over 4 Mpx, five zooms to COGs and PMTiles, with untrained tiny generators, so that no
   large network hides what grows;
2. a virtual raster of 100,000 x 100,000 px through the loom, its blocks given back as they are, into a sink that
   drops them (the store takes some GB of the temporary folder);
3. the plan of a stack of five zooms, a hundred thousand windows in all.
"""

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import numpy as np
from affine import Affine
from measuring import CORES, Figure, in_fresh_process, parser, peak_mb, report, write_ground

from earthloom.geo.grid import Grid
from earthloom.geo.windows import Window
from earthloom.io.raster import Raster

BLOCK_PX = 512
GRID = Grid(crs=None, transform=Affine.identity())


@dataclass(frozen=True)
class Plain:
    """An endless raster: one colour a 64-px square, known from its place."""

    grid: Grid = GRID
    bands: int = 3
    dtype: str = "uint8"
    identity: str = "plain"

    def read(self, window: Window) -> Raster:
        """Return any window."""
        rows, cols = np.arange(window.row, window.bottom) // 64, np.arange(window.col, window.right) // 64
        colour_HW = ((rows[:, None] * 31 + cols * 17) % 251).astype(np.uint8)
        return Raster(np.repeat(colour_HW[None], 3, axis=0), np.ones(colour_HW.shape, np.bool_))


@dataclass(frozen=True)
class Same:
    """Gives its input back."""

    identity: str = "same"

    def load(self) -> Callable[..., list[Raster]]:
        """Return the step."""
        return lambda sights: [sight.inputs[0] for sight in sights]


def main() -> None:
    """Measure and print."""
    made = parser(__doc__)
    made.add_argument("--one", nargs=2, metavar=("WHAT", "SIZE"), help="Measure one thing in this process.")
    args = made.parse_args()
    if args.one:
        what, size = args.one
        print(json.dumps({"map": drawn_mb, "virtual": virtual_mb, "plan": planned_s}[what](int(size))))
        return
    small, large, virtual, blocks = (512, 1024, 4_000, 1_000) if args.quick else (2048, 8192, 100_000, 100_000)
    one = {side: in_fresh_process(__file__, "--one", "map", side) for side in (small, large)}
    huge = in_fresh_process(__file__, "--one", "virtual", virtual)
    plan = in_fresh_process(__file__, "--one", "plan", blocks)
    figures = [
        Figure(f"peak of a map of {large}^2 px / {small}^2 px", one[large]["mb"] / one[small]["mb"], at_most=1.10),
        Figure(f"peak of {virtual}^2 px, in GB", huge["mb"] / 1000, at_most=2),
        Figure(f"seconds to plan {plan['windows']} windows", plan["seconds"], at_most=2),
    ]
    report("memory", figures, quick=args.quick, maps=one, virtual=huge)


def drawn_mb(side_px: int) -> dict[str, float]:
    """Draw a map of a real picture of so many pixels a side; give peak memory and time."""
    from earthloom.cartography.style import STYLE
    from earthloom.io.inputs import inspect
    from earthloom.models.pix2pixhd.config import PRESETS
    from earthloom.models.registry import build
    from earthloom.models.weights import save
    from earthloom.pipelines.device import Device
    from earthloom.pipelines.map import MapOptions, draw_map
    from earthloom.pipelines.series import SeriesWeights

    with TemporaryDirectory() as name:
        folder = Path(name)
        for part, role in (("r2m-17", "r2m"), ("m2m", "m2m")):
            meta = {"role": role, "palette": [list(rgb) for rgb in STYLE.palette], "licence": "CC0-1.0"}
            save(folder / "tiny" / part, PRESETS["tiny"], build(PRESETS["tiny"], "generator"), meta=meta)
        write_ground(folder / "ground.tif", side_px, side_px)
        start = perf_counter()
        options = MapOptions(zooms=(17, 13), device=Device.choose("cpu"), workers=CORES)
        weights = SeriesWeights.read(str(folder / "tiny"))
        draw_map(inspect(folder / "ground.tif"), [folder / "a.tif", folder / "a.pmtiles"], weights, options)
        return {"mb": round(peak_mb(), 1), "seconds": round(perf_counter() - start, 1)}


def virtual_mb(side_px: int) -> dict[str, float]:
    """Weave a virtual raster and read it piece by piece; give peak memory and time."""
    from earthloom.execution.executor import Threads
    from earthloom.io.levels import Level, pieces
    from earthloom.loom.layer import Layer
    from earthloom.loom.loom import Loom
    from earthloom.loom.store import Store

    layer = Layer(name="virtual", grid=GRID, inputs=(Plain(),), step=Same(), block_px=BLOCK_PX, halo_px=16)
    area, start = Window(-side_px // 2, 0, side_px, side_px), perf_counter()
    with TemporaryDirectory() as folder, Store(Path(folder) / "parts") as store:
        woven = Loom(store, Threads(CORES)).open(layer)
        woven.loom.make(layer, area)
        for piece in pieces(Level(zoom=None, source=woven, window=area)):
            woven.read(piece)
    return {"mb": round(peak_mb(), 1), "seconds": round(perf_counter() - start, 1), "gpx": side_px**2 / 1e9}


def planned_s(num_windows: int) -> dict[str, float]:
    """Plan five zooms over fresh ground, about so many windows in all."""
    from earthloom.loom.layer import Layer
    from earthloom.loom.loom import Loom
    from earthloom.loom.store import Store

    below: object = Plain()
    for step in range(5):
        grid = Grid(crs=None, transform=Affine.scale(2**step))
        halo_px = 107 if step else 271
        below = Layer(name=f"z{17 - step}", grid=grid, inputs=(below,), step=Same(), block_px=BLOCK_PX, halo_px=halo_px)
    side_px = round((0.6 * num_windows) ** 0.5) * BLOCK_PX // 16
    with TemporaryDirectory() as folder, Store(Path(folder) / "parts") as store:
        start = perf_counter()
        plan = Loom(store).plan(below, Window(0, 0, side_px, side_px))
        seconds = perf_counter() - start
    return {"windows": sum(len(blocks) for _, blocks in plan), "seconds": round(seconds, 3)}


if __name__ == "__main__":
    sys.exit(main())
