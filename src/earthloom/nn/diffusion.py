"""Gaussian diffusion: schedules, noising, loss weights, and what a network's answer means.

Steps are 0-based: t here is the t + 1 of the papers, and step -1 is the clean picture. Equation numbers are those of
MetaEarth (Yu et al. 2024).

Letters: B batch, T steps; x of any shape `(B, ...)`.
"""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

NUM_STEPS = 1000
"""T."""

BETAS = (0.0015, 0.0155)
"""beta of the first and the last step."""

ScheduleKind = Literal["linear", "scaled_linear"]
"""`linear` in beta, as the paper says; `scaled_linear` in its square root, as latent diffusion calls linear."""

Prediction = Literal["epsilon", "v"]
"""What a network answers: the noise, or v = sqrt(abar) eps - sqrt(1 - abar) x_0 (Salimans & Ho 2022)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Noising:
    """What decides a diffusion: part of a model's configuration, because weights only fit the one they learned."""

    schedule: ScheduleKind
    """How beta grows."""

    zero_terminal_snr: bool
    """Whether the last step is pure noise (Lin et al. 2023); as published some of the picture shines through."""

    prediction: Prediction
    """What the network answers."""


def cumulative_alphas(noising: Noising) -> Tensor:
    """Return abar of all steps, `(T,)` float64, falling (equation 1)."""
    first, last = BETAS
    if noising.schedule == "linear":
        beta_T = torch.linspace(first, last, NUM_STEPS, dtype=torch.float64)
    else:
        beta_T = torch.linspace(first**0.5, last**0.5, NUM_STEPS, dtype=torch.float64).square()
    abar_T = (1.0 - beta_T).cumprod(0)
    if not noising.zero_terminal_snr:
        return abar_T
    root_T = abar_T.sqrt()
    return ((root_T - root_T[-1]) * root_T[0] / (root_T[0] - root_T[-1])).square()


def add_noise(x0: Tensor, noise: Tensor, abar_B: Tensor) -> Tensor:
    """Return `x_t = sqrt(abar) x_0 + sqrt(1 - abar) eps` (equation 3)."""
    signal, sigma = _roots(abar_B, x0)
    return signal * x0 + sigma * noise


def target(x0: Tensor, noise: Tensor, abar_B: Tensor, prediction: Prediction) -> Tensor:
    """Return what the network should answer for `add_noise(x0, noise, abar_B)`."""
    if prediction == "epsilon":
        return noise
    signal, sigma = _roots(abar_B, x0)
    return signal * noise - sigma * x0


def clean_estimate(x: Tensor, answer: Tensor, abar_B: Tensor, prediction: Prediction) -> Tensor:
    """Return the x_0 that a noisy picture and the network's answer imply (equation 20, first line)."""
    signal, sigma = _roots(abar_B, x)
    return signal * x - sigma * answer if prediction == "v" else (x - sigma * answer) / signal


def p2_weight(abar: Tensor, *, kappa: float = 1.0, gamma: float = 1.0) -> Tensor:
    """Return `1 / (kappa + SNR)^gamma` with `SNR = abar / (1 - abar)` (equation 26, lambda_t = 1).

    Multiplies the squared error of epsilon (Choi et al. 2022); with kappa = gamma = 1 it is exactly `1 - abar`.
    """
    return (kappa + abar / (1.0 - abar)) ** -gamma


def _roots(abar_B: Tensor, like: Tensor) -> tuple[Tensor, Tensor]:
    """Return sqrt(abar) and sqrt(1 - abar), shaped to multiply `like`."""
    shape = (-1,) + (1,) * (like.ndim - 1)
    return abar_B.sqrt().to(like.dtype).view(shape), (1.0 - abar_B).sqrt().to(like.dtype).view(shape)
