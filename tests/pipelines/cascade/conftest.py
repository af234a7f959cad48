"""A small georeferenced image with a hole, and an untrained denoiser whose zeroed layers have values."""

from pathlib import Path

import numpy as np
import pytest
import rasterio
import torch
from rasterio.transform import Affine
from scipy import ndimage

from earthloom.models.metaearth.config import TINY
from earthloom.models.registry import build
from earthloom.models.weights import save

SIZE = (44, 52)


@pytest.fixture(scope="session")
def denoiser(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("denoiser") / "metaearth-tiny"
    network = build(TINY, "denoiser", seed=0)
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.03 * torch.randn(parameter.shape, generator=generator))
    save(folder, TINY, network, meta={"licence": "CC0-1.0", "levels_m": [4.0]}, network="denoiser")
    return folder


@pytest.fixture(scope="session")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write 52 x 44 px of 16 m in UTM with a hole; smooth colours, so that nothing has to be clipped."""
    path = tmp_path_factory.mktemp("ground") / "ground.tif"
    noise = np.random.default_rng(0).normal(size=(3, *SIZE))
    smooth = ndimage.gaussian_filter(noise, (0, 3, 3))
    pixels = (128 + 45 * smooth / np.abs(smooth).max()).astype(np.uint8)
    mask = np.ones(SIZE, bool)
    mask[10:16, 20:30] = False
    profile = {"driver": "GTiff", "dtype": "uint8", "count": 3, "height": SIZE[0], "width": SIZE[1]}
    transform = Affine(16, 0, 500_000, 0, -16, 4_200_000)
    with (
        rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True),
        rasterio.open(path, "w", crs="EPSG:32633", transform=transform, **profile) as file,
    ):
        file.write(pixels)
        file.write_mask(mask)
    return path
