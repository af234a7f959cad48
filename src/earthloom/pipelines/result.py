"""What a pipeline gives to Python: pixels with their place, woven when they are looked at."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from affine import Affine
from numpy.typing import NDArray

from earthloom.errors import UsageError
from earthloom.execution.executor import Threads
from earthloom.geo.crs import wkt
from earthloom.io.raster import Raster
from earthloom.io.sinks import Level, write
from earthloom.loom.loom import Loom
from earthloom.loom.store import Store
from earthloom.pipelines.plan import Plan
from earthloom.pipelines.scratch import Scratch


@dataclass(frozen=True, kw_only=True)
class Result:
    """What was made of a picture: maps, finest zoom first, or finer imagery; `result[15]` has zoom 15 alone."""

    plan: Plan
    """What it is made by."""

    levels: tuple[Level, ...]
    """Its scales."""

    folder: Scratch
    """Holds finished blocks as long as the result lives."""

    source: Path
    """The image it is made of."""

    @classmethod
    def of(cls, plan: Plan, folder: Scratch, *, source: Path, workers: int) -> "Result":
        """Return what a plan makes; its blocks will lie in the folder."""
        loom = Loom(Store(folder.path / "blocks"), Threads(workers))
        return cls(plan=plan, levels=plan.levels(loom), folder=folder, source=source)

    @property
    def provenance(self) -> Mapping[str, str]:
        """Everything that decides the pixels, as every file carries it."""
        return self.plan.provenance.tags()

    @property
    def zooms(self) -> tuple[int, ...]:
        """The zooms there are; none off the web map."""
        return tuple(level.zoom for level in self.levels if level.zoom is not None)

    def __getitem__(self, zoom: int) -> "Result":
        """Return one zoom alone.

        Raises:
            UsageError: If it was not made.
        """
        chosen = tuple(level for level in self.levels if level.zoom == zoom)
        if not chosen:
            there = ", ".join(map(str, self.zooms)) or "none: it is imagery"
            raise UsageError(f"no zoom {zoom} in this result: it has {there}")
        return replace(self, levels=chosen)

    @cached_property
    def _raster(self) -> Raster:
        return self.levels[0].source.read(self.levels[0].window)

    @property
    def image(self) -> NDArray[np.uint8]:
        """The finest pixels, `(H, W, 3)` uint8; black where there is no ground."""
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
        """Of maps `EPSG:3857`, of imagery that of the picture; None without a place."""
        return self.levels[0].source.grid.crs

    def to_xarray(self) -> Any:
        """Return a DataArray (band, y, x) of red, green, blue and alpha with its place as rioxarray reads it.

        Pixels of a turned picture have no x and y of their own; their place is in `spatial_ref` alone.

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
        coords: dict[str, Any] = {"band": ["red", "green", "blue", "alpha"]}
        if place.b == place.d == 0:
            coords["x"] = place.c + place.a * (np.arange(width) + 0.5)
            coords["y"] = place.f + place.e * (np.arange(height) + 0.5)
        if self.crs is not None:
            text = " ".join(str(number) for number in place.to_gdal())
            coords["spatial_ref"] = ((), 0, {"crs_wkt": wkt(self.crs), "GeoTransform": text})
        pixels = np.concatenate([self._raster.pixels, alpha])
        name = "imagery" if self.plan.about is None else self.plan.about.product
        return xarray.DataArray(pixels, coords, ("band", "y", "x"), name=name, attrs=dict(self.provenance))

    def save(self, path: Path | str, *, overwrite: bool = False) -> list[Path]:
        """Write all scales; the suffix chooses the format, as for `earthloom map` and `earthloom cascade`.

        Returns:
            What was written.

        Raises:
            UsageError: If the output exists or is the image itself, or its suffix is unknown or does not fit.
            SinkError: If writing fails.
        """
        plan = self.plan
        return write(
            path,
            self.levels,
            tags=self.provenance,
            about=plan.about,
            source=self.source,
            overwrite=overwrite,
            lossless=plan.lossless,
        )
