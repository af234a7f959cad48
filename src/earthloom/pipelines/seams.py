"""`earthloom evaluate seams`: do the joints of a map's blocks show? Every zoom is woven twice and compared."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from math import isfinite
from typing import Any

from earthloom.errors import SourceError
from earthloom.execution.executor import Threads
from earthloom.geo.windows import Window
from earthloom.io.imagery import Imagery
from earthloom.loom.layer import Layer
from earthloom.loom.loom import Loom, Progress
from earthloom.loom.store import Store
from earthloom.metrics.seams import SeamRatio, seam_lines, seam_ratio
from earthloom.pipelines.draw import BLOCK_PX
from earthloom.pipelines.map import MapOptions, plan_map
from earthloom.pipelines.scratch import Scratch
from earthloom.pipelines.series import SeriesWeights


@dataclass(frozen=True, slots=True, kw_only=True)
class SeamReport:
    """The seams of a map, by zoom."""

    zooms: Mapping[int | None, SeamRatio | None]
    """Finest first; None where no seam crosses ground, or the map is flat along them all."""

    @property
    def is_seamless(self) -> bool:
        """Whether no measured zoom shows its seams."""
        return all(found.is_seamless for found in self.zooms.values() if found is not None)

    def facts(self) -> dict[str, Any]:
        """Return it ready for JSON, where an infinite ratio is null."""
        return {
            "seamless": self.is_seamless,
            "zooms": {zoom: None if found is None else _facts(found) for zoom, found in self.zooms.items()},
        }


def measure_seams(
    imagery: Imagery, weights: SeriesWeights, options: MapOptions, progress: Progress | None = None
) -> SeamReport:
    """Weave the maps of an image twice, every lattice of the second stack shifted by half a block, and compare.

    Args:
        imagery: The image, inspected.
        weights: The generators.
        options: Which zooms and what part, where and with how many workers.
        progress: Told of every finished block.

    Raises:
        UsageError: If a zoom does not exist, or the bounds miss the image.
        SourceError: If there is no seam to measure at any zoom, or the image cannot be read.
    """
    plan = plan_map(imagery, weights, options)
    scratch = Scratch()
    with Store(scratch.path / "blocks") as store:
        loom = Loom(store, Threads(options.workers), batch=options.call_batch, progress=progress)
        zooms = {picture.zoom: _measure(loom, picture.layer, picture.window) for picture in plan.pictures}
    if not any(zooms.values()):
        sizes = ", ".join(
            f"{picture.window.width} x {picture.window.height} px at zoom {picture.zoom}" for picture in plan.pictures
        )
        raise SourceError(
            f"{imagery.path}: no seam to measure in {sizes}: blocks meet every {BLOCK_PX} px, "
            "so take a larger image or part, with something drawn on it"
        )
    return SeamReport(zooms=zooms)


def _measure(loom: Loom, layer: Layer, window: Window) -> SeamRatio | None:
    if next(seam_lines(window, layer.block_px), None) is None:
        return None
    weaves = layer, layer.shifted()
    for weave in weaves:
        loom.make(weave, window)
    seamed, shifted = (loom.open(weave).read for weave in weaves)
    return seam_ratio(seamed, shifted, window, layer.block_px)


def _facts(found: SeamRatio) -> dict[str, Any]:
    numbers = {name: value if isfinite(value) else None for name, value in asdict(found).items()}
    return numbers | {"seamless": found.is_seamless}
