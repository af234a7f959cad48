"""The coarse-to-fine generator of Pix2PixHD, and its coarse network alone.

Letters: B batch, C channels, K colours of a palette, H W pixels.
"""

from itertools import pairwise
from typing import Literal

from torch import Tensor, nn

from earthloom.errors import ShapeError
from earthloom.models.pix2pixhd.config import Enhancer, Pix2PixHDConfig
from earthloom.nn.conv import Norm, ResidualBlock, conv, initialize, normalization


def build_generator(config: Pix2PixHDConfig, *, seed: int = 0) -> nn.Module:
    """Return the generator of a configuration, freshly drawn from `seed`.

    It takes `(B, in_channels, H, W)` in [-1, 1], H and W multiples of `stride_px(config)`, and gives
    `(B, 3, H, W)` in [-1, 1] (`rgb` head) or logits `(B, K, H, W)` (`palette` head).
    """
    enhancer = config.enhancer
    generator = GlobalGenerator(config) if enhancer is None else LocalGenerator(config, enhancer)
    initialize(generator, seed)
    return generator


class GlobalGenerator(nn.Module):
    """The coarse network at full resolution, with a head (Pix2PixHD's `global`)."""

    def __init__(self, config: Pix2PixHDConfig) -> None:
        """Build the network of a configuration without an enhancer."""
        super().__init__()
        self.stride_px = 1 << config.num_halvings
        self.coarse = _coarse(config)
        self.head = _head(config.widths[0], config)

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """Translate pictures.

        Raises:
            ShapeError: If a side is too short or no multiple of the stride.
        """
        _check_size(x_BCHW, self.stride_px)
        out_BCHW: Tensor = self.head(self.coarse(x_BCHW))
        return out_BCHW


class LocalGenerator(nn.Module):
    """The enhancer around the coarse network (Pix2PixHD's `local`).

    What the coarse network hands on is its last feature map, not a picture: it is added to the front features of the
    enhancer at half resolution.
    """

    def __init__(self, config: Pix2PixHDConfig, enhancer: Enhancer) -> None:
        """Build the network of a configuration with an enhancer."""
        super().__init__()
        self.stride_px = 1 << config.num_halvings
        half = config.widths[0]
        self.pool = nn.AvgPool2d(3, stride=2, padding=1, count_include_pad=False)
        self.coarse = _coarse(config)
        self.front = nn.Sequential(
            _wide(config.in_channels, enhancer.width, config.norm),
            _down(enhancer.width, half, config.norm, config.padding),
        )
        self.blocks = nn.Sequential(*(ResidualBlock(half, config.norm) for _ in range(enhancer.num_blocks)))
        self.up = _up(half, enhancer.width, config.norm)
        self.head = _head(enhancer.width, config)

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """Translate pictures.

        Raises:
            ShapeError: If a side is too short or no multiple of the stride.
        """
        _check_size(x_BCHW, self.stride_px)
        half_BCHW = self.front(x_BCHW) + self.coarse(self.pool(x_BCHW))
        out_BCHW: Tensor = self.head(self.up(self.blocks(half_BCHW)))
        return out_BCHW


def _coarse(config: Pix2PixHDConfig) -> nn.Sequential:
    """Return G1 without its head: wide convolution, halvings, residual blocks, doublings."""
    widths, norm = config.widths, config.norm
    steps = list(pairwise(widths))
    return nn.Sequential(
        _wide(config.in_channels, widths[0], norm),
        *(_down(fine, coarse, norm, config.padding) for fine, coarse in steps),
        *(ResidualBlock(widths[-1], norm) for _ in range(config.num_blocks)),
        *(_up(coarse, fine, norm) for fine, coarse in reversed(steps)),
    )


def _wide(in_channels: int, out_channels: int, norm: Norm) -> nn.Sequential:
    return _activated(conv(in_channels, out_channels, 7, padding="reflect"), out_channels, norm)


def _down(in_channels: int, out_channels: int, norm: Norm, padding: Literal["zeros", "reflect"]) -> nn.Sequential:
    return _activated(conv(in_channels, out_channels, 3, stride=2, padding=padding), out_channels, norm)


def _up(in_channels: int, out_channels: int, norm: Norm) -> nn.Sequential:
    doubling = nn.ConvTranspose2d(in_channels, out_channels, 3, stride=2, padding=1, output_padding=1)
    return _activated(doubling, out_channels, norm)


def _activated(convolution: nn.Module, channels: int, norm: Norm) -> nn.Sequential:
    return nn.Sequential(convolution, normalization(norm, channels), nn.ReLU(inplace=True))


def _head(in_channels: int, config: Pix2PixHDConfig) -> nn.Sequential:
    last = conv(in_channels, config.out_channels, 7, padding="reflect")
    return nn.Sequential(last, nn.Tanh()) if config.head == "rgb" else nn.Sequential(last)


def _check_size(x_BCHW: Tensor, stride_px: int) -> None:
    height, width = x_BCHW.shape[-2:]
    shortest = max(8, 2 * stride_px)
    if height % stride_px or width % stride_px or min(height, width) < shortest:
        raise ShapeError(
            f"the generator takes sides that are multiples of {stride_px} px and at least {shortest} px, "
            f"got {height} x {width}"
        )
