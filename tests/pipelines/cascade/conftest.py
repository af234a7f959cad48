"""A small georeferenced image with a hole."""

from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasterio.transform import Affine
from scipy import ndimage

SIZE = (20, 28)


@pytest.fixture(scope="session")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write 28 x 20 px of 16 m in UTM with a hole; smooth colours, so that nothing has to be clipped."""
    path = tmp_path_factory.mktemp("ground") / "ground.tif"
    noise = np.random.default_rng(0).normal(size=(3, *SIZE))
    smooth = ndimage.gaussian_filter(noise, (0, 3, 3))
    pixels = (128 + 45 * smooth / np.abs(smooth).max()).astype(np.uint8)
    mask = np.ones(SIZE, bool)
    mask[5:8, 10:15] = False
    profile = {"driver": "GTiff", "dtype": "uint8", "count": 3, "height": SIZE[0], "width": SIZE[1]}
    transform = Affine(16, 0, 500_000, 0, -16, 4_200_000)
    with (
        rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True),
        rasterio.open(path, "w", crs="EPSG:32633", transform=transform, **profile) as file,
    ):
        file.write(pixels)
        file.write_mask(mask)
    return path
