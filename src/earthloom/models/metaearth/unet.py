"""The U-Net of the denoiser: five levels at full size, scale-shift normalisation, attention deep down.

Geometry of guided diffusion (Dhariwal & Nichol 2021, arXiv:2105.05233), which the paper's own follows.

Letters: B batch, C channels, H W pixels, N heads, L places, D features of a head, E embedding.
"""

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from earthloom.models.metaearth.config import MetaEarthConfig
from earthloom.models.metaearth.encoder import doubled


class UNet(nn.Module):
    """Noisy picture and condition, told step and resolution, to the prediction."""

    def __init__(self, config: MetaEarthConfig) -> None:
        """Build the levels of a configuration."""
        super().__init__()
        widths = [config.width * multiplier for multiplier in config.multipliers]
        level_at = list(enumerate(widths))
        self.stem = nn.Conv2d(3 + config.encoder.width, config.width, 3, padding=1)
        kept = [config.width]
        self.down = nn.ModuleList()
        for level, width in level_at:
            for _ in range(config.num_blocks):
                self.down.append(Stage(config, kept[-1], width, attends=level in config.attention))
                kept.append(width)
            if level + 1 < len(widths):
                self.down.append(Down(width))
                kept.append(width)
        deepest = kept[-1]
        self.middle = nn.ModuleList(
            (Stage(config, deepest, deepest, attends=True), Stage(config, deepest, deepest, attends=False))
        )
        self.up = nn.ModuleList()
        current = deepest
        for level, width in reversed(level_at):
            for index in range(config.num_blocks + 1):
                rises = level > 0 and index == config.num_blocks
                inputs = current + kept.pop()
                self.up.append(Stage(config, inputs, width, attends=level in config.attention, rises=rises))
                current = width
        self.head = nn.Sequential(
            nn.GroupNorm(config.groups, current), nn.SiLU(), zeroed(nn.Conv2d(current, 3, 3, padding=1))
        )

    def forward(self, x_B3HW: Tensor, condition_BCHW: Tensor, embedding_BE: Tensor) -> Tensor:
        """Return `(B, 3, H, W)`."""
        h_BCHW = self.stem(torch.cat((x_B3HW, condition_BCHW), dim=1))
        kept = [h_BCHW]
        for layer in self.down:
            h_BCHW = layer(h_BCHW, embedding_BE)
            kept.append(h_BCHW)
        for layer in self.middle:
            h_BCHW = layer(h_BCHW, embedding_BE)
        for layer in self.up:
            h_BCHW = layer(torch.cat((h_BCHW, kept.pop()), dim=1), embedding_BE)
        return cast(Tensor, self.head(h_BCHW))


class Stage(nn.Module):
    """A residual block, then attention, then a doubling, as a place in the U-Net has them."""

    def __init__(
        self, config: MetaEarthConfig, inputs: int, outputs: int, *, attends: bool, rises: bool = False
    ) -> None:
        """Build what this place has."""
        super().__init__()
        self.block = ResidualBlock(inputs, outputs, embedding=4 * config.width, groups=config.groups)
        self.attention = Attention(outputs, config.head_channels, config.groups) if attends else None
        self.rise = nn.Conv2d(outputs, outputs, 3, padding=1) if rises else None

    def forward(self, x_BCHW: Tensor, embedding_BE: Tensor) -> Tensor:
        """Return the features of the next place."""
        h_BCHW = self.block(x_BCHW, embedding_BE)
        if self.attention is not None:
            h_BCHW = self.attention(h_BCHW)
        return cast(Tensor, h_BCHW if self.rise is None else self.rise(doubled(h_BCHW)))


class Down(nn.Module):
    """A convolution of stride 2."""

    def __init__(self, channels: int) -> None:
        """Build the layer."""
        super().__init__()
        self.convolution = nn.Conv2d(channels, channels, 3, stride=2, padding=1)

    def forward(self, x_BCHW: Tensor, embedding_BE: Tensor) -> Tensor:
        """Return half as many pixels a side; the embedding says nothing here."""
        return cast(Tensor, self.convolution(x_BCHW))


class ResidualBlock(nn.Module):
    """Two convolutions; the second's normalisation is scaled and shifted by the embedding (equation 22)."""

    def __init__(self, inputs: int, outputs: int, *, embedding: int, groups: int) -> None:
        """Build the layers."""
        super().__init__()
        self.first_norm = nn.GroupNorm(groups, inputs)
        self.first = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.modulation = nn.Linear(embedding, 2 * outputs)
        self.second_norm = nn.GroupNorm(groups, outputs)
        self.second = zeroed(nn.Conv2d(outputs, outputs, 3, padding=1))
        self.skip = nn.Identity() if inputs == outputs else nn.Conv2d(inputs, outputs, 1)

    def forward(self, x_BCHW: Tensor, embedding_BE: Tensor) -> Tensor:
        """Return `skip(x) + h`, `h` read through `(1 + g) GN(h) + b`."""
        h_BCHW = self.first(functional.silu(self.first_norm(x_BCHW)))
        scale_BC11, shift_BC11 = self.modulation(functional.silu(embedding_BE))[..., None, None].chunk(2, dim=1)
        h_BCHW = self.second_norm(h_BCHW) * (1.0 + scale_BC11) + shift_BC11
        return cast(Tensor, self.skip(x_BCHW) + self.second(functional.silu(h_BCHW)))


class Attention(nn.Module):
    """Every place looks at every other, in heads of a fixed number of channels."""

    def __init__(self, channels: int, head_channels: int, groups: int) -> None:
        """Build the projections."""
        super().__init__()
        self.num_heads = max(1, channels // head_channels)
        self.norm = nn.GroupNorm(groups, channels)
        self.qkv = nn.Conv2d(channels, 3 * channels, 1)
        self.out = zeroed(nn.Conv2d(channels, channels, 1))

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """Return `x` plus what the places tell each other."""
        batch, channels, height, width = x_BCHW.shape
        qkv_B3NDL = self.qkv(self.norm(x_BCHW)).reshape(batch, 3, self.num_heads, -1, height * width)
        query, key, value = qkv_B3NDL.transpose(-1, -2).contiguous().unbind(1)
        seen_BNLD = functional.scaled_dot_product_attention(query, key, value)
        seen_BCHW = seen_BNLD.transpose(-1, -2).reshape(batch, channels, height, width)
        return x_BCHW + cast(Tensor, self.out(seen_BCHW))


def zeroed(layer: nn.Conv2d) -> nn.Conv2d:
    """Let a layer begin with zeros: its block first changes nothing."""
    nn.init.zeros_(layer.weight)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer
