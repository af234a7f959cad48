"""What a cascade will be, before anything is made: its worlds, its files, where their pixels lie."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from math import sqrt
from pathlib import Path

from earthloom.errors import UsageError
from earthloom.geo.crs import Bounds
from earthloom.geo.grid import Grid
from earthloom.io.area import averaged_grid
from earthloom.io.imagery import Imagery
from earthloom.io.stac import About, time_of
from earthloom.loom.layer import Layer
from earthloom.loom.noise import derive_key
from earthloom.models.metaearth.config import FACTOR
from earthloom.pipelines.bounds import part_of
from earthloom.pipelines.denoise import CascadeWeights
from earthloom.pipelines.plan import Picture, Plan, provenance_of
from earthloom.pipelines.run import RunOptions
from earthloom.pipelines.stages import Sampling, averaging, cascade_layers, num_stages

SPREAD_OF = "standard_deviation_of"
"""The parameter of a spread: how many worlds it is the spread of."""

MOST_SAMPLES = 1000
"""Parallel worlds of one run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CascadeOptions(RunOptions):
    """What a user can choose about a cascade."""

    res_m: float | None = None
    """Metres a pixel of the result; None for one stage."""

    bounds: Bounds | None = None
    """Part of the image to make, left, bottom, right, top in its CRS."""

    sampling: Sampling = field(default_factory=Sampling)
    """How each stage samples."""

    samples: int = 1
    """Parallel worlds: the first has the seed, world i the seed `derive_key(seed, i)`."""

    uncertainty: bool = False
    """Whether a raster of the worlds' standard deviation is written beside them."""

    def __post_init__(self) -> None:
        """Refuse what makes no sense whatever the image."""
        RunOptions.__post_init__(self)
        if self.res_m is not None and not 0.0 < self.res_m < float("inf"):
            raise UsageError(f"--res {self.res_m:g}: is no size of a pixel: give metres above 0, e.g. --res 4")
        if not 1 <= self.samples <= MOST_SAMPLES:
            raise UsageError(f"--samples {self.samples}: want 1 to {MOST_SAMPLES}")
        if self.uncertainty and self.samples < 2:
            raise UsageError("--uncertainty is the spread of several worlds: ask for some, e.g. --samples 4")

    def res_of(self, gsd_m: float) -> float:
        """Return the metres a pixel of the result of an image with pixels of `gsd_m`."""
        return self.res_m or gsd_m / FACTOR

    def seed_of(self, world: int) -> int:
        """Return the seed of a world."""
        return self.seed if world == 0 else derive_key(self.seed, world)


def outputs(out: Path, options: CascadeOptions) -> list[Path]:
    """Return the files of a cascade: the worlds, NAME_world1.tif and on, and NAME_std.tif, how far they are apart."""
    worlds = [out, *(out.with_name(f"{out.stem}_world{world}{out.suffix}") for world in range(1, options.samples))]
    return [*worlds, out.with_name(f"{out.stem}_std.tif")] if options.uncertainty else worlds


def plan_cascade(imagery: Imagery, weights: CascadeWeights, options: CascadeOptions) -> list[Plan]:
    """Plan the files of a cascade: every world, and their spread if it is asked for.

    Raises:
        SourceError: If the image is fine enough already.
        UsageError: If the bounds miss it.
    """
    res_m = options.res_of(imagery.gsd_m)
    count = num_stages(imagery.gsd_m, res_m)
    source, sampling, device = imagery.on(imagery.grid), options.sampling, options.device
    seeds = [options.seed_of(world) for world in range(options.samples)]
    layers = [
        cascade_layers(source, imagery.gsd_m, count, weights, sampling, seed=seed, device=device)[-1] for seed in seeds
    ]
    ratio = _ratio(imagery, layers[0].grid, res_m)
    grid = layers[0].grid if ratio == 1.0 else averaged_grid(layers[0].grid, ratio)
    assert grid.extent is not None
    window = part_of(imagery, grid, grid.extent, options.bounds)
    first = Plan(
        pictures=(Picture(layer=layers[0], window=window, ratio=ratio),),
        provenance=provenance_of(
            imagery, weights, options, verb="cascade", res_m=res_m, bounds=options.bounds, **asdict(sampling)
        ),
        about=_about(imagery),
        lossless=False,
    )
    worlds = [_world(first, layer, seed) for layer, seed in zip(layers, seeds, strict=True)]
    return [*worlds, _spread(first, layers)] if options.uncertainty else worlds


def _ratio(imagery: Imagery, made: Grid, res_m: float) -> float:
    """Return how many pixels of the last stage lie along one of the result.

    In a CRS the result's pixels have three digits in its units: the ground they cover is measured at the image's
    centre, and neighbours, whose centres differ, shall lie on one grid.
    """
    ratio = averaging(imagery.gsd_m, res_m)
    side = sqrt(abs(made.transform.determinant))
    return ratio if ratio == 1.0 or made.crs is None else float(f"{ratio * side:.3g}") / side


def _about(imagery: Imagery) -> About:
    return About(
        when=time_of(imagery.path),
        architecture="MetaEarth",
        tasks=("super-resolution", "generative"),
        product="imagery",
    )


def _world(first: Plan, layer: Layer, seed: int) -> Plan:
    """Return the plan of another world on the same ground."""
    (picture,) = first.pictures
    return replace(first, pictures=(replace(picture, layer=layer),), provenance=replace(first.provenance, seed=seed))


def _spread(first: Plan, layers: Sequence[Layer]) -> Plan:
    """Return the plan of how far apart all worlds are."""
    (picture,) = first.pictures
    parameters = {**first.provenance.parameters, SPREAD_OF: len(layers)}
    assert first.about is not None
    return replace(
        first,
        pictures=(replace(picture, others=tuple(layers[1:])),),
        provenance=replace(first.provenance, parameters=parameters),
        about=replace(first.about, product="uncertainty", bands=("standard_deviation",)),
    )
