"""Earthloom from Python: a pipeline is loaded once and called with imagery; results are woven when looked at."""

from collections.abc import Sequence
from dataclasses import dataclass
from operator import index
from pathlib import Path
from typing import Any

from affine import Affine

from earthloom.errors import SourceError, UsageError
from earthloom.geo.crs import Bounds
from earthloom.io.arrays import save_array
from earthloom.io.inputs import inspect
from earthloom.pipelines.cascade_plan import CascadeOptions, plan_cascade
from earthloom.pipelines.denoise import CascadeWeights, is_denoiser
from earthloom.pipelines.device import Device
from earthloom.pipelines.map import MapOptions, plan_map
from earthloom.pipelines.result import Result
from earthloom.pipelines.scratch import Scratch
from earthloom.pipelines.series import SeriesWeights
from earthloom.pipelines.stages import Sampling


@dataclass(frozen=True, slots=True, kw_only=True)
class MapPipeline:
    """Draws maps with one set of weights."""

    weights: SeriesWeights
    """The generators."""

    device: Device
    """Where."""

    workers: int
    """Windows drawn at once; never changes a byte."""

    def __call__(
        self,
        image: Any,
        *,
        transform: Affine | None = None,
        crs: str | None = None,
        gsd_m: float | None = None,
        zooms: tuple[int, int] | int | None = None,
        bounds: Bounds | None = None,
        bidx: Sequence[int] = (),
        scale: tuple[float, float] | None = None,
    ) -> Result:
        """Draw the maps of a picture.

        Args:
            image: A path; or an array, a PIL image or an xarray.DataArray (see `io.arrays.save_array`).
            transform: Of an array: (col, row) of pixel corners to CRS units.
            crs: Of the transform.
            gsd_m: Ground metres of a pixel, for a picture without a place.
            zooms: Both ends, or one zoom; None for the picture's own (17 at most) down to 13.
            bounds: Part to draw: left, bottom, right, top in the picture's CRS.
            bidx: Bands to use, from 1.
            scale: Values that become 0 and 255, for anything but uint8.

        Returns:
            The maps, not yet woven.

        Raises:
            EarthloomError: If the picture or the choice cannot be used; the message says the way out.
        """
        folder = Scratch()
        path = _as_file(image, folder.path, transform, crs, gsd_m)
        imagery = inspect(path, bidx=tuple(bidx), gsd_m=gsd_m, scale=scale)
        ends = zooms if zooms is None or isinstance(zooms, Sequence) else (index(zooms), index(zooms))
        options = MapOptions(zooms=ends, bounds=bounds, device=self.device, workers=self.workers)
        return Result.of(plan_map(imagery, self.weights, options), folder, source=imagery.path, workers=self.workers)


@dataclass(frozen=True, slots=True, kw_only=True)
class CascadePipeline:
    """Makes finer imagery with one denoiser."""

    weights: CascadeWeights
    """The denoiser."""

    device: Device
    """Where."""

    workers: int
    """Windows made at once; never changes a byte."""

    def __call__(
        self,
        image: Any,
        *,
        transform: Affine | None = None,
        crs: str | None = None,
        gsd_m: float | None = None,
        res_m: float | None = None,
        bounds: Bounds | None = None,
        seed: int = 0,
        sampling: Sampling | None = None,
        bidx: Sequence[int] = (),
        scale: tuple[float, float] | None = None,
    ) -> Result:
        """Make finer imagery of a picture, on its own CRS and grid.

        Args:
            image: A path; or an array, a PIL image or an xarray.DataArray (see `io.arrays.save_array`).
            transform: Of an array: (col, row) of pixel corners to CRS units.
            crs: Of the transform.
            gsd_m: Ground metres of a pixel, for a picture without a place.
            res_m: Metres a pixel of the result; None for four times as fine.
            bounds: Part to make: left, bottom, right, top in the picture's CRS.
            seed: Of the world.
            sampling: How each stage samples (`pipelines.stages.Sampling`); None as `earthloom cascade` does.
            bidx: Bands to use, from 1.
            scale: Values that become 0 and 255, for anything but uint8.

        Returns:
            The imagery, not yet woven.

        Raises:
            EarthloomError: If the picture or the choice cannot be used; the message says the way out.
        """
        folder = Scratch()
        path = _as_file(image, folder.path, transform, crs, gsd_m)
        imagery = inspect(path, bidx=tuple(bidx), gsd_m=gsd_m, scale=scale)
        options = CascadeOptions(
            res_m=res_m,
            bounds=bounds,
            sampling=sampling or Sampling(),
            seed=index(seed),
            device=self.device,
            workers=self.workers,
        )
        plan, *_ = plan_cascade(imagery, self.weights, options)
        return Result.of(plan, folder, source=imagery.path, workers=self.workers)


def load(
    name: str | Path = "series-small", *, device: str = "auto", precision: str = "auto", workers: int = 1
) -> MapPipeline | CascadePipeline:
    """Load a pipeline: a series of generators draws maps, a MetaEarth denoiser makes finer imagery.

    Args:
        name: Weights: a shipped name, a folder, or owner/name on the Hugging Face hub.
        device: `auto`, `cpu` or `cuda`.
        precision: `auto`, `fp32` or `bf16`.
        workers: Windows made at once.

    Raises:
        ModelError: If the weights are missing or damaged.
        UsageError: If the device is unknown or not there, or there are no workers.
    """
    if workers < 1:
        raise UsageError(f"workers={workers}: want at least 1")
    name, where = str(name), Device.choose(device, precision)
    if is_denoiser(name):
        return CascadePipeline(weights=CascadeWeights.read(name), device=where, workers=workers)
    return MapPipeline(weights=SeriesWeights.read(name), device=where, workers=workers)


def _as_file(image: Any, folder: Path, transform: Affine | None, crs: str | None, gsd_m: float | None) -> Path:
    """Return the path of a picture, written into the folder if it is in memory."""
    if isinstance(image, str | Path):
        if transform is not None or crs is not None:
            raise UsageError(f"{image}: a file brings its own place: transform= and crs= are for arrays")
        return Path(image)
    has_place = transform is not None or crs is not None or "spatial_ref" in getattr(image, "coords", ())
    if not has_place and gsd_m is None:
        raise SourceError("an array without a place: give transform= and crs=, or gsd_m=, the metres of a pixel")
    return save_array(image, folder / "array.tif", transform=transform, crs=crs)
