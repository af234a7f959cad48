"""Pix2PixHD as the registry sees it."""

import torch
from torch import Tensor

from earthloom.models.family import Family
from earthloom.models.pix2pixhd.config import PRESETS, Pix2PixHDConfig
from earthloom.models.pix2pixhd.discriminator import PICTURE_CHANNELS, build_discriminator
from earthloom.models.pix2pixhd.generator import build_generator
from earthloom.models.pix2pixhd.receptive_field import halo_px, stride_px


def _inputs(config: Pix2PixHDConfig, *channels: int) -> tuple[Tensor, ...]:
    side = max(64, 2 * stride_px(config))
    generator = torch.Generator().manual_seed(0)
    return tuple(torch.rand((1, count, side, side), generator=generator) * 2 - 1 for count in channels)


PIX2PIXHD = Family(
    name="pix2pixhd",
    config_type=Pix2PixHDConfig,
    presets=PRESETS,
    networks={
        "generator": lambda config, seed: build_generator(config, seed=seed),
        "discriminator": lambda config, seed: build_discriminator(config, seed=seed),
    },
    facts=lambda config: {"halo_px": halo_px(config), "stride_px": stride_px(config)},
    inputs={
        "generator": lambda config: _inputs(config, config.in_channels),
        "discriminator": lambda config: _inputs(config, config.in_channels, PICTURE_CHANNELS),
    },
)
