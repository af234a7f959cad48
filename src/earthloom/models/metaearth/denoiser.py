"""MetaEarth's network: the condition encoder, the embeddings of step and resolution, the U-Net.

Letters: B batch, C channels, h w low-resolution pixels, H W = 4h 4w.
"""

from typing import cast

import torch
from torch import Tensor, nn

from earthloom.models.metaearth.config import FACTOR, MetaEarthConfig
from earthloom.models.metaearth.encoder import ConditionEncoder
from earthloom.models.metaearth.unet import UNet
from earthloom.nn.embed import NumberEmbedding


def build_denoiser(config: MetaEarthConfig, *, seed: int = 0) -> "Denoiser":
    """Return the network of a configuration, freshly drawn from `seed`; the global random state stays as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return Denoiser(config)


class Denoiser(nn.Module):
    """Answers for a noisy block what its noise is (or v), given the ground at a fourth of the resolution."""

    def __init__(self, config: MetaEarthConfig) -> None:
        """Build the parts of a configuration."""
        super().__init__()
        self.config = config
        self.encoder = ConditionEncoder(config.encoder)
        self.step = NumberEmbedding(config.width, 4 * config.width)
        self.resolution = None if config.resolution == "none" else NumberEmbedding(config.width, 4 * config.width)
        self.unet = UNet(config)

    def encode(self, lr_B3hw: Tensor) -> Tensor:
        """Return the condition `(B, C, 4h, 4w)` of blocks in [-1, 1]: once a block, not once a step."""
        return cast(Tensor, self.encoder(lr_B3hw))

    def denoise(self, x_B3HW: Tensor, t_B: Tensor, gsd_B: Tensor, condition_BCHW: Tensor) -> Tensor:
        """Return the prediction `(B, 3, H, W)` (equation 18: `c_t = {F, e}`).

        Args:
            x_B3HW: Noisy blocks; H and W multiples of `config.multiple_px`.
            t_B: Steps, 0..999.
            gsd_B: Metres a pixel of the low-resolution blocks.
            condition_BCHW: From `encode`.
        """
        embedding_BE = self.step(t_B)
        if self.resolution is not None:
            told_B = gsd_B / FACTOR if self.config.resolution == "output" else gsd_B
            embedding_BE = embedding_BE + self.resolution(told_B)
        return cast(Tensor, self.unet(x_B3HW, condition_BCHW, embedding_BE))

    def forward(self, x_B3HW: Tensor, t_B: Tensor, gsd_B: Tensor, lr_B3hw: Tensor) -> Tensor:
        """Return the prediction for blocks and their low-resolution ground; see `denoise`."""
        return self.denoise(x_B3HW, t_B, gsd_B, self.encode(lr_B3hw))
