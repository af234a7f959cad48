"""What fixes the weights of a Pix2PixHD pair of networks, and the presets by name."""

from dataclasses import dataclass, replace
from typing import Literal

from earthloom.errors import ModelError


@dataclass(frozen=True, slots=True, kw_only=True)
class Enhancer:
    """The local enhancer that runs at full resolution around the coarse network (G2)."""

    width: int
    """Channels at full resolution; at half resolution it has those of the coarse network."""

    num_blocks: int
    """Residual blocks at half resolution; may be 0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pix2PixHDConfig:
    """A generator and its multi-scale discriminator (Wang et al. 2018, arXiv:1711.11585)."""

    in_channels: int
    """Channels of the picture that is translated."""

    out_channels: int
    """Channels of the generator's output: 3 for `rgb`, one for each colour for `palette`."""

    head: Literal["rgb", "palette"]
    """`rgb`: tanh in [-1, 1]; `palette`: class logits, one for each colour of a map."""

    widths: tuple[int, ...]
    """Channels of the coarse network (G1) at its own resolution and after each halving."""

    num_blocks: int
    """Residual blocks at the coarsest resolution."""

    enhancer: Enhancer | None
    """None is the global generator alone: the coarse network at full resolution with a head."""

    norm: Literal["instance", "batch"]
    """`instance`: no learned scale, as published; `batch`: statistics frozen at inference, so a local function."""

    padding: Literal["zeros", "reflect"]
    """Border of the stride-2 convolutions: `zeros` as published, `reflect` without its light spots on the way down.

    Transposed convolutions know no border but zeros; so, on the way up, zeros still reach the right and bottom edges.
    """

    discriminator_width: int
    """Channels after the first convolution of a discriminator; doubled by each of the next three."""

    discriminator_scales: int
    """Discriminators, each on a picture half as large as the one before."""

    def __post_init__(self) -> None:
        """Reject sizes that build no network.

        Raises:
            ModelError: Naming the field and its value.
        """
        counts = {
            "in_channels": self.in_channels,
            "out_channels": self.out_channels,
            "widths": min(self.widths, default=0),
            "num_blocks": self.num_blocks,
            "discriminator_width": self.discriminator_width,
            "discriminator_scales": self.discriminator_scales,
        }
        if self.enhancer is not None:
            counts |= {"enhancer.width": self.enhancer.width, "enhancer.num_blocks": self.enhancer.num_blocks + 1}
        for name, count in counts.items():
            if count < 1:
                raise ModelError(f"{name} is {count}, want at least 1")
        if self.head == "rgb" and self.out_channels != 3:
            raise ModelError(f"out_channels is {self.out_channels} with an rgb head, want 3")

    @property
    def num_halvings(self) -> int:
        """Times the picture is halved from the input to the coarsest features."""
        return len(self.widths) - 1 + (self.enhancer is not None)


PAPER = Pix2PixHDConfig(
    in_channels=3,
    out_channels=3,
    head="rgb",
    widths=(64, 128, 256, 512, 1024),
    num_blocks=9,
    enhancer=Enhancer(width=32, num_blocks=3),
    norm="instance",
    padding="zeros",
    discriminator_width=64,
    discriminator_scales=3,
)

SMALL = replace(
    PAPER,
    out_channels=5,
    head="palette",
    widths=(48, 96, 192),
    num_blocks=5,
    enhancer=Enhancer(width=16, num_blocks=2),
    norm="batch",
    padding="reflect",
    discriminator_width=32,
)

SMALL_M2M = replace(SMALL, widths=(32, 64), num_blocks=3, enhancer=Enhancer(width=16, num_blocks=1))

TINY = replace(SMALL, widths=(8, 8), num_blocks=1, enhancer=Enhancer(width=4, num_blocks=0), discriminator_width=4)

PRESETS = {
    "tiny": TINY,
    "small": SMALL,
    "small-m2m": SMALL_M2M,
    "paper": PAPER,
    "paper-global": replace(PAPER, enhancer=None),
}
