"""Few steps over fifty: the Frechet distance and the time of 8 steps of DPM-Solver++ over those of 50 of DDIM.

    python benchmarks/few_steps.py --data CATALOG... --vgg19 FILE [--n 256] [--model NAME] [--layer relu2_1]

Held-out pictures are made of their bicubic reductions, both ways in one run with all cores; intervals are of pictures
drawn again, the same ones for both ways. A layer of D features wants 2 D pictures: relu2_1 256, relu3_1 512, relu5_1
1,024.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
from measuring import CORES, Figure, parser, report
from numpy.typing import NDArray

from earthloom.metrics.features import vgg19_features
from earthloom.metrics.frechet import frechet
from earthloom.metrics.interval import draws, percentiles
from earthloom.nn.vgg import load_vgg19
from earthloom.pipelines.denoise import CascadeWeights
from earthloom.pipelines.device import Device
from earthloom.pipelines.run import RunOptions
from earthloom.pipelines.stages import Sampling
from earthloom.studies.metaearth.crops import held_out_crops
from earthloom.studies.metaearth.inputs import read_catalogs
from earthloom.studies.metaearth.remake import remake
from earthloom.studies.metaearth.study import Effort, Study

FIFTY, FEW = "ddim 50", "dpm 8"
WAYS = {
    FIFTY: Sampling(sampler="ddim", steps=50),
    FEW: Sampling(sampler="dpm", steps=8),
}
FASTER, WORSE = 5, 1.1


def main() -> None:
    """Measure and print."""
    words = parser(__doc__)
    words.add_argument("--data", action="append", type=Path, required=True)
    words.add_argument("--vgg19", type=Path, required=True)
    words.add_argument("--model", default="metaearth-small")
    words.add_argument("--layer", default="relu2_1")
    words.add_argument("--n", type=int, default=256)
    args = words.parse_args()
    layer, num = ("relu1_1", 128) if args.quick else (args.layer, args.n)
    study = Study(
        weights=CascadeWeights.read(args.model),
        without=None,
        features=(features := vgg19_features(load_vgg19(args.vgg19), layer)),
        blocks=read_catalogs(args.data),
        classes=None,
        classes_gsd_m=1.0,
        folder=Path(),
        credits=(),
        options=RunOptions(device=Device.choose("cpu"), workers=CORES, batch=1, seed=0),
        effort=Effort(pictures=num),
    )
    level_m = max(study.held_out().items(), key=lambda each: len(each[1]))[0]
    crops = held_out_crops(study, level_m)
    assert crops is not None, "no held-out pictures"
    real_ND, made_ND, seconds = features(crops.real_NHW3), {}, {}
    for way, full in WAYS.items():
        sampling = replace(full, steps=1) if args.quick else full
        remade = remake(replace(study, sampling=sampling), study.weights, crops.coarse(), crops.gsds_m)
        made_ND[way], seconds[way] = features(remade.made_NHW3), round(remade.seconds, 3)
    ratio = frechet(real_ND, made_ND[FEW]) / frechet(real_ND, made_ND[FIFTY])
    interval = percentiles(ratio, redrawn(real_ND, made_ND[FEW], made_ND[FIFTY]))
    report(
        "few_steps",
        [
            Figure(f"seconds, {FIFTY} / {FEW}", seconds[FIFTY] / seconds[FEW], at_least=FASTER),
            Figure(f"Frechet distance, {FEW} / {FIFTY}", ratio, at_most=WORSE),
        ],
        quick=args.quick,
        level_m=level_m,
        pictures=len(real_ND),
        features=features.name,
        interval=[interval.low, interval.high],
        seconds=seconds,
        frechet={way: frechet(real_ND, made) for way, made in made_ND.items()},
    )


def redrawn(
    real_ND: NDArray[np.float64], few_ND: NDArray[np.float64], fifty_ND: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the ratio of both distances on pictures drawn again."""
    picks = [np.repeat(np.arange(len(real_ND)), times) for times in draws(len(real_ND), np.random.default_rng(0))]
    return np.array([frechet(real_ND[pick], few_ND[pick]) / frechet(real_ND[pick], fifty_ND[pick]) for pick in picks])


if __name__ == "__main__":
    main()
