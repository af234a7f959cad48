"""Samplers against diffusers, a distribution with a known answer, and the order of their error."""

from itertools import pairwise
from typing import get_args

import pytest
import torch

from earthloom.errors import UsageError
from earthloom.nn.diffusion import BETAS, NUM_STEPS, Noising, cumulative_alphas
from earthloom.nn.sampling import CLEAN, Spacing, ddim, ddpm_sigma, dpm_solver, spaced_times

ABAR = cumulative_alphas(Noising(schedule="linear", zero_terminal_snr=False, prediction="epsilon"))
SPREAD = 0.5


def gaussian(x, t):
    """The exact estimate of x_0 where pictures are drawn from N(0, SPREAD^2)."""
    abar = ABAR[t]
    return x * (abar.sqrt() * SPREAD**2 / (abar * SPREAD**2 + 1 - abar))


def nearly(x, t):
    """Some network."""
    return torch.tanh(1.3 * x + 0.1 * t / NUM_STEPS)


def start(seed=0):
    return torch.randn((2, 3, 8, 8), generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_times():
    assert spaced_times(50)[:3] == (999, 979, 959)
    assert spaced_times(50)[-2:] == (19, CLEAN)
    assert spaced_times(50, "leading")[:2] == (980, 960)
    assert spaced_times(50, "leading")[-2:] == (0, CLEAN)
    assert spaced_times(8, "quadratic") == (999, 765, 561, 390, 249, 140, 61, 15, CLEAN)
    assert spaced_times(1) == (999, CLEAN)
    for wrong in (0, 1001, -3):
        with pytest.raises(UsageError, match=f"{wrong} sampling steps: want 1 to 1000"):
            spaced_times(wrong)


@pytest.mark.parametrize("spacing", get_args(Spacing))
def test_times_fall_for_any_number_of_steps(spacing):
    for num_steps in range(1, NUM_STEPS + 1):
        times = spaced_times(num_steps, spacing)
        assert len(times) == num_steps + 1
        assert times[0] < NUM_STEPS
        assert all(before > after for before, after in pairwise(times))


@pytest.mark.parametrize("spacing", ["trailing", "leading"])
def test_ddim_equals_diffusers(spacing):
    from diffusers import DDIMScheduler

    theirs = DDIMScheduler(
        num_train_timesteps=NUM_STEPS,
        beta_start=BETAS[0],
        beta_end=BETAS[1],
        beta_schedule="linear",
        timestep_spacing=spacing,
        clip_sample=True,
        prediction_type="sample",
    )
    theirs.set_timesteps(10)
    x = start().float()
    for t in theirs.timesteps:
        x = theirs.step(nearly(x, int(t)), t, x, use_clipped_model_output=True).prev_sample
    ours = ddim(lambda x, t: nearly(x, t).clamp(-1, 1), start().float(), ABAR, spaced_times(10, spacing))
    assert torch.allclose(ours, x, atol=1e-5)


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
@pytest.mark.parametrize("spacing", ["trailing", "quadratic"])
def test_dpm_solver_equals_diffusers(spacing):
    from diffusers import DPMSolverMultistepScheduler

    theirs = DPMSolverMultistepScheduler(
        num_train_timesteps=NUM_STEPS,
        beta_start=BETAS[0],
        beta_end=BETAS[1],
        prediction_type="sample",
        final_sigmas_type="zero",
        lower_order_final=True,
        euler_at_final=True,
    )
    times = spaced_times(8, spacing)
    theirs.set_timesteps(timesteps=list(times[:-1]))
    x = start()
    for t in theirs.timesteps:
        x = theirs.step(nearly(x, int(t)), t, x).prev_sample
    ours = dpm_solver(nearly, start(), ABAR, times)
    assert torch.allclose(ours, x, atol=1e-5)


def test_deterministic_ddim_is_a_function_of_its_noise_alone():
    runs = [ddim(nearly, start(), ABAR, spaced_times(5)) for _ in range(2)]
    assert torch.equal(*runs)


def test_a_way_cut_in_two_is_the_whole_way():
    times = spaced_times(6)
    whole = ddim(nearly, start(), ABAR, times)
    half = ddim(nearly, start(), ABAR, times[:4])
    assert torch.equal(ddim(nearly, half, ABAR, times[3:]), whole)


def test_eta_1_has_the_variance_of_equation_6c():
    for t in (1, 10, 500, 999):
        beta = 1 - ABAR[t] / ABAR[t - 1]
        variance = (1 - ABAR[t - 1]) / (1 - ABAR[t]) * beta
        assert ddpm_sigma(float(ABAR[t]), float(ABAR[t - 1])) ** 2 == pytest.approx(float(variance), rel=1e-9)
    generator = torch.Generator().manual_seed(3)
    wide = torch.zeros((1, 200_000), dtype=torch.float64)
    noise = torch.randn(wide.shape, generator=generator, dtype=torch.float64)
    made = ddim(lambda x, t: torch.zeros_like(x), wide, ABAR, (500, 499), eta=1.0, noise=lambda t: noise)
    assert float(made.var()) == pytest.approx(ddpm_sigma(float(ABAR[500]), float(ABAR[499])) ** 2, rel=1e-2)
    with pytest.raises(UsageError, match="eta 1 needs noise"):
        ddim(nearly, start(), ABAR, spaced_times(2), eta=1.0)


def exact(x, t, after):
    """The flow of the Gaussian from t to another time: x scales with the spread of x_t."""
    spread_at = [1.0 if s == CLEAN else float(ABAR[s]) for s in (t, after)]
    before, later = ((abar * SPREAD**2 + 1 - abar) ** 0.5 for abar in spread_at)
    return x * later / before


def test_eta_1_steps_to_the_mean_of_equations_6b_and_9():
    t, x = 500, start()
    x0, abar, abar_after = nearly(x, t), ABAR[t], ABAR[t - 1]
    alpha = abar / abar_after
    mean = ddim(nearly, x, ABAR, (t, t - 1), eta=1.0, noise=lambda t: torch.zeros_like(x))
    posterior = (abar_after.sqrt() * (1 - alpha) * x0 + alpha.sqrt() * (1 - abar_after) * x) / (1 - abar)
    noise = (x - abar.sqrt() * x0) / (1 - abar).sqrt()
    assert torch.allclose(mean, posterior, atol=1e-12)
    assert torch.allclose(mean, (x - (1 - alpha) / (1 - abar).sqrt() * noise) / alpha.sqrt(), atol=1e-12)


@pytest.mark.parametrize(("sampler", "order"), [(ddim, 1), (dpm_solver, 2)])
def test_halving_the_step_divides_the_error_as_the_order_says(sampler, order):
    errors = []
    for num in (40, 80, 160):
        times = [round(800 - 700 * index / num) for index in range(num + 1)]
        errors.append(float((sampler(gaussian, start(), ABAR, times) - exact(start(), 800, 100)).abs().max()))
    rates = [errors[0] / errors[1], errors[1] / errors[2]]
    assert all(0.7 * 2**order < rate < 1.5 * 2**order for rate in rates), rates


def test_zero_terminal_snr_starts_from_pure_noise():
    abar = cumulative_alphas(Noising(schedule="linear", zero_terminal_snr=True, prediction="v"))
    for sampler in (ddim, dpm_solver):
        made = sampler(lambda x, t: torch.full_like(x, 0.25), start(), abar, spaced_times(4))
        assert torch.allclose(made, torch.full_like(made, 0.25))
