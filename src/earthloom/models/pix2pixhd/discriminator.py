"""The multi-scale PatchGAN discriminator of Pix2PixHD.

Letters: B batch, C channels, H W pixels.
"""

import torch
from torch import Tensor, nn

from earthloom.models.pix2pixhd.config import Pix2PixHDConfig
from earthloom.nn.conv import initialize, normalization

PICTURE_CHANNELS = 3
"""Channels of the judged picture: a map is judged as RGB, whatever the generator's head."""


def build_discriminator(config: Pix2PixHDConfig, *, seed: int = 0) -> "MultiScaleDiscriminator":
    """Return the discriminators of a configuration, freshly drawn from `seed`."""
    discriminator = MultiScaleDiscriminator(config)
    initialize(discriminator, seed)
    return discriminator


class MultiScaleDiscriminator(nn.Module):
    """One PatchGAN for the full picture and one for each halving of it, with separate weights."""

    def __init__(self, config: Pix2PixHDConfig) -> None:
        """Build the discriminators of a configuration."""
        super().__init__()
        channels = config.in_channels + PICTURE_CHANNELS
        self.scales = nn.ModuleList(
            PatchDiscriminator(channels, config.discriminator_width) for _ in range(config.discriminator_scales)
        )
        self.pool = nn.AvgPool2d(3, stride=2, padding=1, count_include_pad=False)

    def forward(self, condition_BCHW: Tensor, picture_B3HW: Tensor) -> list[list[Tensor]]:
        """Judge pictures beside what they were made from, both in [-1, 1].

        Returns:
            For each scale, finest first, the outputs of its five layers; the last is the verdict `(B, 1, h, w)`.
        """
        pair_BCHW = torch.cat((condition_BCHW, picture_B3HW), dim=1)
        outputs = []
        for index, scale in enumerate(self.scales):
            pair_BCHW = pair_BCHW if index == 0 else self.pool(pair_BCHW)
            outputs.append(scale(pair_BCHW))
        return outputs


class PatchDiscriminator(nn.Module):
    """Five 4x4 convolutions with padding 2: three of stride 2, two of stride 1; the first and last without norm."""

    def __init__(self, in_channels: int, width: int) -> None:
        """Build the layers: `width` channels after the first, then twice, four and eight times as many, then 1."""
        super().__init__()
        self.layers = nn.ModuleList(
            (
                nn.Sequential(nn.Conv2d(in_channels, width, 4, 2, 2), nn.LeakyReLU(0.2, inplace=True)),
                _normalized(width, 2 * width, stride=2),
                _normalized(2 * width, 4 * width, stride=2),
                _normalized(4 * width, 8 * width, stride=1),
                nn.Conv2d(8 * width, 1, 4, 1, 2),
            )
        )

    def forward(self, x_BCHW: Tensor) -> list[Tensor]:
        """Return the outputs of the five layers in order."""
        outputs = []
        for layer in self.layers:
            x_BCHW = layer(x_BCHW)
            outputs.append(x_BCHW)
        return outputs


def _normalized(in_channels: int, out_channels: int, *, stride: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, 4, stride, 2),
        normalization("instance", out_channels),
        nn.LeakyReLU(0.2, inplace=True),
    )
