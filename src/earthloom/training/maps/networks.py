"""The networks and optimisers of one run."""

from dataclasses import dataclass

import torch
from torch import nn
from torch.optim import Optimizer
from torch.optim.swa_utils import AveragedModel

from earthloom.errors import UsageError
from earthloom.models.pix2pixhd.config import PRESETS, Pix2PixHDConfig
from earthloom.models.pix2pixhd.discriminator import build_discriminator
from earthloom.models.pix2pixhd.generator import build_generator
from earthloom.nn.processes import synchronized
from earthloom.training.maps.config import MapsConfig
from earthloom.training.optimisers import averaged, placed

BETAS = (0.5, 0.999)
"""Of Adam in the adversarial phase, as in Series GAN."""


@dataclass(frozen=True, slots=True, eq=False)
class Networks:
    """What learns."""

    generator: nn.Module
    """On the device; with several processes its batch normalisation spans them all."""

    discriminator: nn.Module
    """On the device."""

    average: AveragedModel
    """Exponential moving average of the generator, its normalisation statistics included."""

    warm: Optimizer
    """AdamW of the generator for the warm start."""

    adversarial: Optimizer
    """Adam of the generator against the discriminator."""

    judge: Optimizer
    """Adam of the discriminator."""


def preset(config: MapsConfig) -> Pix2PixHDConfig:
    """Return the architecture of a run.

    Raises:
        UsageError: If the preset is unknown, or its head and the losses do not fit.
    """
    if config.model not in PRESETS:
        raise UsageError(f"no pix2pixhd preset {config.model!r}; there are {', '.join(PRESETS)}")
    model = PRESETS[config.model]
    if model.head == "rgb" and (config.warm_steps or config.label_weight):
        raise UsageError(
            f"pix2pixhd/{config.model} paints RGB and has no classes to warm up; "
            "use --set warm_steps=0 --set label_weight=0"
        )
    return model


def build(config: MapsConfig, device: torch.device) -> Networks:
    """Draw networks from the run's seed and put them on the device."""
    model = preset(config)
    generator = placed(synchronized(build_generator(model, seed=config.seed)), device)
    discriminator = placed(build_discriminator(model, seed=config.seed + 1), device)
    return Networks(
        generator,
        discriminator,
        averaged(generator, config.ema_decay),
        torch.optim.AdamW(generator.parameters(), config.warm_lr, weight_decay=config.weight_decay),
        torch.optim.Adam(generator.parameters(), config.adversarial_lr, betas=BETAS),
        torch.optim.Adam(discriminator.parameters(), config.adversarial_lr, betas=BETAS),
    )
