"""The low-resolution block as features at full size: RRDBNet without its head, then two doublings (equation 12).

Letters: B batch, C channels, h w low-resolution pixels, H W = 4h 4w.
"""

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from earthloom.models.metaearth.config import EncoderConfig

SLOPE = 0.2
"""Of the leaky rectifiers."""

RESIDUAL = 0.2
"""How much of a block's change counts."""

NUM_DENSE = 5


class ConditionEncoder(nn.Module):
    """RGB in [-1, 1] to features of the same ground, four times as many pixels a side."""

    def __init__(self, config: EncoderConfig) -> None:
        """Build the trunk and the alignment."""
        super().__init__()
        width = config.width
        self.stem = nn.Conv2d(3, width, 3, padding=1)
        self.trunk = nn.Sequential(*(ResidualInResidual(width, config.growth) for _ in range(config.num_blocks)))
        self.trunk_end = nn.Conv2d(width, width, 3, padding=1)
        self.align = nn.ModuleList(nn.Conv2d(width, width, 3, padding=1) for _ in range(2))

    def forward(self, lr_B3hw: Tensor) -> Tensor:
        """Return `(B, C, 4h, 4w)`."""
        features = self.stem(lr_B3hw)
        features = features + self.trunk_end(self.trunk(features))
        for convolution in self.align:
            features = functional.leaky_relu(convolution(doubled(features)), SLOPE)
        return cast(Tensor, features)


class ResidualInResidual(nn.Module):
    """Three dense blocks in a row, a fifth of their change added (RRDB)."""

    def __init__(self, width: int, growth: int) -> None:
        """Build the blocks."""
        super().__init__()
        self.blocks = nn.Sequential(*(DenseBlock(width, growth) for _ in range(3)))

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """Return a tensor of the same shape."""
        return x_BCHW + RESIDUAL * cast(Tensor, self.blocks(x_BCHW))


class DenseBlock(nn.Module):
    """Five convolutions, each of which reads all before it; a fifth of the last is added (RDB)."""

    def __init__(self, width: int, growth: int) -> None:
        """Build the layers."""
        super().__init__()
        outs = [growth] * (NUM_DENSE - 1) + [width]
        self.convolutions = nn.ModuleList(
            nn.Conv2d(width + index * growth, out, 3, padding=1) for index, out in enumerate(outs)
        )
        for convolution in self.convolutions:
            weight = cast(Tensor, convolution.weight)
            nn.init.kaiming_normal_(weight)
            with torch.no_grad():
                weight.mul_(0.1)

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """Return a tensor of the same shape."""
        known, change = x_BCHW, x_BCHW
        for index, convolution in enumerate(self.convolutions):
            change = convolution(known)
            if index < NUM_DENSE - 1:
                known = torch.cat((known, functional.leaky_relu(change, SLOPE)), dim=1)
        return x_BCHW + RESIDUAL * change


def doubled(x_BCHW: Tensor) -> Tensor:
    """Repeat every pixel 2 x 2."""
    return functional.interpolate(x_BCHW, scale_factor=2.0, mode="nearest")
