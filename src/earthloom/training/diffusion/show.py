"""Pictures of a denoiser's work for the board.

Letters: B batch, h w coarse pixels, H W = 4h 4w.
"""

from collections.abc import Iterable
from itertools import islice

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from earthloom.data.degradations import average
from earthloom.data.levels import LevelSampler
from earthloom.data.pixels import to_uint8, to_unit
from earthloom.models.metaearth.config import FACTOR
from earthloom.models.metaearth.denoiser import Denoiser
from earthloom.nn.diffusion import clean_estimate, cumulative_alphas
from earthloom.nn.sampling import dpm_solver, spaced_times

NUM_LEVELS = 4
ROWS_OF_A_LEVEL = 2
NUM_STEPS = 20


def sample_grid(denoiser: Denoiser, samplers: Iterable[LevelSampler], *, bf16: bool) -> NDArray[np.uint8]:
    """Return two rows of each level: coarse pixels, what the denoiser makes of them, the true picture."""
    samples = [each.sample(0, index) for each in islice(samplers, NUM_LEVELS) for index in range(ROWS_OF_A_LEVEL)]
    true_BHW3 = np.stack([sample.hr_HW3 for sample in samples])
    coarse_Bhw3 = np.stack([average(true_HW3) for true_HW3 in true_BHW3])
    gsd_B = torch.tensor([sample.gsd_m * FACTOR for sample in samples])
    made_BHW3 = _made(denoiser, coarse_Bhw3, gsd_B, bf16=bf16)
    shown_BHW3 = coarse_Bhw3.repeat(FACTOR, axis=1).repeat(FACTOR, axis=2)
    return np.concatenate(np.concatenate([shown_BHW3, made_BHW3, true_BHW3], axis=2))


def _made(denoiser: Denoiser, coarse_Bhw3: NDArray[np.uint8], gsd_B: Tensor, *, bf16: bool) -> NDArray[np.uint8]:
    device, noising = next(denoiser.parameters()).device, denoiser.config.noising
    abar_T, gsd_B = cumulative_alphas(noising).to(device), gsd_B.to(device)
    lr_B3hw = to_unit(torch.from_numpy(coarse_Bhw3).to(device)).permute(0, 3, 1, 2)
    batch, _, height, width = lr_B3hw.shape
    size = (batch, 3, FACTOR * height, FACTOR * width)
    start_B3HW = torch.randn(size, generator=torch.Generator().manual_seed(0)).to(device)

    def denoise(x_B3HW: Tensor, t: int) -> Tensor:
        t_B = torch.full((batch,), t, device=device)
        answer_B3HW = denoiser.denoise(x_B3HW, t_B, gsd_B, condition_BCHW).float()
        return clean_estimate(x_B3HW, answer_B3HW, abar_T[t_B], noising.prediction).clamp(-1.0, 1.0)

    with torch.inference_mode(), torch.autocast(device.type, torch.bfloat16, enabled=bf16):
        condition_BCHW = denoiser.encode(lr_B3hw)
        made_B3HW = dpm_solver(denoise, start_B3HW, abar_T, spaced_times(NUM_STEPS, "quadratic"))
    return np.asarray(to_uint8(made_B3HW).permute(0, 2, 3, 1).cpu().numpy())
