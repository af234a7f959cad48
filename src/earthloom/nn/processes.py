"""One batch spread over processes: sums across all of them, with gradients as if there were one process.

Every process states the loss of the whole batch and differentiates its own part; summed gradients are then those of
the whole batch. Alone, everything here does nothing.

Letters: B batch, C channels, H W pixels.
"""

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, distributed, nn


def together() -> bool:
    """Say whether there are several processes."""
    return distributed.is_available() and distributed.is_initialized() and distributed.get_world_size() > 1


def total(part: Tensor) -> Tensor:
    """Return the sum over processes; its gradient flows to this process's part alone."""
    if not together():
        return part
    return part + (_summed(part) - part.detach())


def sum_gradients(parameters: Iterable[nn.Parameter]) -> None:
    """Add up the gradients of all processes, in place; all have gradients for the same parameters."""
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    if not together() or not gradients:
        return
    flat = torch.cat([gradient.flatten() for gradient in gradients])
    distributed.all_reduce(flat)
    for gradient, part in zip(gradients, torch.split(flat, [each.numel() for each in gradients]), strict=True):
        gradient.copy_(part.view_as(gradient))


def synchronized(module: nn.Module) -> nn.Module:
    """Let the batch normalisations of a module use the statistics of the whole batch, in place."""
    for name, child in module.named_children():
        if type(child) is nn.BatchNorm2d:
            setattr(module, name, _twin(child))
        else:
            synchronized(child)
    return module


class SynchronizedBatchNorm2d(nn.BatchNorm2d):
    """Batch normalisation over all processes; torch's own needs CUDA."""

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """Normalise `(B, C, H, W)`; alone or at inference exactly as `nn.BatchNorm2d`."""
        if not (self.training and together()):
            return super().forward(x_BCHW)
        values_BCHW = x_BCHW.float()
        sum_C, squares_C = values_BCHW.sum((0, 2, 3)), values_BCHW.square().sum((0, 2, 3))
        own_C = torch.full_like(sum_C, x_BCHW.numel() / x_BCHW.shape[1])
        sum_C, squares_C, count_C = _Sum.apply(torch.stack([sum_C, squares_C, own_C]))  # type: ignore[no-untyped-call]
        mean_C = sum_C / count_C
        variance_C = squares_C / count_C - mean_C.square()
        self._follow(mean_C.detach(), (variance_C * count_C / (count_C - 1)).detach())
        scale_C = self.weight * torch.rsqrt(variance_C + self.eps)
        shift_C = self.bias - mean_C * scale_C
        y_BCHW: Tensor = values_BCHW * scale_C[:, None, None] + shift_C[:, None, None]
        return y_BCHW.to(x_BCHW.dtype)

    def _follow(self, mean_C: Tensor, variance_C: Tensor) -> None:
        """Move the running statistics, which every process keeps alike."""
        seen = (self.running_mean, mean_C), (self.running_var, variance_C)
        for running_C, found_C in seen:
            if running_C is not None and self.momentum is not None:
                running_C.lerp_(found_C, self.momentum)
        if self.num_batches_tracked is not None:
            self.num_batches_tracked.add_(1)


class _Sum(torch.autograd.Function):
    """Sum over processes that all of them go on to use: their gradients are summed on the way back."""

    @staticmethod
    def forward(ctx: Any, part: Tensor) -> Tensor:
        return _summed(part)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        return _summed(gradients[0])


def _summed(part: Tensor) -> Tensor:
    whole = part.detach().clone()
    distributed.all_reduce(whole)
    return whole


def _twin(norm: nn.BatchNorm2d) -> SynchronizedBatchNorm2d:
    twin = SynchronizedBatchNorm2d(norm.num_features, norm.eps, norm.momentum)
    twin.load_state_dict(norm.state_dict())
    return twin.to(norm.weight.device)
