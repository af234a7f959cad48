"""What the loom costs beside the network it runs, and what a second worker gains.

    python benchmarks/weave.py [--quick]

Zoom 17 of the bundled image by the shipped weights, from the file to the store, over the forward passes of the same
windows, prepared beforehand, in one thread of this process; then with two workers over one. One run.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import torch
from measuring import CORES, SAMPLE, Figure, parser, report
from torch import Tensor, nn

from earthloom.data.pixels import to_unit
from earthloom.execution.executor import Threads
from earthloom.geo.windows import Window
from earthloom.io.inputs import inspect
from earthloom.io.raster import Raster
from earthloom.loom.layer import Layer
from earthloom.loom.loom import Loom
from earthloom.loom.store import Store
from earthloom.models.names import SHIPPED
from earthloom.models.weights import load
from earthloom.pipelines.device import Device
from earthloom.pipelines.draw import Drawer, seen
from earthloom.pipelines.series import SeriesWeights, Zooms, map_window, series_layers


def main() -> None:
    """Measure and print."""
    args = parser(__doc__).parse_args()
    layer, area = ground(quick=args.quick)
    rasters = [layer.inputs[0].read(layer.window_of(block).pad(layer.halo_px)) for block in layer.blocks(area)]  # type: ignore[union-attr]
    drawer = SeriesWeights.read("series-small").r2m
    inputs = [prepared(raster, drawer) for raster in rasters if raster.mask.any()]  # the loom runs none without ground
    network = load(SHIPPED / "series-small" / "r2m-17").module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    torch.set_num_threads(1)
    bare(network, inputs[:1])  # warm caches
    bare_s = seconds(lambda: bare(network, inputs))
    woven_s = {workers: seconds(lambda workers=workers: woven(layer, area, workers)) for workers in (1, 2)}
    figures = [
        Figure("loom -j 1 / bare forward passes", woven_s[1] / bare_s, at_most=1.05),
        Figure("speed -j 2 / -j 1", woven_s[1] / woven_s[2], at_least=1.8 if CORES > 1 else None),
    ]
    times = {"bare_s": round(bare_s, 2), **{f"j{n}_s": round(s, 2) for n, s in woven_s.items()}}
    report("weave", figures, quick=args.quick, windows=len(inputs), **times)


def ground(*, quick: bool) -> tuple[Layer, Window]:
    """Return zoom 17 of the sample and what to weave of it."""
    imagery, zooms = inspect(SAMPLE), Zooms(finest=17, coarsest=17, start=17)
    layer = series_layers(imagery, SeriesWeights.read("series-small"), zooms, Device.choose("cpu"))[17]
    area = map_window(imagery, 17)
    if not quick:
        return layer, area
    return replace(layer, block_px=64), Window(area.col + 1600, area.row + 1280, 192, 128)


def prepared(raster: Raster, drawer: Drawer) -> Tensor:
    """Return what the network is shown of a window."""
    x_1CHW = to_unit(torch.from_numpy(seen(raster, drawer))[None])
    return x_1CHW.contiguous(memory_format=torch.channels_last)


@torch.inference_mode()
def bare(network: nn.Module, inputs: list[Tensor]) -> None:
    """Run the forward passes."""
    for x_1CHW in inputs:
        network(x_1CHW)


def woven(layer: Layer, area: Window, workers: int) -> None:
    """Weave into a new store."""
    with TemporaryDirectory() as folder, Store(Path(folder) / "bench.parts") as store:
        Loom(store, Threads(workers)).make(layer, area)


def seconds(run: Callable[[], None]) -> float:
    """Return how long a call takes."""
    start = perf_counter()
    run()
    return perf_counter() - start


if __name__ == "__main__":
    main()
