"""Small images of every kind, and a source whose pixels are known."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import rasterio
from affine import Affine
from numpy.typing import NDArray
from rasterio.enums import Resampling
from rasterio.errors import NotGeoreferencedWarning

from earthloom.geo.grid import Grid
from earthloom.geo.windows import Window
from earthloom.io.raster import Raster

MakeTiff = Callable[..., Path]


def noisy(bands: int, height: int, width: int, seed: int = 0) -> NDArray[np.uint8]:
    """Return smooth ground with noise, no value 0."""
    rows, cols = np.mgrid[:height, :width]
    ramp = np.stack([rows * 2 + cols * (band + 1) for band in range(bands)]) % 200
    noise = np.random.default_rng(seed).integers(1, 56, (bands, height, width))
    return (ramp + noise).astype(np.uint8)


def ragged(height: int, width: int) -> NDArray[np.bool_]:
    """Return a mask with a ragged edge and a hole."""
    rows, cols = np.mgrid[:height, :width]
    distance = np.hypot(rows - height / 2, cols - width / 2)
    noise = np.random.default_rng(7).normal(0, 3, (height, width))
    return (distance + noise < 0.47 * min(height, width)) & (np.hypot(rows - height / 3, cols - width / 2) > 6)


@pytest.fixture
def make_tiff(tmp_path: Path) -> MakeTiff:
    """Write a GeoTIFF from an array, with an internal mask, overviews or anything rasterio knows."""

    def make(
        pixels: NDArray[Any],
        *,
        name: str = "image.tif",
        mask: NDArray[np.bool_] | None = None,
        overviews: tuple[int, ...] = (),
        **options: Any,
    ) -> Path:
        path = tmp_path / name
        count, height, width = pixels.shape
        profile = {"count": count, "height": height, "width": width, "dtype": pixels.dtype, **options}
        has_place = not options.keys().isdisjoint({"transform", "gcps"})
        with (
            rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True),
            rasterio.Env() if has_place else pytest.warns(NotGeoreferencedWarning),
            rasterio.open(path, "w", driver="GTiff", **profile) as file,
        ):
            file.write(pixels)
            if mask is not None:
                file.write_mask(mask)
        if overviews:
            with rasterio.open(path, "r+") as file:
                file.build_overviews(list(overviews), Resampling.average)
        return path

    return make


@dataclass(frozen=True)
class Known:
    """An array at a place of a grid; what is off it is masked."""

    grid: Grid
    raster: Raster
    place: Window
    bands: int = 3
    dtype: str = "uint8"
    identity: str = "known"

    def read(self, window: Window) -> Raster:
        result = Raster.empty(3, window.height, window.width, "uint8")
        if window.intersects(self.place):
            part = window.intersection(self.place)
            rows, cols = part.slices_in(window)
            piece = self.raster.crop(part, self.place)
            result.pixels[:, rows, cols] = piece.pixels
            result.mask[rows, cols] = piece.mask
        return result


def known(grid: Grid, place: Window, *, holes: bool = True) -> Known:
    """Return a source of noise with a hole and a ragged edge."""
    mask = ragged(place.height, place.width) if holes else np.ones((place.height, place.width), np.bool_)
    return Known(grid.within(place), Raster(noisy(3, place.height, place.width) * mask, mask), place)


PLACES = {
    "utm": {"crs": "EPSG:32645", "transform": Affine(0.5, 0, 353000, 0, -0.5, 3057000)},
    "lonlat": {"crs": "EPSG:4326", "transform": Affine(5e-6, 0, 85.51, 0, -5e-6, 27.63)},
    "mercator": {"crs": "EPSG:3857", "transform": Affine(0.6, 0, 9519161.3, 0, -0.6, 3203628.1)},
    "rotated": {
        "crs": "EPSG:32645",
        "transform": Affine.translation(353000, 3057000) @ Affine.rotation(33) @ Affine.scale(0.5, -0.5),
    },
}


@pytest.fixture
def kit(make_tiff: MakeTiff) -> SimpleNamespace:
    """What tests of images share."""
    return SimpleNamespace(tiff=make_tiff, noisy=noisy, ragged=ragged, known=known, places=PLACES)
