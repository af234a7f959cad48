"""What a cascade costs: the network's share, the loom's, and what each way to merge windows adds.

    python benchmarks/cascade.py [--quick]

An untrained `small` (with --quick `tiny`), fp32, on the CPU:
1. windows in one call over windows one by one;
2. 50 steps of DDIM over 8 of DPM-Solver++;
3. `make_cascade` of 64 windows over 16, file to file with all cores, in fresh processes by turns, the fastest of each;
4. a tile a million windows away over the same tile at the origin: as many calls of the U-Net, or the script fails;
5. for every way to merge, the windows' worth of sampling that a block costs, alone and amid 256, and seconds a block.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from operator import itemgetter
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

from measuring import CORES, Figure, in_fresh_process, parser, peak_mb, report, write_ground
from memory import Plain
from torch.nn.modules.module import register_module_forward_pre_hook

from earthloom.execution.executor import Threads
from earthloom.geo.windows import Window
from earthloom.io.inputs import inspect
from earthloom.loom.layer import Layer, Sight
from earthloom.loom.loom import Loom
from earthloom.loom.store import Store
from earthloom.models.metaearth.config import FACTOR, PRESETS
from earthloom.models.metaearth.denoiser import build_denoiser
from earthloom.models.metaearth.unet import UNet
from earthloom.models.weights import save
from earthloom.pipelines.cascade import make_cascade
from earthloom.pipelines.cascade_plan import CascadeOptions
from earthloom.pipelines.denoise import CascadeWeights, Denoise
from earthloom.pipelines.device import Device
from earthloom.pipelines.stages import Sampling, cascade_layers

CPU = Device.choose("cpu")
STEPS, MANY = 8, 50
BATCH = 4
FEW = 2
"""Steps where the loom is measured: the less a window takes, the more of it is the loom."""
TURNS = 4

MERGES = {
    "crop": Sampling(steps=4),
    "hann": Sampling(steps=4, merge="hann"),
    "crop, 2 phases": Sampling(steps=4, phases=2),
    "hann, 2 phases": Sampling(steps=4, phases=2, merge="hann"),
    "crop, 4 phases": Sampling(steps=4, phases=4),
    "multidiffusion": Sampling(steps=4, merge="multidiffusion"),
}


def main() -> None:
    """Measure and print."""
    made = parser(__doc__)
    made.add_argument("--one", nargs=2, metavar=("WEIGHTS", "BLOCKS"), help="Measure a cascade in this process.")
    args = made.parse_args()
    if args.one:
        print(json.dumps(woven(Path(args.one[0]), int(args.one[1]))))
        return
    preset = "tiny" if args.quick else "small"
    with TemporaryDirectory() as name:
        folder = Path(name) / preset
        save(folder, PRESETS[preset], build_denoiser(PRESETS[preset]), meta={"licence": "CC0-1.0"}, network="denoiser")
        weights = CascadeWeights.read(str(folder))
        ratios = sampled(weights)
        runs = [in_fresh_process(__file__, "--one", folder, blocks) for _ in range(TURNS) for blocks in (4, 8)]
        tiles = {place: tile(weights, place) for place in (0, 1_000_000)}
        merges = {each: merged(weights, sampling) for each, sampling in MERGES.items()}
    assert tiles[0]["calls"] == tiles[1_000_000]["calls"], tiles
    few, many = (min(runs[side::2], key=itemgetter("s_a_window")) for side in (0, 1))
    figures = [
        *(Figure(f"seconds a window, {what}", value) for what, value in ratios.items()),
        Figure("seconds a window, 64 windows / 16", many["s_a_window"] / few["s_a_window"], at_most=1.1),
        Figure("peak memory, 64 windows / 16", many["mb"] / few["mb"], at_most=1.1),
        Figure("seconds of a tile, a million windows away / at the origin", tiles[1_000_000]["s"] / tiles[0]["s"]),
    ]
    facts = {"areas": runs, "tiles": tiles, "merges": merges}
    report("cascade", figures, quick=args.quick, preset=preset, **facts)


def sampled(weights: CascadeWeights) -> dict[str, float]:
    """Return the ratios of windows in one call, and of many steps."""
    side = weights.config.window_px
    sight = Sight(Window(0, 0, side, side), (Plain().read(Window(0, 0, side // FACTOR, side // FACTOR)),))

    def seconds(sampling: Sampling, count: int = 1) -> float:
        make = top(weights, sampling).step.load()
        return fastest(lambda: make([sight] * count)) / count

    quick, few, many = Sampling(steps=FEW), Sampling(steps=STEPS), Sampling(steps=MANY, sampler="ddim")
    return {
        f"{BATCH} in a call / one by one": seconds(quick, BATCH) / seconds(quick),
        f"{MANY} steps of ddim / {STEPS} of dpm": seconds(many) / seconds(few),
    }


def woven(folder: Path, blocks: int) -> dict[str, float]:
    """Make a picture of so many windows along each side, file to file."""
    weights = CascadeWeights.read(str(folder))
    side_px = blocks * weights.config.window_px // 2 // FACTOR
    options = CascadeOptions(device=CPU, workers=CORES, sampling=Sampling(steps=FEW))
    with TemporaryDirectory() as name:
        for side in (4, side_px):  # one window first: the weights are read
            image = Path(name) / f"{side}.tif"
            write_ground(image, side, side)
            start = perf_counter()
            make_cascade(inspect(image), image.with_suffix(".fine.tif"), weights, options)
        seconds = perf_counter() - start
    return {"windows": blocks**2, "s_a_window": round(seconds / blocks**2, 4), "mb": round(peak_mb(), 1)}


def tile(weights: CascadeWeights, windows_away: int) -> dict[str, float]:
    """Read one block from an empty store; give calls of the U-Net and seconds."""
    layer = top(weights, Sampling(steps=FEW, phases=2))
    corner = windows_away * layer.block_px
    with fresh_loom() as loom, unet_calls() as calls:
        start = perf_counter()
        loom.open(layer).read(Window(corner, corner, layer.block_px, layer.block_px))
        return {"calls": len(calls), "s": round(perf_counter() - start, 3)}


def merged(weights: CascadeWeights, sampling: Sampling) -> dict[str, float]:
    """Return windows' worth of sampling a block, from the plan, and seconds a block of four."""
    layer = top(weights, sampling)
    with fresh_loom() as loom:
        found = {f"windows a block, of {side**2}": cost(loom, layer, side) for side in (1, 2, 16)}
        start = perf_counter()
        loom.make(layer, square(layer, 2))
        return found | {"seconds a block, of 4": round((perf_counter() - start) / 4, 2)}


def cost(loom: Loom, layer: Layer, side: int) -> float:
    """Return how many whole windows a block of a square of blocks costs; a phase is a part of one."""
    steps = 0
    for each, blocks in loom.plan(layer, square(layer, side)):
        assert isinstance(each.step, Denoise)
        steps += len(blocks) * (len(each.step.times) - 1)
    return round(steps / MERGES["crop"].steps / side**2, 3)


def square(layer: Layer, side: int) -> Window:
    """Return a square of so many blocks a side."""
    return Window(0, 0, side * layer.block_px, side * layer.block_px)


def top(weights: CascadeWeights, sampling: Sampling) -> Layer:
    """Return one stage over endless ground."""
    return cascade_layers(Plain(), 16.0, 1, weights, sampling, seed=0, device=CPU)[-1]


@contextmanager
def fresh_loom() -> Iterator[Loom]:
    """Give a loom of all cores over an empty store."""
    with TemporaryDirectory() as folder, Store(Path(folder) / "parts") as store:
        yield Loom(store, Threads(CORES))


@contextmanager
def unet_calls() -> Iterator[list[None]]:
    """Give a list that grows by one at each call of a U-Net."""
    calls: list[None] = []
    hook = register_module_forward_pre_hook(lambda module, _: calls.append(None) if isinstance(module, UNet) else None)
    try:
        yield calls
    finally:
        hook.remove()


def fastest(run: Callable[[], object]) -> float:
    """Return the seconds of the faster of two runs."""
    seconds = []
    for _ in range(2):
        start = perf_counter()
        run()
        seconds.append(perf_counter() - start)
    return min(seconds)


if __name__ == "__main__":
    main()
