"""A study in miniature: untrained denoisers of 32 px, a catalog of smooth noise, features that take no time."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy import ndimage
from torch import nn

from earthloom.data.blocks import Block
from earthloom.data.build import About
from earthloom.data.catalog import write_catalog
from earthloom.metrics.features import Features
from earthloom.models.metaearth.config import TINY
from earthloom.models.registry import build
from earthloom.models.weights import save
from earthloom.pipelines import denoise
from earthloom.pipelines.denoise import CascadeWeights
from earthloom.pipelines.device import Device
from earthloom.pipelines.run import RunOptions
from earthloom.pipelines.stages import Sampling
from earthloom.studies.metaearth.inputs import read_catalogs
from earthloom.studies.metaearth.study import QUICK, Study
from earthloom.training.card import credit

SIDE_PX = 64
GROUND = [  # metres, place, split, blocks
    (1.0, (10.5, 48.0), "val", 8),
    (0.8, (-70.0, -33.0), "test", 4),
    (4.0, None, "val", 1),
    (4.0, None, "train", 3),
]
MOMENTS = Features(
    name="colour moments",
    num=6,
    compute=lambda pictures: np.concatenate([pictures.mean(axis=(1, 2)), pictures.std(axis=(1, 2))], axis=1) / 64,
)


def picture(rng: np.random.Generator, side_px: int = SIDE_PX) -> np.ndarray:
    smooth = ndimage.gaussian_filter(rng.normal(size=(side_px, side_px, 3)), (2, 2, 0))
    return (128 + 45 * smooth / np.abs(smooth).max()).astype(np.uint8)


@pytest.fixture(scope="session")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rng = np.random.default_rng(0)
    blocks = [
        Block(rgb_HW3=picture(rng), gsd_m=gsd_m, lon_lat=place, site=f"{gsd_m} {split} {index}", split=split)
        for gsd_m, place, split, count in GROUND
        for index in range(count)
    ]
    folder = tmp_path_factory.mktemp("catalog") / "mine"
    write_catalog(About(pack="mine", licence="CC0", attribution="me"), blocks, folder)
    return folder


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Write two denoisers whose zeroed layers have values: with resolution and without."""
    folder = tmp_path_factory.mktemp("denoisers")
    for seed, resolution in enumerate(("input", "none")):
        config = replace(TINY, resolution=resolution)
        network = build(config, "denoiser", seed=seed)
        generator = torch.Generator().manual_seed(1)
        with torch.no_grad():
            for parameter in network.parameters():
                parameter.add_(0.03 * torch.randn(parameter.shape, generator=generator))
        meta = {"licence": "CC0-1.0", "levels_m": [1.0, 4.0, 16.0]}
        save(folder / resolution, config, network, meta=meta, network="denoiser")
    return folder / "input", folder / "none"


class Toy(nn.Module):
    """A convolution over noise and nearest ground in place of the denoiser; counts the pictures it is called for."""

    config = TINY

    def __init__(self) -> None:
        super().__init__()
        self.calls = 0
        self.mix = nn.Conv2d(6, 3, 3, padding=1)
        generator = torch.Generator().manual_seed(0)
        with torch.no_grad():
            for parameter in self.parameters():
                parameter.copy_(0.3 * torch.randn(parameter.shape, generator=generator))

    def encode(self, lr_B3hw):
        return lr_B3hw.repeat_interleave(4, 2).repeat_interleave(4, 3)

    def denoise(self, x_B3HW, t_B, gsd_B, condition_BCHW):
        self.calls += len(x_B3HW)
        return torch.tanh(self.mix(torch.cat((x_B3HW, condition_BCHW), dim=1)) + gsd_B[0] / 100)


@pytest.fixture
def toy(monkeypatch: pytest.MonkeyPatch) -> Toy:
    network = Toy()
    monkeypatch.setattr(denoise, "_network", lambda weights, device_type: network)
    return network


@pytest.fixture
def study(catalog: Path, models: tuple[Path, Path], tmp_path: Path) -> Study:
    with_resolution, without = models
    return Study(
        weights=CascadeWeights.read(str(with_resolution)),
        without=CascadeWeights.read(str(without)),
        features=MOMENTS,
        blocks=read_catalogs([catalog]),
        classes=None,
        classes_gsd_m=8.0,
        folder=tmp_path / "report",
        credits=(credit(catalog, unknown=""),),
        options=RunOptions(device=Device.choose("cpu"), workers=1),
        sampling=Sampling(steps=2),
        effort=QUICK,
    )
