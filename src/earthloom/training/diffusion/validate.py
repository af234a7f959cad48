"""The training loss on the validation split, level by level, on the same samples, steps and noise every time.

Letters: H W pixels.
"""

from collections.abc import Mapping
from statistics import fmean

import torch
from torch import nn

from earthloom.data.levels import LevelSampler
from earthloom.errors import UsageError
from earthloom.nn.diffusion import NUM_STEPS
from earthloom.training.diffusion.config import DiffusionConfig
from earthloom.training.diffusion.objective import Objective
from earthloom.training.diffusion.samples import draw
from earthloom.training.regime import Report

MEAN = "mean"


def validate(
    denoiser: nn.Module, objective: Objective, samplers: Mapping[float, LevelSampler], config: DiffusionConfig
) -> Report:
    """Judge `config.judged` samples of each level, their steps spread evenly over the diffusion.

    Args:
        denoiser: On its device.
        objective: The loss.
        samplers: One of each level that has blocks to validate on.
        config: Says how many samples, and how many at once.

    Returns:
        `{"loss": {"mean": ..., "4m": ...}, "samples": {"4m": ...}}`; nothing without blocks to validate on.
    """
    if not samplers:
        return {}
    found = {level_name(level_m): _mean_loss(denoiser, objective, each, config) for level_m, each in samplers.items()}
    return {"loss": {MEAN: fmean(found.values()), **found}, "samples": dict.fromkeys(found, config.judged)}


def level_name(level_m: float) -> str:
    """Return a level's name in reports, e.g. `4m`."""
    return f"{level_m:g}m"


def check_select(select: str, samplers: Mapping[float, LevelSampler]) -> None:
    """Refuse a figure that no validation will give.

    Raises:
        UsageError: If there is nothing to validate on, or no such level.
    """
    if not samplers:
        raise UsageError(f"select={select}: no block is in the val split; leave select out")
    known = [MEAN, *(level_name(level_m) for level_m in samplers)]
    if select not in known:
        raise UsageError(f"select={select}: no such figure; there are {', '.join(known)}")


def _mean_loss(denoiser: nn.Module, objective: Objective, sampler: LevelSampler, config: DiffusionConfig) -> float:
    losses: list[float] = []
    for first in range(0, config.judged, config.batch):
        indices = range(first, min(first + config.batch, config.judged))
        t = [(2 * index + 1) * NUM_STEPS // (2 * config.judged) for index in indices]
        with torch.inference_mode():
            losses += objective.losses(denoiser, draw(sampler, 0, indices, t=t)).tolist()
    return fmean(losses)
