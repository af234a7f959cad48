"""What a cascade will be, before anything is made: its stages, its files, where their pixels lie."""

from dataclasses import asdict, dataclass, field, replace
from math import ceil, floor
from pathlib import Path

from earthloom import __version__
from earthloom.errors import UsageError
from earthloom.geo.crs import Bounds
from earthloom.geo.grid import SNAP_PX, Grid
from earthloom.geo.windows import Window
from earthloom.io.area import Averaged, averaged_grid
from earthloom.io.imagery import Imagery
from earthloom.io.levels import Level
from earthloom.io.provenance import Provenance
from earthloom.io.remote import plain_name
from earthloom.io.source import Source
from earthloom.io.stac import About, time_of
from earthloom.loom.layer import Layer
from earthloom.loom.loom import Loom
from earthloom.loom.noise import derive_key
from earthloom.models.metaearth.config import FACTOR
from earthloom.pipelines.denoise import CascadeWeights
from earthloom.pipelines.run import RunOptions
from earthloom.pipelines.spread import spread_layer
from earthloom.pipelines.stages import Sampling, averaging, cascade_layers, num_stages


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
        if self.res_m is not None and not 0.0 < self.res_m < float("inf"):
            raise UsageError(f"--res {self.res_m:g}: is no size of a pixel: give metres above 0, e.g. --res 4")
        if self.samples < 1:
            raise UsageError(f"--samples {self.samples}: want at least 1")
        if self.uncertainty and self.samples < 2:
            raise UsageError("--uncertainty is the spread of several worlds: ask for some, e.g. --samples 4")

    def res_of(self, gsd_m: float) -> float:
        """Return the metres a pixel of the result of an image with pixels of `gsd_m`."""
        return self.res_m or gsd_m / FACTOR

    def seed_of(self, world: int) -> int:
        """Return the seed of a world."""
        return self.seed if world == 0 else derive_key(self.seed, world)


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """One file of a cascade."""

    path: Path
    """Its name."""

    layer: Layer
    """Its pixels, as fine as the last stage makes them."""

    provenance: Provenance
    """Everything that decides them."""

    about: About
    """What its STAC item says beyond that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CascadePlan:
    """What a cascade will be, before anything is made."""

    worlds: tuple[tuple[Layer, ...], ...]
    """The stages of every world, coarsest first."""

    ratio: float
    """Pixels of the last stage along one of the result; 1 where they are the result."""

    window: Window
    """The pixels of the result."""

    provenance: Provenance
    """Everything that decides the first world."""

    about: About
    """What the STAC item says beyond that."""

    @property
    def fine_window(self) -> Window:
        """The pixels of the last stage that the result needs."""
        fine, extent = _fine(self.window, self.ratio), self.worlds[0][-1].grid.extent
        return fine if extent is None else fine.intersection(extent)

    def products(self, out: Path, options: CascadeOptions) -> list[Product]:
        """Return every file: the worlds, NAME_world1.tif and on, and NAME_std.tif, how far they are apart."""
        made = [
            Product(
                path=out if world == 0 else out.with_name(f"{out.stem}_world{world}{out.suffix}"),
                layer=stages[-1],
                provenance=replace(self.provenance, seed=options.seed_of(world)),
                about=self.about,
            )
            for world, stages in enumerate(self.worlds)
        ]
        if options.uncertainty:
            parameters = {**self.provenance.parameters, "standard_deviation_of": len(made)}
            spread = Product(
                path=out.with_name(f"{out.stem}_std.tif"),
                layer=spread_layer([each.layer for each in made]),
                provenance=replace(self.provenance, parameters=parameters),
                about=replace(self.about, product="uncertainty", bands=("standard_deviation",)),
            )
            made.append(spread)
        return made

    def level(self, loom: Loom, layer: Layer) -> Level:
        """Return what a sink writes of a world's last stage, or of something made of several."""
        source: Source = loom.open(layer)
        if self.ratio != 1.0:
            source = Averaged(source=source, ratio=self.ratio)
        return Level(zoom=None, source=source, window=self.window)


def plan_cascade(imagery: Imagery, weights: CascadeWeights, options: CascadeOptions) -> CascadePlan:
    """Plan a cascade.

    Raises:
        SourceError: If the image is fine enough already.
        UsageError: If the bounds miss it.
    """
    res_m = options.res_of(imagery.gsd_m)
    count = num_stages(imagery.gsd_m, res_m)
    source = imagery.on(imagery.grid)
    worlds = tuple(
        cascade_layers(
            source,
            imagery.gsd_m,
            count,
            weights,
            options.sampling,
            seed=options.seed_of(world),
            device=options.device,
        )
        for world in range(options.samples)
    )
    ratio = averaging(imagery.gsd_m, res_m)
    grid = worlds[0][-1].grid if ratio == 1.0 else averaged_grid(worlds[0][-1].grid, ratio)
    return CascadePlan(
        worlds=worlds,
        ratio=ratio,
        window=_window(imagery, grid, options.bounds),
        provenance=_provenance(imagery, weights, options, res_m),
        about=About(
            when=time_of(imagery.path),
            architecture="MetaEarth",
            tasks=("super-resolution", "generative"),
            product="imagery",
        ),
    )


def _fine(window: Window, ratio: float) -> Window:
    if ratio == 1.0:
        return window
    return Window.spanning(
        floor(window.col * ratio + SNAP_PX),
        floor(window.row * ratio + SNAP_PX),
        ceil(window.right * ratio - SNAP_PX),
        ceil(window.bottom * ratio - SNAP_PX),
    )


def _window(imagery: Imagery, grid: Grid, bounds: Bounds | None) -> Window:
    """Return the pixels of the result, all or those that cover `bounds`."""
    assert grid.extent is not None
    if bounds is None:
        return grid.extent
    if imagery.crs is None:
        raise UsageError("--bounds needs an image with a place; cut this one first")
    part = grid.window_of(*bounds)
    if not part.intersects(grid.extent):
        raise UsageError(f"--bounds {bounds} miss the image, whose bounds are {imagery.bounds} in {imagery.crs}")
    return part.intersection(grid.extent)


def _provenance(imagery: Imagery, weights: CascadeWeights, options: CascadeOptions, res_m: float) -> Provenance:
    return Provenance(
        input=plain_name(imagery.path),
        input_sha256=imagery.sha256,
        model=weights.name,
        model_sha256=weights.sha256,
        licence=weights.licence,
        seed=options.seed,
        parameters={
            "verb": "cascade",
            "res_m": res_m,
            "bounds": options.bounds,
            "bands": list(imagery.bands.colours),
            "gsd_m": imagery.gsd_m,
            "scale": imagery.bands.scale,
            **asdict(options.sampling),
        },
        batch=options.call_batch,
        version=__version__,
        **options.device.describe,
    )
