"""MetaEarth as the registry sees it."""

import torch
from torch import Tensor

from earthloom.models.family import Family
from earthloom.models.metaearth.config import FACTOR, PRESETS, MetaEarthConfig
from earthloom.models.metaearth.denoiser import build_denoiser


def _inputs(config: MetaEarthConfig) -> tuple[Tensor, ...]:
    side = 2 * config.multiple_px
    generator = torch.Generator().manual_seed(0)
    x_B3HW = torch.randn((1, 3, side, side), generator=generator)
    lr_B3hw = torch.rand((1, 3, side // FACTOR, side // FACTOR), generator=generator) * 2 - 1
    return x_B3HW, torch.tensor([500]), torch.tensor([16.0]), lr_B3hw


METAEARTH = Family(
    name="metaearth",
    config_type=MetaEarthConfig,
    presets=PRESETS,
    networks={"denoiser": lambda config, seed: build_denoiser(config, seed=seed)},
    facts=lambda config: {"factor": FACTOR, "window_px": config.window_px},
    inputs={"denoiser": _inputs},
)
"""Yu et al. 2024: one denoiser for all stages of the cascade."""
