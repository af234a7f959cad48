"""One image made again: averaged down, then made by one stage of a cascade, as large as it was."""

from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

from earthloom.errors import UsageError
from earthloom.geo.grid import Grid
from earthloom.io.area import Averaged
from earthloom.io.imagery import Imagery, inspect_image
from earthloom.io.inputs import check_reading
from earthloom.io.raster import Raster
from earthloom.io.source import Source
from earthloom.loom.layer import Layer, Sight, StepFunction
from earthloom.loom.noise import derive_key
from earthloom.models.metaearth.config import FACTOR
from earthloom.pipelines.denoise import CascadeWeights
from earthloom.pipelines.plan import Picture, Plan, provenance_of
from earthloom.pipelines.run import RunOptions
from earthloom.pipelines.stages import Sampling, cascade_layers


@dataclass(frozen=True, slots=True, kw_only=True)
class AugmentOptions(RunOptions):
    """What a user can choose about augmenting."""

    times: int = 5
    """Worlds of every image."""

    sampling: Sampling = field(default_factory=Sampling)
    """How they are made."""

    gsd_m: float | None = None
    """Ground metres of a pixel, for images without a place."""

    bidx: tuple[int, ...] = ()
    """Bands to use, from 1; all if empty."""

    scale: tuple[float, float] | None = None
    """Values that become 0 and 255, for anything but uint8."""

    def __post_init__(self) -> None:
        """Refuse what makes no sense whatever the images."""
        RunOptions.__post_init__(self)
        if self.times < 1:
            raise UsageError(f"--times {self.times}: want at least 1 world of every image")
        check_reading(self.gsd_m, self.scale)


@dataclass(frozen=True, slots=True)
class Within:
    """Keeps of its first input what its second has ground for."""

    identity: str = "within the ground of another"

    def load(self) -> StepFunction:
        """Return the function."""
        return lambda sights: [_within(sight) for sight in sights]


def open_original(path: Path, options: AugmentOptions) -> Imagery:
    """Inspect an image.

    Raises:
        SourceError: If it cannot be read.
        UsageError: If it has no place and nobody said how large its pixels are.
    """
    imagery = inspect_image(path, bidx=options.bidx, gsd_m=options.gsd_m or 1.0, scale=options.scale)
    if imagery.crs is None and options.gsd_m is None:
        raise UsageError(f"{path}: has no place: say the ground metres of a pixel of such images, e.g. --gsd 0.3")
    return imagery


def plan_world(imagery: Imagery, weights: CascadeWeights, options: AugmentOptions, world: int) -> Plan:
    """Plan an image made again in one of its worlds.

    The seed comes from the run's seed, the image's bytes and the world's number, so that a file does not depend on
    which others are made, and two images never start from the same noise. The coarse pixels begin at its corner.
    """
    original = imagery.on(Grid(crs=imagery.crs, transform=imagery.transform))
    seed = derive_key(options.seed, int(imagery.sha256[:16], 16), world)
    coarse = Averaged(source=original, ratio=float(FACTOR))
    (made,) = cascade_layers(
        coarse, FACTOR * imagery.gsd_m, 1, weights, options.sampling, seed=seed, device=options.device
    )
    assert original.grid.extent is not None
    return Plan(
        pictures=(Picture(layer=_within_layer(made, original), window=original.grid.extent),),
        provenance=provenance_of(imagery, weights, options, verb="augment", world=world, **asdict(options.sampling)),
        about=None,
        lossless=False,
    )


def _within_layer(made: Layer, original: Source) -> Layer:
    """Return a layer where the original has ground, in the original's extent: averages reach a little beyond both."""
    return Layer(
        name=made.name,
        grid=original.grid,
        inputs=(made, original),
        step=Within(),
        block_px=made.block_px,
    )


def _within(sight: Sight) -> Raster:
    made, original = sight.inputs
    known = made.mask & original.mask
    return Raster(np.where(known, made.pixels, np.uint8(0)), known)
