"""From noise to a picture: samplers as free functions over one contract, `denoise(x, t) -> x_0`.

Steps are 0-based and fall; -1 is the clean picture. A list of times may end before it: what comes back is then the
noisy picture of its last time, where another call can go on.

Letters: B batch; x of any shape `(B, ...)`.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Literal

import torch
from torch import Tensor

from earthloom.errors import UsageError
from earthloom.nn.diffusion import NUM_STEPS

Denoise = Callable[[Tensor, int], Tensor]
"""(x_t, t) -> estimate of x_0, clipped or projected as the caller likes."""

Spacing = Literal["trailing", "leading", "quadratic"]
"""`trailing` begins with the last step, which is (nearly) pure noise; `leading` begins below it, as older code does.
`quadratic` begins with the last and grows denser toward the picture (Song et al. 2021, appendix D.2)."""

CLEAN = -1


def spaced_times(num_steps: int, spacing: Spacing = "trailing") -> tuple[int, ...]:
    """Return `num_steps` times from noise to picture, and `CLEAN` after them.

    Raises:
        UsageError: If there are fewer than 1 or more than all steps.
    """
    if not 1 <= num_steps <= NUM_STEPS:
        raise UsageError(f"{num_steps} sampling steps: want 1 to {NUM_STEPS}")
    if spacing == "leading":
        stride = NUM_STEPS // num_steps
        return (*(stride * index for index in reversed(range(num_steps))), CLEAN)
    if spacing == "quadratic":
        counts = (max(round(NUM_STEPS * (to_go / num_steps) ** 2), to_go) for to_go in range(num_steps, 0, -1))
        return (*(count - 1 for count in counts), CLEAN)
    return (*(round(NUM_STEPS * (num_steps - index) / num_steps) - 1 for index in range(num_steps)), CLEAN)


def ddim(
    denoise: Denoise,
    x: Tensor,
    abar_T: Tensor,
    times: Sequence[int],
    *,
    eta: float = 0.0,
    noise: Callable[[int], Tensor] | None = None,
) -> Tensor:
    """Follow the steps of DDIM (equation 20; Song et al. 2021); with `eta=0` a function of `x` alone.

    The noise of a step is the one that `x` and the estimate of x_0 imply, so an estimate that was clipped or projected
    stays on the way.

    Args:
        denoise: The network.
        x: Where it begins: the noisy picture of `times[0]`.
        abar_T: From `diffusion.cumulative_alphas`.
        times: Falling; from `spaced_times`, or a part of them.
        eta: 0 is deterministic, 1 as random as DDPM (equation 6c).
        noise: Unit noise of the step from time t, like `x`; needed if `eta > 0`.
    """
    for t, after in pairwise(times):
        x0 = denoise(x, t)
        abar, abar_after = _abar(abar_T, t), _abar(abar_T, after)
        implied = (x - abar**0.5 * x0) / (1.0 - abar) ** 0.5
        sigma = eta * ddpm_sigma(abar, abar_after)
        x = abar_after**0.5 * x0 + max(1.0 - abar_after - sigma**2, 0.0) ** 0.5 * implied
        if sigma > 0.0:
            if noise is None:
                raise UsageError(f"eta {eta:g} needs noise for every step; without it use eta=0")
            x = x + sigma * noise(t)
    return x


def dpm_solver(denoise: Denoise, x: Tensor, abar_T: Tensor, times: Sequence[int]) -> Tensor:
    """Follow the second-order multistep DPM-Solver++ (Lu et al. 2022, arXiv:2211.01095, algorithm 2): few steps do.

    Deterministic. The first step and the one to the clean picture are of first order, which is DDIM's.

    Args:
        denoise: The network.
        x: Where it begins: the noisy picture of `times[0]`.
        abar_T: From `diffusion.cumulative_alphas`.
        times: Falling; from `spaced_times`, or a part of them.
    """
    before: tuple[Tensor, float] | None = None
    for t, after in pairwise(times):
        x0 = denoise(x, t)
        abar, abar_after = _abar(abar_T, t), _abar(abar_T, after)
        here, there = _half_log_snr(abar), _half_log_snr(abar_after)
        aim = x0
        if before is not None and after != CLEAN:
            last_x0, last = before
            aim = x0 + (there - here) / (2.0 * (here - last)) * (x0 - last_x0)
        x = ((1.0 - abar_after) / (1.0 - abar)) ** 0.5 * x - abar_after**0.5 * _expm1(here - there) * aim
        before = x0, here
    return x


def ddpm_sigma(abar: float, abar_after: float) -> float:
    """Return the standard deviation of DDPM's step between two times (equation 6c, for any spacing)."""
    return float(((1.0 - abar_after) / (1.0 - abar)) ** 0.5 * (1.0 - abar / abar_after) ** 0.5)


def _abar(abar_T: Tensor, t: int) -> float:
    return 1.0 if t == CLEAN else float(abar_T[t])


def _half_log_snr(abar: float) -> float:
    """Return lambda = log(sqrt(abar) / sqrt(1 - abar)), infinite at the ends."""
    return float(torch.logit(torch.tensor(abar, dtype=torch.float64)) / 2.0)


def _expm1(value: float) -> float:
    return float(torch.expm1(torch.tensor(value, dtype=torch.float64)))
