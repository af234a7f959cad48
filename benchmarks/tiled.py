"""The same generator over the same image by Earthloom and by two public libraries for tiled inference, side by side.

    python benchmarks/tiled.py [--quick] [--repeat 2]

From an image file to a map file, zoom 17, windows of 736 px every 512 px, fp32, all cores, each in a fresh process:
- MONAI, `sliding_window_inference`: overlapping logits are averaged;
- tiler, `Tiler` and `Merger`: windows are cropped (`overlap-tile`), as Earthloom does;
- Earthloom, `draw_map`, `-j` cores; a second time with `--precision bf16`.

The two libraries are in the dependency group `bench`, which `make bench` installs.
"""

import json
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import rasterio
from measuring import CORES, Figure, in_fresh_process, parser, peak_mb, report, write_ground

BLOCK_PX, HALO_PX = 512, 112
WINDOW_PX = BLOCK_PX + 2 * HALO_PX
RIVALS = ("monai", "tiler")
Run = Callable[[Path, Path], None]


def main() -> None:
    """Measure and print."""
    made = parser(__doc__)
    made.add_argument("--repeat", type=int, default=2, help="Times the sample along each axis: 2 is 37 Mpx.")
    made.add_argument("--one", nargs=3, metavar=("NAME", "IMAGE", "OUT"), help="Run one of them in this process.")
    args = made.parse_args()
    if args.one:
        name, image, out = args.one
        print(json.dumps(measured(RUNS[name], Path(image), Path(out))))
        return
    missing = [name for name in RIVALS if find_spec(name) is None]
    if missing:
        report("tiled", [], quick=args.quick, skipped=f"not installed: {', '.join(missing)}")
        return
    width, height = (1000, 800) if args.quick else (3584 * args.repeat, 2560 * args.repeat)
    with TemporaryDirectory() as folder:
        image = Path(folder) / "ground.tif"
        write_ground(image, width, height)
        outs = {name: Path(folder) / f"{name}.tif" for name in RUNS}
        found = {name: in_fresh_process(__file__, "--one", name, image, out) for name, out in outs.items()}
        equal = {name: round(share_equal(outs["earthloom"], out), 5) for name, out in outs.items()}
    ours = found["earthloom"]
    figures = [
        figure
        for name in RIVALS
        for figure in (
            Figure(f"throughput, Earthloom / {name}", found[name]["seconds"] / ours["seconds"], at_least=2),
            Figure(f"peak memory, Earthloom / {name}", ours["mb"] / found[name]["mb"], at_most=0.25),
        )
    ]
    figures.append(Figure("throughput, Earthloom bf16 / fp32", ours["seconds"] / found["earthloom-bf16"]["seconds"]))
    report("tiled", figures, quick=args.quick, mpx=width * height / 1e6, runs=found, equal_pixels=equal)


def measured(run: Run, image: Path, out: Path) -> dict[str, float]:
    """Return seconds and peak memory of a run in this process."""
    start = time.perf_counter()
    run(image, out)
    return {"seconds": round(time.perf_counter() - start, 2), "mb": round(peak_mb(), 1)}


def earthloom(image: Path, out: Path, precision: str = "fp32") -> None:
    """Draw zoom 17."""
    from earthloom.io.inputs import inspect
    from earthloom.pipelines.device import Device
    from earthloom.pipelines.map import MapOptions, draw_map
    from earthloom.pipelines.series import SeriesWeights

    options = MapOptions(zooms=(17, 17), device=Device.choose("cpu", precision), workers=CORES)
    draw_map(inspect(image), [out], SeriesWeights.read("series-small"), options)


def with_monai(image: Path, out: Path) -> None:
    """Average overlapping logits."""
    import torch
    from monai.inferers import sliding_window_inference

    network, x_1CHW = loaded(), read(image)[None]
    with torch.inference_mode():
        logits_1KHW = sliding_window_inference(
            x_1CHW, WINDOW_PX, sw_batch_size=1, predictor=network, overlap=2 * HALO_PX / WINDOW_PX, mode="constant"
        )
    write(out, image, logits_1KHW[0].argmax(0).numpy())


def with_tiler(image: Path, out: Path) -> None:
    """Crop windows."""
    import torch
    from tiler import Merger, Tiler

    network, x_CHW = loaded(), read(image).numpy()
    overlap = (0, 2 * HALO_PX, 2 * HALO_PX)
    shape = (3, WINDOW_PX, WINDOW_PX)
    size, padding = Tiler(x_CHW.shape, shape, overlap, channel_dimension=0).calculate_padding()
    padded_CHW = np.pad(x_CHW, padding, mode="reflect")
    tiles = Tiler(size, shape, overlap, channel_dimension=0)
    merger = Merger(Tiler((5, *size[1:]), (5, *shape[1:]), overlap, channel_dimension=0), window="overlap-tile")
    with torch.inference_mode():
        for number, tile_CHW in tiles(padded_CHW):
            merger.add(number, network(torch.from_numpy(tile_CHW)[None])[0].numpy())
    write(out, image, merger.merge(extra_padding=padding).argmax(0))


RUNS: dict[str, Run] = {
    "earthloom": earthloom,
    "earthloom-bf16": lambda image, out: earthloom(image, out, "bf16"),
    "monai": with_monai,
    "tiler": with_tiler,
}


def loaded() -> Any:
    """Return the generator."""
    from earthloom.models.names import SHIPPED
    from earthloom.models.weights import load

    return load(SHIPPED / "series-small" / "r2m-17").module


def read(image: Path) -> Any:
    """Return a whole image as a tensor `(3, H, W)` in [-1, 1]."""
    import torch

    from earthloom.data.pixels import to_unit

    with rasterio.open(image) as file:
        return to_unit(torch.from_numpy(file.read()))


def write(out: Path, image: Path, classes_HW: np.ndarray) -> None:
    """Write a map of class numbers from 0 in the style's colours."""
    from earthloom.cartography.style import STYLE

    with rasterio.open(image) as file:
        profile = {"driver": "GTiff", "count": 3, "dtype": "uint8", "crs": file.crs, "transform": file.transform}
    colours_K3 = np.array(STYLE.palette, np.uint8)
    shape = {"height": classes_HW.shape[0], "width": classes_HW.shape[1], "tiled": True, "compress": "DEFLATE"}
    with rasterio.open(out, "w", **profile, **shape) as file:
        file.write(colours_K3[classes_HW].transpose(2, 0, 1))


def share_equal(one: Path, other: Path) -> float:
    """Return the share of pixels with equal colours."""
    with rasterio.open(one) as a, rasterio.open(other) as b:
        return float((a.read() == b.read()).all(axis=0).mean())


if __name__ == "__main__":
    main()
