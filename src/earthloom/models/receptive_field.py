"""How far a network sees, measured by the gradient of output pixels (Luo et al. 2016, arXiv:1701.04128).

Letters: B inputs, C channels, K outputs, H W pixels, D distances.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

SHARE = 0.999
"""Of the absolute gradient, within the effective radius."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """Distances along a side at which input pixels matter to an output pixel."""

    radius_px: int
    """The largest with a gradient that is not exactly 0."""

    effective_px: int
    """Half the side of the square that holds `SHARE` of the absolute gradient."""


def measure_reach(network: nn.Module, x_BCHW: Tensor, stride_px: int) -> Reach:
    """Follow the gradient of output pixels around the centre back to the input.

    One output for each phase of the stride, and for each input, because a network with halvings sees differently far
    from each. What is differentiated is a random mixture of the output's channels; every output counts alike.

    Args:
        network: In evaluation mode; as large on both sides as what it makes.
        x_BCHW: Inputs in [-1, 1], H and W an even number of strides. Float64 keeps unseen pixels at exactly 0.
        stride_px: Total down-sampling factor.
    """
    masses_D = torch.stack([_mass_by_distance(*pair) for pair in _gradients(network, x_BCHW, stride_px)]).mean(0)
    held_D = masses_D.cumsum(0)
    return Reach(
        radius_px=int(masses_D.nonzero().max()), effective_px=int((held_D >= SHARE * held_D[-1]).nonzero().min())
    )


def _gradients(network: nn.Module, x_BCHW: Tensor, stride_px: int) -> Iterator[tuple[Tensor, int]]:
    """Give |d output / d input| `(H, W)` of single output pixels, and where on the diagonal each lies."""
    mixing = torch.Generator().manual_seed(0)
    centre = x_BCHW.shape[-1] // 2
    for x_CHW in x_BCHW:
        x_1CHW = x_CHW[None].clone().requires_grad_()
        y_1KHW = network(x_1CHW)
        for at in range(centre, centre + stride_px):
            mixture_K = torch.randn(y_1KHW.shape[1], generator=mixing, dtype=y_1KHW.dtype)
            (gradient_1CHW,) = torch.autograd.grad(y_1KHW[0, :, at, at] @ mixture_K, x_1CHW, retain_graph=True)
            yield gradient_1CHW[0].abs().sum(0), at


def _mass_by_distance(gradient_HW: Tensor, at: int) -> Tensor:
    """Sum a gradient over the squares around a pixel of the diagonal, by distance along a side; the total is 1."""
    away = (torch.arange(gradient_HW.shape[0]) - at).abs()
    distance_HW = torch.maximum(away[:, None], away[None, :])
    mass_D = torch.bincount(distance_HW.flatten(), gradient_HW.flatten(), minlength=len(gradient_HW))
    return mass_D / mass_D.sum()


@torch.inference_mode()
def equal_halo_px(network: nn.Module, x_BCHW: Tensor, stride_px: int, full_px: int) -> int:
    """Return the smallest halo from which on the likeliest class of every pixel of a block stays what it is.

    Blocks are what is left of the inputs without `full_px` on each side; halos are tried in steps of the stride, from
    the full one down to the first that changes a pixel.

    Args:
        network: In evaluation mode; gives class scores `(B, K, H, W)`.
        x_BCHW: Blocks with their full halo, in [-1, 1].
        stride_px: Total down-sampling factor.
        full_px: A halo that covers all the network sees.
    """
    wanted_BHW = _classes(network, x_BCHW, full_px)
    for halo_px in range(full_px - stride_px, -1, -stride_px):
        cut = full_px - halo_px
        if not torch.equal(_classes(network, x_BCHW[..., cut:-cut, cut:-cut], halo_px), wanted_BHW):
            return halo_px + stride_px
    return 0


def _classes(network: nn.Module, x_BCHW: Tensor, halo_px: int) -> Tensor:
    """Return the likeliest class of what lies within a halo, `(B, H, W)`, one window at a time as the loom does."""
    side = x_BCHW.shape[-1]
    inner = slice(halo_px, side - halo_px)
    return torch.cat([network(x_CHW[None])[..., inner, inner].argmax(1) for x_CHW in x_BCHW])
