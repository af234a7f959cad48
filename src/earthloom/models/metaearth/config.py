"""What fixes the weights of a MetaEarth denoiser, and the presets by name."""

from dataclasses import dataclass, replace
from math import lcm
from typing import Literal

from earthloom.errors import ModelError
from earthloom.nn.diffusion import Noising

FACTOR = 4
"""Pixels along a side that one stage makes of one (N of the paper)."""

Resolution = Literal["input", "output", "none"]
"""Which ground resolution the network is told: of what it reads (as the text says), of what it makes, or none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EncoderConfig:
    """The network that reads the low-resolution block (RRDBNet; Wang et al. 2018, arXiv:1809.00219)."""

    width: int
    """Channels of its features, which are also the condition's."""

    growth: int
    """Channels each dense convolution adds."""

    num_blocks: int
    """Residual-in-residual dense blocks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MetaEarthConfig:
    """A denoiser guided by resolution (Yu et al. 2024)."""

    window_px: int
    """Side of the block it learns and makes; what it reads is a fourth of it."""

    width: int
    """Channels at full resolution; sinusoids of an embedding."""

    multipliers: tuple[int, ...]
    """Channels of each level, in widths; every level but the first halves the picture."""

    num_blocks: int
    """Residual blocks of a level on the way down; one more on the way up."""

    attention: tuple[int, ...]
    """Levels with self-attention, 0 being full resolution; the middle always has it."""

    head_channels: int
    """Channels of an attention head."""

    groups: int
    """Groups of every group normalisation; divides every number of channels."""

    encoder: EncoderConfig
    """Of the low-resolution block."""

    resolution: Resolution
    """Which resolution guides; `none` is the ablation without."""

    noising: Noising
    """The diffusion it was made for."""

    def __post_init__(self) -> None:
        """Reject sizes that build no network.

        Raises:
            ModelError: Naming the field and its value.
        """
        counts = {
            "width": self.width,
            "multipliers": min(self.multipliers, default=0),
            "num_blocks": self.num_blocks,
            "head_channels": self.head_channels,
            "groups": self.groups,
            "encoder.width": self.encoder.width,
            "encoder.growth": self.encoder.growth,
            "encoder.num_blocks": self.encoder.num_blocks,
        }
        for name, count in counts.items():
            if count < 1:
                raise ModelError(f"{name} is {count}, want at least 1")
        block_px = lcm(self.multiple_px, 4 * FACTOR)  # windows meet at quarters, and those are read from coarse pixels
        if self.window_px < block_px or self.window_px % block_px:
            raise ModelError(f"window_px is {self.window_px}, want a multiple of {block_px}")
        if self.width % self.groups or self.width % 2:
            raise ModelError(f"width is {self.width}, want an even multiple of the {self.groups} groups")
        if self.noising.zero_terminal_snr and self.noising.prediction == "epsilon":
            raise ModelError("noising has zero_terminal_snr with prediction 'epsilon': of pure noise it tells nothing")
        for level in self.attention:
            if not 0 <= level < len(self.multipliers):
                raise ModelError(f"attention names level {level}, levels run 0..{len(self.multipliers) - 1}")
            channels = self.width * self.multipliers[level]
            if channels % max(1, channels // self.head_channels):
                raise ModelError(
                    f"head_channels is {self.head_channels}: heads cannot share {channels} channels evenly"
                )

    @property
    def multiple_px(self) -> int:
        """Sides of pictures it takes are multiples of this."""
        return max(FACTOR, 1 << (len(self.multipliers) - 1))


AS_PUBLISHED = Noising(schedule="linear", zero_terminal_snr=False, prediction="epsilon")
FEW_STEPS = Noising(schedule="linear", zero_terminal_snr=True, prediction="v")
"""Ours: begins with pure noise and answers v, so that a few steps keep the colours."""

PAPER = MetaEarthConfig(
    window_px=256,
    width=128,
    multipliers=(1, 2, 4, 8, 8),
    num_blocks=3,
    attention=(3, 4),
    head_channels=64,
    groups=32,
    encoder=EncoderConfig(width=64, growth=32, num_blocks=23),
    resolution="input",
    noising=AS_PUBLISHED,
)

SMALL = replace(
    PAPER,
    window_px=128,
    width=24,
    multipliers=(1, 2, 4, 6),
    num_blocks=1,
    attention=(3,),
    head_channels=48,
    groups=8,
    encoder=EncoderConfig(width=32, growth=16, num_blocks=4),
    noising=FEW_STEPS,
)

TINY = replace(
    SMALL,
    window_px=32,
    width=8,
    multipliers=(1, 2),
    attention=(1,),
    head_channels=8,
    groups=4,
    encoder=EncoderConfig(width=8, growth=4, num_blocks=1),
)

PRESETS = {
    "tiny": TINY,
    "small": SMALL,
    "small-without-resolution": replace(SMALL, resolution="none"),
    "base": replace(PAPER, width=64),
    "paper": PAPER,
    "paper-without-resolution": replace(PAPER, resolution="none"),
}
