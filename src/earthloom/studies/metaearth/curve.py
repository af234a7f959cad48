"""Quality against the number of sampling steps, for both samplers, with the time a picture takes."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Self, get_args

import numpy as np
from numpy.typing import NDArray

from earthloom.errors import DataError
from earthloom.metrics.features import Features
from earthloom.metrics.psnr import lr_consistency
from earthloom.models.metaearth.config import FACTOR
from earthloom.pipelines.denoise import SamplerName
from earthloom.studies.metaearth.crops import enlarged, held_out_crops
from earthloom.studies.metaearth.regions import Distances, distances
from earthloom.studies.metaearth.remake import remake
from earthloom.studies.metaearth.study import Study
from earthloom.studies.report import grid_lines, interval, number

Pictures = NDArray[np.uint8]


@dataclass(frozen=True, slots=True, kw_only=True)
class Quality:
    """Pictures made of others four times as coarse."""

    distances: Distances
    """To the real pictures."""

    inconsistency: float
    """Mean difference between their averages and what they were made of, 0..255."""

    @classmethod
    def of(cls, features: Features, real_ND: NDArray[np.float64], made_NHW3: Pictures, coarse_Nhw3: Pictures) -> Self:
        """Measure them."""
        made_HW3, coarse_hw3 = (each.reshape(-1, *each.shape[2:]) for each in (made_NHW3, coarse_Nhw3))
        found = distances(real_ND, features(made_NHW3))
        return cls(distances=found, inconsistency=lr_consistency(made_HW3, coarse_hw3).mean_absolute)


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One sampler at one number of steps."""

    sampler: SamplerName
    """`dpm` or `ddim`."""

    steps: int
    """Calls of the network a picture."""

    quality: Quality
    """Of its pictures."""

    seconds: float
    """A picture, on all workers together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """Points of both samplers."""

    level_m: float
    """Metres a pixel of what is made."""

    num: int
    """Pictures."""

    side_px: int
    """Their side."""

    features: str
    """What they were compared by."""

    bicubic: Quality
    """Of the same pictures by bicubic enlargement: what a network has to beat."""

    points: tuple[Point, ...]
    """Sampler by sampler, steps rising."""

    def facts(self) -> dict[str, Any]:
        """Return it for JSON."""
        return asdict(self)

    def markdown(self) -> list[str]:
        """Return it; the paper has one point, 50 steps of DDIM, without a time."""
        return [
            f"{self.num} pictures of {self.level_m:g} m, {self.side_px} px, made of bicubic reductions, "
            f"on {self.features}. The paper takes 50 steps of DDIM and gives no other point. Off its input: mean "
            "difference between the averages of what was made and what it was made of, 0..255.",
            "",
            *grid_lines(
                ("sampler", "steps", "KID", "Frechet", "off its input", "s a picture"),
                [
                    ("bicubic, no network", "", *_cells(self.bicubic), ""),
                    *(
                        (point.sampler, str(point.steps), *_cells(point.quality), number(point.seconds))
                        for point in self.points
                    ),
                ],
            ),
        ]


def make(study: Study) -> Curve:
    """Make the pictures of the level with most of them, the coarsest of equals, again and again.

    Raises:
        DataError: If there are too few held-out pictures.
    """
    assert study.features is not None
    found = {level_m: held_out_crops(study, level_m) for level_m in study.held_out()}
    level_m, crops = max(found.items(), key=lambda each: 0 if each[1] is None else len(each[1].blocks))
    if crops is None:
        raise DataError(f"no held-out block of imagery has {study.window_px} px: make a catalog with larger ones")
    real_ND, coarse_Nhw3 = study.features(crops.real_NHW3), crops.coarse()
    ways = [(sampler, steps) for sampler in get_args(SamplerName) for steps in study.effort.curve_steps]
    return Curve(
        level_m=level_m,
        num=len(crops.blocks),
        side_px=study.window_px,
        features=study.features.name,
        bicubic=Quality.of(study.features, real_ND, enlarged(coarse_Nhw3, FACTOR), coarse_Nhw3),
        points=tuple(_points(study, real_ND, coarse_Nhw3, crops.gsds_m, ways)),
    )


def _points(
    study: Study,
    real_ND: NDArray[np.float64],
    coarse_Nhw3: Pictures,
    gsds_m: Sequence[float],
    ways: Sequence[tuple[SamplerName, int]],
) -> Iterator[Point]:
    assert study.features is not None
    for sampler, steps in ways:
        sampled = replace(study, sampling=replace(study.sampling, sampler=sampler, steps=steps))
        remade = remake(sampled, study.weights, coarse_Nhw3, gsds_m)
        quality = Quality.of(study.features, real_ND, remade.made_NHW3, coarse_Nhw3)
        yield Point(sampler=sampler, steps=steps, quality=quality, seconds=remade.seconds)


def _cells(found: Quality) -> tuple[str, str, str]:
    return interval(found.distances.kid), number(found.distances.frechet), number(found.inconsistency)
