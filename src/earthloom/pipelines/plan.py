"""What a run will make, before anything is made: a plan can be written to files, looked at, or woven again."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil, floor
from pathlib import Path
from typing import Any, Protocol

from earthloom import __version__
from earthloom.geo.grid import SNAP_PX, Grid
from earthloom.geo.windows import Window
from earthloom.io.area import Averaged, averaged_grid
from earthloom.io.imagery import Imagery
from earthloom.io.levels import Level
from earthloom.io.provenance import Provenance
from earthloom.io.remote import plain_name
from earthloom.io.sinks import write
from earthloom.io.source import Source
from earthloom.io.stac import About
from earthloom.loom.layer import Block, Layer
from earthloom.loom.loom import Loom
from earthloom.pipelines.run import RunOptions
from earthloom.pipelines.spread import Spread


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """One scale of a plan."""

    layer: Layer
    """Its pixels, or finer ones that are averaged to them."""

    window: Window
    """The pixels of the result."""

    zoom: int | None = None
    """Zoom of 512-px tiles; None off the web map."""

    ratio: float = 1.0
    """Pixels of the layer along one of the result; 1 where they are the result."""

    others: tuple[Layer, ...] = ()
    """Parallel worlds of the layer; with any, the result is how far apart all of them are."""

    @property
    def layers(self) -> tuple[Layer, ...]:
        """All layers that the result is read from."""
        return self.layer, *self.others

    @property
    def grid(self) -> Grid:
        """The plane of the result."""
        return self.layer.grid if self.ratio == 1.0 else averaged_grid(self.layer.grid, self.ratio)

    @property
    def needed(self) -> Window:
        """The layer's pixels that the result needs."""
        if self.ratio == 1.0:
            return self.window
        window, extent = self.window, self.layer.grid.extent
        fine = Window.spanning(
            floor(window.col * self.ratio + SNAP_PX),
            floor(window.row * self.ratio + SNAP_PX),
            ceil(window.right * self.ratio - SNAP_PX),
            ceil(window.bottom * self.ratio - SNAP_PX),
        )
        return fine if extent is None else fine.intersection(extent)

    def level(self, loom: Loom) -> Level:
        """Return what a sink writes."""
        worlds: list[Source] = [loom.open(layer) for layer in self.layers]
        if self.ratio != 1.0:
            worlds = [Averaged(source=world, ratio=self.ratio) for world in worlds]
        source = Spread(worlds=tuple(worlds)) if self.others else worlds[0]
        return Level(zoom=self.zoom, source=source, window=self.window)

    def parts(self) -> Iterator[tuple[Block, Window]]:
        """Give the result in parts on the layer's lattice, row by row: where nothing is averaged, its blocks."""
        for block in self.layer.cells(self.window):
            yield block, self.layer.window_of(block).intersection(self.window)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What will be made of an image: pixels at one or several scales that are written together."""

    pictures: tuple[Picture, ...]
    """The scales, finest first."""

    provenance: Provenance
    """Everything that decides the pixels."""

    about: About | None
    """What a STAC item says beyond that; None where no item is written."""

    lossless: bool
    """Whether colours stay exact in overviews and tiles, as a map's must; imagery is averaged and compressed."""

    def make(self, loom: Loom) -> None:
        """Make and store every block, scale by scale.

        Raises:
            InterruptedRunError: On Ctrl-C.
        """
        for picture in self.pictures:
            for layer in picture.layers:
                loom.make(layer, picture.needed)

    def levels(self, loom: Loom) -> tuple[Level, ...]:
        """Return what sinks write, finest first."""
        return tuple(picture.level(loom) for picture in self.pictures)

    def write(self, path: Path, loom: Loom, *, overwrite: bool) -> list[Path]:
        """Write all scales; the suffix chooses the format.

        Returns:
            What was written.

        Raises:
            UsageError: If the output exists or its suffix does not fit.
            SinkError: If writing fails.
        """
        tags = self.provenance.tags()
        return write(path, self.levels(loom), tags=tags, about=self.about, overwrite=overwrite, lossless=self.lossless)


class Weights(Protocol):
    """What every provenance says of weights."""

    @property
    def name(self) -> str:
        """What the user called them."""
        ...

    @property
    def sha256(self) -> str:
        """Hash, or several joined by a comma."""
        ...

    @property
    def licence(self) -> str:
        """Licence of the weights."""
        ...


def provenance_of(imagery: Imagery, weights: Weights, options: RunOptions, **parameters: Any) -> Provenance:
    """Return the provenance of what a run makes of an image.

    Args:
        imagery: The image; how its pixels were read becomes part of the parameters.
        weights: The networks.
        options: Device, batch and seed.
        parameters: The verb and what else decides the pixels, as JSON values.
    """
    bands = {"bands": list(imagery.bands.colours), "scale": imagery.bands.scale, "gsd_m": imagery.gsd_m}
    return Provenance(
        input=plain_name(imagery.path),
        input_sha256=imagery.sha256,
        sidecars_sha256=imagery.sidecars_sha256,
        model=weights.name,
        model_sha256=weights.sha256,
        licence=weights.licence,
        seed=options.seed,
        parameters={**bands, **parameters},
        batch=options.call_batch,
        version=__version__,
        **options.device.describe,
    )
