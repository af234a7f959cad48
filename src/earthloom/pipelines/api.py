"""Maps from Python: a pipeline is loaded once and called with imagery; the result is woven when it is looked at."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from affine import Affine
from numpy.typing import NDArray

from earthloom.errors import SourceError, UsageError
from earthloom.execution.executor import Threads
from earthloom.geo.crs import wkt
from earthloom.io.arrays import save_array
from earthloom.io.inputs import inspect
from earthloom.io.raster import Raster
from earthloom.io.sinks import Level, write
from earthloom.io.stac import About
from earthloom.loom.loom import Loom
from earthloom.loom.store import Store
from earthloom.pipelines.device import Device
from earthloom.pipelines.map import MapOptions, plan_map
from earthloom.pipelines.scratch import Scratch
from earthloom.pipelines.series import Bounds, SeriesWeights


@dataclass(frozen=True, kw_only=True)
class MapResult:
    """Maps of one picture, finest zoom first; `result[15]` is the same with zoom 15 first."""

    levels: tuple[Level, ...]
    """The zooms."""

    provenance: Mapping[str, str]
    """Everything that decides the pixels, as every file carries it."""

    about: About
    """What the STAC item of a file says beyond that."""

    folder: Scratch
    """Holds finished blocks as long as the result lives."""

    @property
    def zooms(self) -> tuple[int, ...]:
        """The zooms there are."""
        return tuple(level.zoom for level in self.levels if level.zoom is not None)

    def __getitem__(self, zoom: int) -> "MapResult":
        """Return one zoom alone.

        Raises:
            UsageError: If it was not made.
        """
        chosen = tuple(level for level in self.levels if level.zoom == zoom)
        if not chosen:
            raise UsageError(f"no zoom {zoom} in this result: it has {', '.join(map(str, self.zooms))}")
        return replace(self, levels=chosen)

    @cached_property
    def _raster(self) -> Raster:
        return self.levels[0].source.read(self.levels[0].window)

    @property
    def image(self) -> NDArray[np.uint8]:
        """The finest map, `(H, W, 3)` uint8; black where there is no ground."""
        return np.ascontiguousarray(self._raster.pixels.transpose(1, 2, 0))

    @property
    def mask(self) -> NDArray[np.bool_]:
        """Where there is ground, `(H, W)`."""
        return self._raster.mask

    @property
    def transform(self) -> Affine:
        """(col, row) of the image's pixel corners to CRS units, or to metres of ground without a place."""
        return self.levels[0].source.grid.transform_of(self.levels[0].window)

    @property
    def crs(self) -> str | None:
        """`EPSG:3857`; None without a place."""
        return self.levels[0].source.grid.crs

    def to_xarray(self) -> Any:
        """Return a DataArray (band, y, x) of red, green, blue and alpha with its place as rioxarray reads it.

        Raises:
            UsageError: If xarray is not installed.
        """
        try:
            import xarray
        except ImportError as error:
            raise UsageError("to_xarray needs xarray: pip install xarray") from error

        alpha = self.mask[None] * np.uint8(255)
        place = self.transform
        height, width = self.mask.shape
        coords: dict[str, Any] = {
            "band": ["red", "green", "blue", "alpha"],
            "x": place.c + place.a * (np.arange(width) + 0.5),
            "y": place.f + place.e * (np.arange(height) + 0.5),
        }
        if self.crs is not None:
            text = " ".join(str(number) for number in place.to_gdal())
            coords["spatial_ref"] = ((), 0, {"crs_wkt": wkt(self.crs), "GeoTransform": text})
        pixels = np.concatenate([self._raster.pixels, alpha])
        return xarray.DataArray(pixels, coords, ("band", "y", "x"), name="map", attrs=dict(self.provenance))

    def save(self, path: Path | str, *, overwrite: bool = False) -> list[Path]:
        """Write all zooms; the suffix chooses the format, as for `earthloom map`.

        Returns:
            What was written.

        Raises:
            UsageError: If the output exists or its suffix is unknown.
            SinkError: If writing fails.
        """
        return write(path, self.levels, tags=self.provenance, about=self.about, overwrite=overwrite)


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
    ) -> MapResult:
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
        imagery = inspect(
            _as_file(image, folder.path, transform, crs, gsd_m), bidx=tuple(bidx), gsd_m=gsd_m, scale=scale
        )
        ends = (zooms, zooms) if isinstance(zooms, int) else zooms
        options = MapOptions(zooms=ends, bounds=bounds, device=self.device, workers=self.workers)
        plan = plan_map(imagery, self.weights, options)
        loom = Loom(Store(folder.path / "blocks"), Threads(self.workers))
        return MapResult(levels=plan.levels(loom), provenance=plan.provenance.tags(), about=plan.about, folder=folder)


def load(name: str = "series-small", *, device: str = "auto", precision: str = "auto", workers: int = 1) -> MapPipeline:
    """Load a pipeline.

    Args:
        name: Weights: a shipped name, a folder, or an owner/name id of the hub.
        device: `auto`, `cpu` or `cuda`.
        precision: `auto`, `fp32` or `bf16`.
        workers: Windows drawn at once.

    Raises:
        ModelError: If the weights are missing or damaged.
        UsageError: If the device is unknown or not there.
    """
    return MapPipeline(weights=SeriesWeights.read(name), device=Device.choose(device, precision), workers=workers)


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
