"""Classifiers of pictures, trained from scratch: ResNet34, VGG19 and vision transformers, as published.

Letters: B batch, C channels, H W pixels, K classes, L tokens, D width.
"""

from typing import cast

import torch
from torch import Tensor, nn

RESNET34 = ((64, 3), (128, 4), (256, 6), (512, 3))
"""(channels, blocks) of the four stages (He et al. 2016, table 1)."""

VGG19 = ((64, 2), (128, 2), (256, 4), (512, 4), (512, 4))
"""(channels, convolutions) of the five stages (Simonyan & Zisserman 2015, column E)."""


class ResNet34(nn.Module):
    """He et al. 2016, arXiv:1512.03385; 21,284,672 parameters and 513 a class."""

    def __init__(self, num_classes: int) -> None:
        """Build it."""
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(3, 64, 7, stride=2, padding=3, bias=False),
            nn.BatchNorm2d(64),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(3, stride=2, padding=1),
        )
        blocks, before = [], 64
        for index, (channels, count) in enumerate(RESNET34):
            for place in range(count):
                blocks.append(_Residual(before, channels, stride=2 if index and not place else 1))
                before = channels
        self.blocks = nn.Sequential(*blocks)
        self.head = nn.Linear(before, num_classes)
        _draw(self)

    def forward(self, x_B3HW: Tensor) -> Tensor:
        """Return logits `(B, K)`."""
        return cast(Tensor, self.head(self.blocks(self.stem(x_B3HW)).mean(dim=(2, 3))))


class VGGNet(nn.Module):
    """VGG19 without normalisation, for sides of at least 32 px; 139,570,240 parameters and 4,097 a class."""

    def __init__(self, num_classes: int) -> None:
        """Build it."""
        super().__init__()
        layers: list[nn.Module] = []
        before = 3
        for channels, count in VGG19:
            for _ in range(count):
                layers += [nn.Conv2d(before, channels, 3, padding=1), nn.ReLU(inplace=True)]
                before = channels
            layers.append(nn.MaxPool2d(2))
        self.features = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(7), nn.Flatten())
        wide = [nn.Linear(49 * before, 4096), nn.ReLU(inplace=True), nn.Dropout()]
        self.head = nn.Sequential(
            *wide, nn.Linear(4096, 4096), nn.ReLU(inplace=True), nn.Dropout(), nn.Linear(4096, num_classes)
        )
        _draw(self)

    def forward(self, x_B3HW: Tensor) -> Tensor:
        """Return logits `(B, K)`."""
        return cast(Tensor, self.head(self.features(x_B3HW)))


class ViT(nn.Module):
    """A vision transformer with a class token and learned positions (Dosovitskiy et al. 2021, arXiv:2010.11929)."""

    def __init__(self, num_classes: int, *, side_px: int, patch_px: int, width: int, depth: int, heads: int) -> None:
        """Build it.

        Args:
            num_classes: K.
            side_px: Of the pictures; a multiple of `patch_px`.
            patch_px: Side of what becomes a token.
            width: D.
            depth: Blocks.
            heads: Of attention; divides D.
        """
        super().__init__()
        self.patches = nn.Conv2d(3, width, patch_px, stride=patch_px)
        self.class_token = nn.Parameter(torch.zeros(1, 1, width))
        self.positions = nn.Parameter(0.02 * torch.randn(1, (side_px // patch_px) ** 2 + 1, width))
        blocks = [
            nn.TransformerEncoderLayer(
                width, heads, 4 * width, dropout=0.0, activation="gelu", batch_first=True, norm_first=True
            )
            for _ in range(depth)
        ]
        self.blocks = nn.Sequential(*blocks, nn.LayerNorm(width))
        self.head = nn.Linear(width, num_classes)
        _draw(self)

    def forward(self, x_B3HW: Tensor) -> Tensor:
        """Return logits `(B, K)`."""
        tokens_BLD = self.patches(x_B3HW).flatten(2).transpose(1, 2)
        first_B1D = self.class_token.expand(len(x_B3HW), -1, -1)
        seen_BLD = self.blocks(torch.cat((first_B1D, tokens_BLD), dim=1) + self.positions)
        return cast(Tensor, self.head(seen_BLD[:, 0]))


class _Residual(nn.Module):
    """Two convolutions of 3 x 3 and what came in, through one of 1 x 1 where the shape changes."""

    def __init__(self, before: int, channels: int, stride: int) -> None:
        super().__init__()
        self.change = nn.Sequential(
            nn.Conv2d(before, channels, 3, stride=stride, padding=1, bias=False),
            nn.BatchNorm2d(channels),
            nn.ReLU(inplace=True),
            nn.Conv2d(channels, channels, 3, padding=1, bias=False),
            nn.BatchNorm2d(channels),
        )
        self.skip: nn.Module = nn.Identity()
        if stride != 1 or before != channels:
            self.skip = nn.Sequential(
                nn.Conv2d(before, channels, 1, stride=stride, bias=False), nn.BatchNorm2d(channels)
            )

    def forward(self, x_BCHW: Tensor) -> Tensor:
        return nn.functional.relu(self.change(x_BCHW) + self.skip(x_BCHW))


def _draw(network: nn.Module) -> None:
    """Draw convolutions as He et al. 2015 do, matrices from N(0, 0.01); biases are 0."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        elif isinstance(module, nn.Linear):
            nn.init.normal_(module.weight, std=0.01)
        if isinstance(module, nn.Conv2d | nn.Linear) and module.bias is not None:
            nn.init.zeros_(module.bias)
