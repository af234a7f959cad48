"""What all regimes do with networks and optimisers: place, average, set the rate, descend."""

from collections.abc import Callable, Sequence
from statistics import fmean

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from earthloom.nn.processes import sum_gradients

Tensors = tuple[Tensor, ...] | list[Tensor]


def placed(module: nn.Module, device: torch.device) -> nn.Module:
    """Move to the device, channels last in memory (faster convolutions)."""
    for parameter in module.to(device).parameters():
        if parameter.ndim == 4:
            parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)
    return module


def averaged(module: nn.Module, decay: float, *, rising: bool = False) -> AveragedModel:
    """Return the exponential moving average of a network, its normalisation statistics included.

    Args:
        module: What learns.
        decay: Share of the average that a step keeps.
        rising: Keep less at first, `(1 + n) / (10 + n)` of it after n steps: a long average forgets what it began with.
    """
    moving = _rising_average(decay) if rising else get_ema_multi_avg_fn(decay)  # type: ignore[no-untyped-call]
    return AveragedModel(module, multi_avg_fn=moving, use_buffers=True).eval()


def begin_step(optimizer: Optimizer, rate: float) -> None:
    """Forget the gradients and set the rate of all parameter groups."""
    for group in optimizer.param_groups:
        group["lr"] = rate
    optimizer.zero_grad(set_to_none=True)


def descend(optimizer: Optimizer, clip_norm: float | None) -> None:
    """Take a step with the gradients of all processes, no longer than `clip_norm`."""
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    sum_gradients(parameters)
    if clip_norm is not None:
        torch.nn.utils.clip_grad_norm_(parameters, clip_norm)
    optimizer.step()


def mean_losses(found: Sequence[dict[str, float]]) -> dict[str, float]:
    """Average the losses of the batches of a step by name, over the batches that have them."""
    names = dict.fromkeys(name for losses in found for name in losses)
    return {name: fmean(losses[name] for losses in found if name in losses) for name in names}


def _rising_average(decay: float) -> Callable[[Tensors, Tensors, Tensor | int], None]:
    @torch.no_grad()
    def move(averages: Tensors, values: Tensors, num_averaged: Tensor | int) -> None:
        n = int(num_averaged)
        torch._foreach_lerp_(averages, values, 1.0 - min(decay, (1 + n) / (10 + n)))

    return move
