"""Convolution blocks shared by the image networks.

Letters: B batch, C channels, H W pixels.
"""

from typing import Literal

import torch
from torch import Tensor, nn

Norm = Literal["instance", "batch"]


def normalization(kind: Norm, channels: int) -> nn.Module:
    """Return the layer that follows a convolution.

    `instance` has no learned scale and no running statistics; `batch` keeps running statistics, which make the
    network a local function of its input in evaluation mode.
    """
    return nn.BatchNorm2d(channels) if kind == "batch" else nn.InstanceNorm2d(channels)


def conv(
    in_channels: int, out_channels: int, kernel: int, *, stride: int = 1, padding: Literal["zeros", "reflect"]
) -> nn.Conv2d:
    """Return a convolution with an odd kernel whose stride-1 output is as large as its input."""
    return nn.Conv2d(in_channels, out_channels, kernel, stride, padding=kernel // 2, padding_mode=padding)


class ResidualBlock(nn.Module):
    """`x + IN(conv(ReLU(IN(conv(x)))))` with 3x3 kernels and reflected borders."""

    def __init__(self, channels: int, norm: Norm) -> None:
        """Build the two convolutions of `channels` channels."""
        super().__init__()
        self.body = nn.Sequential(
            conv(channels, channels, 3, padding="reflect"),
            normalization(norm, channels),
            nn.ReLU(inplace=True),
            conv(channels, channels, 3, padding="reflect"),
            normalization(norm, channels),
        )

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """Return a tensor of the same shape."""
        changed_BCHW: Tensor = self.body(x_BCHW)
        return x_BCHW + changed_BCHW


def initialize(module: nn.Module, seed: int) -> None:
    """Draw every convolution from N(0, 0.02), its bias from U(-b, b) with `b = fan_in ** -0.5`.

    The draw depends on the seed and the layers' order alone; the global random state is not read for it.
    """
    generator = torch.Generator().manual_seed(seed)
    for layer in module.modules():
        if not isinstance(layer, nn.Conv2d | nn.ConvTranspose2d) or layer.weight.is_meta:
            continue
        with torch.no_grad():
            layer.weight.normal_(0.0, 0.02, generator=generator)
            if layer.bias is not None:
                bound = layer.weight[0].numel() ** -0.5
                layer.bias.uniform_(-bound, bound, generator=generator)
