"""What a denoiser is to answer and how much an error counts: equations 3, 25 and 26.

Letters: B batch, T steps, H W pixels, h w coarse pixels.
"""

from dataclasses import dataclass
from typing import Any, cast

import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from earthloom.data.pixels import to_unit
from earthloom.nn.diffusion import Noising, add_noise, cumulative_alphas, p2_weight, target
from earthloom.training.diffusion.samples import Samples


@dataclass(frozen=True, slots=True, kw_only=True)
class Objective:
    """The loss of a denoiser; holds no state."""

    noising: Noising
    """Schedule, and what the denoiser answers."""

    kappa: float
    """Of the P2 weights."""

    gamma: float
    """Of the P2 weights."""

    device: torch.device
    """Where the denoiser is."""

    bf16: bool
    """Autocast to bfloat16."""

    def losses(self, denoiser: nn.Module, samples: Samples) -> Tensor:
        """Return the loss of each sample, `(B,)`: mean squared error of the answer, P2-weighted if that is epsilon."""
        x0_B3HW, lr_B3hw = to_unit(self._pictures(samples.hr_BHW3)), to_unit(self._pictures(samples.lr_Bhw3))
        noise_B3HW = self._pictures(samples.noise_BHW3)
        t_B, gsd_B = (torch.from_numpy(each).to(self.device) for each in (samples.t_B, samples.gsd_B))
        abar_B = cumulative_alphas(self.noising).to(self.device)[t_B]
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.bf16):
            answer_B3HW = denoiser(add_noise(x0_B3HW, noise_B3HW, abar_B), t_B, gsd_B, lr_B3hw)
        wanted_B3HW = target(x0_B3HW, noise_B3HW, abar_B, self.noising.prediction)
        error_B = (answer_B3HW.float() - wanted_B3HW).square().mean((1, 2, 3))
        return cast(Tensor, self._weights(abar_B).to(error_B.dtype) * error_B)

    def _pictures(self, pictures_BHW3: NDArray[Any]) -> Tensor:
        """Return `(B, 3, H, W)`, channels last in memory as the arrays are."""
        return torch.from_numpy(pictures_BHW3).to(self.device).permute(0, 3, 1, 2)

    def _weights(self, abar_B: Tensor) -> Tensor:
        if self.noising.prediction == "v":
            return torch.ones_like(abar_B)
        return p2_weight(abar_B, kappa=self.kappa, gamma=self.gamma)
