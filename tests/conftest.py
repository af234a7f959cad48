"""Settings every test shares, tiny untrained models and a small real file."""

import os
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")  # two workers on two cores; before anything imports torch

import numpy as np
import pytest
import rasterio
import torch
from hypothesis import HealthCheck, settings
from rasterio.transform import Affine

from earthloom.cartography.style import STYLE
from earthloom.models.metaearth.config import TINY
from earthloom.models.pix2pixhd.config import PRESETS
from earthloom.models.registry import build
from earthloom.models.weights import save

settings.register_profile(
    "earthloom",
    deadline=None,
    derandomize=True,
    max_examples=60,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("earthloom")

Z17_M = 40075016.685578488 / (512 * 2**17)
CORNER = (96670 * 512 * Z17_M - 20037508.342789244, 20037508.342789244 - 55058 * 512 * Z17_M)


@pytest.fixture(scope="session")
def tiny_series(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write an untrained tiny series."""
    folder = tmp_path_factory.mktemp("weights") / "series-tiny"
    meta = {"palette": [list(rgb) for rgb in STYLE.palette], "class_names": list(STYLE.names), "licence": "CC0-1.0"}
    config = PRESETS["tiny"]
    for seed, (part, role) in enumerate((("r2m-17", "r2m"), ("m2m", "m2m"))):
        save(folder / part, config, build(config, "generator", seed=seed), meta=meta | {"role": role})
    return folder


@pytest.fixture(scope="session")
def denoiser(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write an untrained tiny denoiser whose zeroed layers have values."""
    folder = tmp_path_factory.mktemp("denoiser") / "metaearth-tiny"
    network = build(TINY, "denoiser", seed=0)
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.03 * torch.randn(parameter.shape, generator=generator))
    save(folder, TINY, network, meta={"licence": "CC0-1.0", "levels_m": [4.0]}, network="denoiser")
    return folder


@pytest.fixture(scope="session")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write 700 x 600 px on the z17 grid, 40 px off a tile corner, with a hole and a ragged right edge."""
    path = tmp_path_factory.mktemp("image") / "town.tif"
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (3, 30, 35), dtype=np.uint8).repeat(20, axis=1).repeat(20, axis=2)
    mask = np.ones((600, 700), bool)
    mask[200:260, 300:420] = False
    mask[:, -1] = rng.random(600) < 0.5
    profile = {"driver": "GTiff", "dtype": "uint8", "count": 3, "width": 700, "height": 600, "crs": "EPSG:3857"}
    transform = Affine(Z17_M, 0, CORNER[0] + 40 * Z17_M, 0, -Z17_M, CORNER[1] - 40 * Z17_M)
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True), rasterio.open(path, "w", transform=transform, **profile) as file:
        file.write(pixels)
        file.write_mask(mask)
    return path
