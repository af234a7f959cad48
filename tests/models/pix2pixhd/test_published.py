"""Ours equals the published code, layer by layer, to 1e-5."""

from dataclasses import replace

import pytest
import torch
from make_pix2pixhd_oracle import pictures

from earthloom.models.pix2pixhd.config import PAPER, Enhancer
from earthloom.models.pix2pixhd.published import from_published
from earthloom.nn.adversarial import discriminator_loss, feature_matching_loss, generator_loss
from earthloom.training.recipes import pix2pixhd_paper

GENERATORS = {
    "global": replace(PAPER, widths=(4, 8, 16), num_blocks=2, enhancer=None),
    "local": replace(PAPER, widths=(6, 12), num_blocks=3, enhancer=Enhancer(width=3, num_blocks=3)),
    "labels": replace(PAPER, in_channels=5, widths=(4, 8, 16), num_blocks=1, enhancer=Enhancer(width=2, num_blocks=1)),
}
DISCRIMINATORS = {
    "features": replace(PAPER, discriminator_width=3),
    "verdicts": replace(PAPER, in_channels=5, discriminator_width=2, discriminator_scales=2),
}


def assert_equal(ours, published):
    torch.testing.assert_close(ours, published, rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", GENERATORS | DISCRIMINATORS)
def test_the_configuration_is_read_off_names_and_shapes(oracle, name):
    published = from_published(oracle.weights(name))
    assert published.network == ("generator" if name in GENERATORS else "discriminator")
    assert published.config == (GENERATORS | DISCRIMINATORS)[name]


@torch.no_grad()
@pytest.mark.parametrize("name", GENERATORS)
def test_generators_equal_the_published_ones(oracle, name):
    assert_equal(from_published(oracle.weights(name)).module(oracle.picture(name)), oracle.output(name))


@torch.no_grad()
def test_every_layer_of_every_scale_of_the_discriminators_equals_the_published_one(oracle):
    condition, picture = oracle.picture("features").split(3, dim=1)
    answer = from_published(oracle.weights("features")).module(condition, picture)
    assert [len(scale) for scale in answer] == [5, 5, 5]
    for i, scale in enumerate(answer):
        for j, layer in enumerate(scale):
            assert_equal(layer, oracle.output(f"features.{i}.{j}"))


@torch.no_grad()
def test_discriminators_without_feature_matching_bear_other_names(oracle):
    condition, picture = oracle.picture("verdicts").split((5, 3), dim=1)
    answer = from_published(oracle.weights("verdicts")).module(condition, picture)
    for i, scale in enumerate(answer):
        assert_equal(scale[-1], oracle.output(f"verdicts.{i}.0"))


@torch.no_grad()
def test_losses_equal_those_of_a_published_training_step(oracle):
    generator, discriminator = (from_published(oracle.weights(name)).module for name in ("global", "features"))
    condition, picture = pictures(3, seed=100), pictures(3, seed=101)
    real, fake = discriminator(condition, picture), discriminator(condition, generator(condition))
    features = pix2pixhd_paper().feature_weight * feature_matching_loss(real, fake)
    judged = (oracle.output("losses.real") + oracle.output("losses.fake")) / 2
    torch.testing.assert_close(discriminator_loss(real, fake), judged, rtol=1e-5, atol=0)
    torch.testing.assert_close(generator_loss(fake), oracle.output("losses.adversarial"), rtol=1e-5, atol=0)
    torch.testing.assert_close(features, oracle.output("losses.features"), rtol=1e-5, atol=0)
