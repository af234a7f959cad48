"""The networks and optimisers of one run, and the learning rates as functions of the step."""

from dataclasses import dataclass

import torch
from torch import nn
from torch.optim import Optimizer
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from earthloom.errors import UsageError
from earthloom.models.pix2pixhd.config import PRESETS, Pix2PixHDConfig
from earthloom.models.pix2pixhd.discriminator import build_discriminator
from earthloom.models.pix2pixhd.generator import build_generator
from earthloom.nn.processes import synchronized
from earthloom.training.config import TrainConfig
from earthloom.training.schedules import factor

BETAS = (0.5, 0.999)
"""Of Adam in the adversarial phase (Series spec section 5)."""


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


def preset(config: TrainConfig) -> Pix2PixHDConfig:
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


def build(config: TrainConfig, device: torch.device) -> Networks:
    """Draw networks from the run's seed and put them on the device."""
    model = preset(config)
    generator = _placed(synchronized(build_generator(model, seed=config.seed)), device)
    discriminator = _placed(build_discriminator(model, seed=config.seed + 1), device)
    moving = get_ema_multi_avg_fn(config.ema_decay)  # type: ignore[no-untyped-call]
    average = AveragedModel(generator, multi_avg_fn=moving, use_buffers=True)
    return Networks(
        generator,
        discriminator,
        average.eval(),
        torch.optim.AdamW(generator.parameters(), config.warm_lr, weight_decay=config.weight_decay),
        torch.optim.Adam(generator.parameters(), config.adversarial_lr, betas=BETAS),
        torch.optim.Adam(discriminator.parameters(), config.adversarial_lr, betas=BETAS),
    )


def learning_rate(config: TrainConfig, step: int) -> float:
    """Return the learning rate of step `step` (0-based) over both phases."""
    if step < config.warm_steps:
        return config.warm_lr * factor(config.warm_schedule, step, config.warm_steps)
    step -= config.warm_steps
    return config.adversarial_lr * factor(config.adversarial_schedule, step, config.adversarial_steps)


def set_learning_rate(optimizer: Optimizer, rate: float) -> None:
    """Set the rate of all parameter groups."""
    for group in optimizer.param_groups:
        group["lr"] = rate


def _placed(module: nn.Module, device: torch.device) -> nn.Module:
    """Move to the device, channels last in memory (faster convolutions)."""
    for parameter in module.to(device).parameters():
        if parameter.ndim == 4:
            parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)
    return module
