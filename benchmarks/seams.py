"""The seam ratio of the z17 map of an image: woven twice, the lattice shifted by half a block.

python benchmarks/seams.py [IMAGE] [--model series-small]
"""

import argparse
from dataclasses import asdict, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from earthloom.execution.executor import Threads
from earthloom.io.inputs import inspect
from earthloom.loom.loom import Loom
from earthloom.loom.store import Store
from earthloom.metrics.seams import seam_ratio
from earthloom.pipelines.demo import SAMPLE
from earthloom.pipelines.device import Device
from earthloom.pipelines.draw import BLOCK_PX
from earthloom.pipelines.series import SeriesWeights, choose_zooms, map_window, series_layers


def main() -> None:
    """Weave, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("image", type=Path, nargs="?", default=SAMPLE)
    parser.add_argument("--model", default="series-small")
    args = parser.parse_args()
    imagery, weights = inspect(args.image), SeriesWeights.read(args.model)
    zooms = choose_zooms(imagery, None)
    window = map_window(imagery, zooms.start)
    layer = series_layers(imagery, weights, zooms, Device.choose("cpu"))[zooms.start]
    shifted = replace(layer, lattice_px=BLOCK_PX // 2)
    with TemporaryDirectory() as folder, Store(Path(folder) / "blocks") as store:
        loom = Loom(store, Threads(2))
        found = seam_ratio(loom.open(layer).read(window), loom.open(shifted).read(window), window, BLOCK_PX)
    print(asdict(found))


if __name__ == "__main__":
    main()
