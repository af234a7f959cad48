"""Least-squares adversarial losses over several discriminators, and feature matching.

A discriminator's answer is, for each scale, the outputs of its layers, the verdict last.
"""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

Scales = Sequence[Sequence[Tensor]]


def discriminator_loss(real: Scales, fake: Scales) -> Tensor:
    """Half of `sum_s mean (D_s(x, y) - 1)^2 + sum_s mean D_s(x, G(x))^2` (LSGAN, as in Pix2PixHD).

    Args:
        real: Answer to true pictures.
        fake: Answer to generated pictures that carry no gradient to the generator.

    Returns:
        A scalar, 0 where every verdict is right.
    """
    return 0.5 * (_distance_to(real, 1.0) + _distance_to(fake, 0.0))


def generator_loss(fake: Scales) -> Tensor:
    """`sum_s mean (D_s(x, G(x)) - 1)^2`: summed, not averaged, over the scales."""
    return _distance_to(fake, 1.0)


def feature_matching_loss(real: Scales, fake: Scales) -> Tensor:
    """`sum_s sum_l 1 / num_D * 4 / (n_layers + 1) * mean |D_s^l(x, G(x)) - D_s^l(x, y)|` over all layers but the last.

    `n_layers + 1` is the number of compared layers, 4 in the published network. The true features carry no gradient.

    Returns:
        A scalar, 0 where G(x) = y.
    """
    terms = [
        4.0 / (len(real_layers) - 1) * functional.l1_loss(fake_layer.float(), real_layer.detach().float())
        for real_layers, fake_layers in zip(real, fake, strict=True)
        for real_layer, fake_layer in zip(real_layers[:-1], fake_layers[:-1], strict=True)
    ]
    return torch.stack(terms).sum() / len(real)


def _distance_to(scales: Scales, target: float) -> Tensor:
    return torch.stack([(layers[-1].float() - target).square().mean() for layers in scales]).sum()
