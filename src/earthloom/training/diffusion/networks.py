"""The network and the optimiser of one run."""

from dataclasses import dataclass

import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel

from earthloom.errors import UsageError
from earthloom.models.metaearth.config import PRESETS, MetaEarthConfig
from earthloom.models.metaearth.denoiser import build_denoiser
from earthloom.training.diffusion.config import DiffusionConfig
from earthloom.training.optimisers import averaged, placed

BETAS = (0.9, 0.999)
"""Of AdamW; not printed in the paper, torch's."""


@dataclass(frozen=True, slots=True, eq=False)
class Networks:
    """What learns."""

    denoiser: nn.Module
    """On the device."""

    average: AveragedModel
    """Exponential moving average of the denoiser."""

    optimiser: torch.optim.AdamW
    """Of the denoiser."""


def preset(config: DiffusionConfig) -> MetaEarthConfig:
    """Return the architecture of a run.

    Raises:
        UsageError: If the preset is unknown, or crops do not fit it.
    """
    if config.model not in PRESETS:
        raise UsageError(f"no metaearth preset {config.model!r}; there are {', '.join(PRESETS)}")
    model = PRESETS[config.model]
    if config.crop_px % model.multiple_px:
        raise UsageError(
            f"crop_px={config.crop_px} is no multiple of {model.multiple_px}, as metaearth/{config.model} wants it"
        )
    return model


def build(config: DiffusionConfig, device: torch.device) -> Networks:
    """Draw the denoiser from the run's seed and put it on the device."""
    denoiser = placed(build_denoiser(preset(config), seed=config.seed), device)
    return Networks(
        denoiser,
        averaged(denoiser, config.ema_decay, rising=True),
        torch.optim.AdamW(denoiser.parameters(), config.lr, BETAS, weight_decay=config.weight_decay),
    )
