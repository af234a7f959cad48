"""Schedules, noising and weights against the spec's numbers and closed forms."""

import pytest
import torch

from earthloom.nn.diffusion import Noising, add_noise, clean_estimate, cumulative_alphas, p2_weight, target

LINEAR = Noising(schedule="linear", zero_terminal_snr=False, prediction="epsilon")
SCALED = Noising(schedule="scaled_linear", zero_terminal_snr=False, prediction="epsilon")
TERMINAL = Noising(schedule="linear", zero_terminal_snr=True, prediction="v")


def test_last_step_of_each_schedule_is_the_spec_s():
    assert float(cumulative_alphas(LINEAR)[-1]) == pytest.approx(1.95e-4, rel=5e-3)
    assert float(cumulative_alphas(SCALED)[-1]) == pytest.approx(6.69e-4, rel=5e-3)
    rescaled = cumulative_alphas(TERMINAL)
    assert rescaled[-1] == 0.0
    assert float(rescaled[0]) == pytest.approx(1 - 0.0015)
    assert (rescaled.diff() < 0).all()


def test_p2_weight_is_one_minus_abar_and_the_spec_s_table():
    abar = cumulative_alphas(LINEAR)
    weight = p2_weight(abar)
    assert torch.allclose(weight, 1 - abar, atol=1e-12)
    table = {0: 0.0015, 100: 0.199, 250: 0.559, 500: 0.919, 750: 0.994, 999: 0.9998}
    assert {t: float(weight[t]) for t in table} == pytest.approx(table, rel=5e-3)
    assert torch.allclose(p2_weight(abar, gamma=0.5), (1 - abar).sqrt())


def test_noised_pictures_have_the_mean_and_variance_of_equation_2():
    abar = cumulative_alphas(LINEAR)[400]
    x0 = torch.full((1, 1, 1000, 1000), 0.3, dtype=torch.float64)
    noise = torch.randn(x0.shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    noise = (noise - noise.mean()) / noise.std()  # what is left of a million draws from N(0, 1) is not the equation's
    x = add_noise(x0, noise, abar[None])
    assert float(x.mean()) == pytest.approx(float(abar.sqrt() * 0.3), abs=1e-3)
    assert float(x.var()) == pytest.approx(float(1 - abar), abs=1e-3)


@pytest.mark.parametrize("prediction", ["epsilon", "v"])
def test_a_perfect_answer_gives_the_picture_back(prediction):
    generator = torch.Generator().manual_seed(1)
    x0, noise = (torch.randn((4, 3, 5, 5), generator=generator, dtype=torch.float64) for _ in range(2))
    abar = cumulative_alphas(LINEAR)[torch.tensor([0, 10, 500, 999])]
    answer = target(x0, noise, abar, prediction)
    assert torch.allclose(clean_estimate(add_noise(x0, noise, abar), answer, abar, prediction), x0, atol=1e-9)


def test_pure_noise_asks_for_minus_the_picture():
    x0, noise = torch.ones(1, 3), torch.full((1, 3), 7.0)
    assert torch.equal(target(x0, noise, torch.zeros(1), "v"), -x0)
    assert torch.equal(add_noise(x0, noise, torch.zeros(1)), noise)
