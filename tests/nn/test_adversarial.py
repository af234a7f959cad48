import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional

from earthloom.nn.adversarial import discriminator_loss, feature_matching_loss, generator_loss


def answers(seed: int, num_scales: int = 3) -> list[list[torch.Tensor]]:
    generator = torch.Generator().manual_seed(seed)
    return [
        [torch.randn((2, channels, 9 - scale, 9), generator=generator) for channels in (4, 8, 16, 32, 1)]
        for scale in range(num_scales)
    ]


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 100), st.integers(1, 4))
def test_losses_equal_an_obvious_recomputation(seed, num_scales):
    real, fake = answers(seed, num_scales), answers(seed + 1000, num_scales)
    judged_real = sum(functional.mse_loss(scale[-1], torch.ones_like(scale[-1])) for scale in real)
    judged_fake = sum(functional.mse_loss(scale[-1], torch.zeros_like(scale[-1])) for scale in fake)
    torch.testing.assert_close(discriminator_loss(real, fake), (judged_real + judged_fake) / 2)
    fooled = sum(functional.mse_loss(scale[-1], torch.ones_like(scale[-1])) for scale in fake)
    torch.testing.assert_close(generator_loss(fake), fooled)
    matching = torch.zeros(())
    for real_scale, fake_scale in zip(real, fake, strict=True):
        for layer in range(4):
            matching = matching + (fake_scale[layer] - real_scale[layer]).abs().mean() * (4 / (3 + 1)) / num_scales
    torch.testing.assert_close(feature_matching_loss(real, fake), matching)


def test_discriminator_loss_is_0_where_every_verdict_is_right():
    ones, zeros = [[torch.ones(1, 1, 3, 3)]] * 3, [[torch.zeros(1, 1, 3, 3)]] * 3
    assert discriminator_loss(ones, zeros) == 0
    assert discriminator_loss(zeros, ones) == pytest.approx(3.0)
    assert generator_loss(ones) == 0


def test_feature_matching_is_0_for_equal_pictures_and_ignores_the_verdict():
    real = answers(0)
    fake = [[*scale[:-1], scale[-1] + 1] for scale in real]
    assert feature_matching_loss(real, fake) == 0


def test_true_features_carry_no_gradient():
    real = [[layer.requires_grad_() for layer in scale] for scale in answers(0)]
    fake = [[layer.requires_grad_() for layer in scale] for scale in answers(1)]
    feature_matching_loss(real, fake).backward()
    assert all(layer.grad is None for scale in real for layer in scale)
    assert all(layer.grad is not None for scale in fake for layer in scale[:-1])


def test_losses_of_half_precision_answers_are_float32():
    half = [[layer.bfloat16() for layer in scale] for scale in answers(0)]
    for loss in (discriminator_loss(half, half), generator_loss(half), feature_matching_loss(half, half)):
        assert loss.dtype == torch.float32
