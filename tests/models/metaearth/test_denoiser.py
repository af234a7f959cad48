"""The spec's counts and shapes, and what guides the network."""

from dataclasses import replace

import pytest
import torch

from earthloom.errors import ModelError
from earthloom.models import registry
from earthloom.models.metaearth.config import PAPER, PRESETS, SMALL, TINY, EncoderConfig
from earthloom.models.metaearth.denoiser import build_denoiser
from earthloom.nn.embed import PERIOD, NumberEmbedding, sinusoids


def count(module):
    return sum(parameter.numel() for parameter in module.parameters())


def meta(config):
    with torch.device("meta"):
        return build_denoiser(config)


def test_counts_are_the_spec_s():
    for name, unet_m in (("base", 141.35), ("paper", 565.00)):
        network = meta(PRESETS[name])
        assert (count(network.unet) + count(network.step)) / 1e6 == pytest.approx(unet_m, abs=0.005)
    paper = meta(PAPER)
    trunk = count(paper.encoder.stem) + count(paper.encoder.trunk) + count(paper.encoder.trunk_end)
    assert trunk / 1e6 == pytest.approx(16.59, abs=0.005)
    assert count(paper.resolution) == 328_704
    assert 570e6 < count(paper) < 600e6
    assert count(meta(SMALL)) <= 6e6


@pytest.mark.parametrize(
    ("preset", "wanted"),
    [
        ("tiny", 63_891),
        ("small", 4_857_347),
        ("small-without-resolution", 4_845_635),
        ("base", 158_091_779),
        ("paper", 581_992_579),
        ("paper-without-resolution", 581_663_875),
    ],
)
def test_every_preset_keeps_its_number_of_parameters(preset, wanted):
    assert count(meta(PRESETS[preset])) == wanted


def test_the_paper_s_network_makes_a_block_of_256_px_from_one_of_64():
    with torch.device("meta"):
        network = build_denoiser(PAPER)
        x, t, gsd, lr = torch.empty(1, 3, 256, 256), torch.empty(1), torch.empty(1), torch.empty(1, 3, 64, 64)
        assert network.encode(lr).shape == (1, 64, 256, 256)
        assert network(x, t, gsd, lr).shape == (1, 3, 256, 256)


def test_sinusoids_follow_equations_13_and_14():
    values, width = torch.tensor([0.0, 16.0, 999.0]), 6
    for row, value in zip(sinusoids(values, width), values, strict=True):
        slow = [f(value / PERIOD ** (2 * i / width)) for i in range(width // 2) for f in (torch.sin, torch.cos)]
        assert torch.allclose(row, torch.stack(slow), atol=1e-5)


def trained(config):
    """A network whose zeroed layers have values, so that everything shows."""
    network = build_denoiser(config, seed=0).eval()
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.02 * torch.randn(parameter.shape, generator=generator))
    return network


def answers(network, gsd_m):
    x, t, _, lr = registry.family_of(network.config).inputs["denoiser"](network.config)
    with torch.no_grad():
        return network(x, t, torch.tensor([gsd_m]), lr)


def test_resolution_changes_the_embedding_and_the_answer():
    embedding = NumberEmbedding(32, 16)
    assert not torch.equal(embedding(torch.tensor([4.0])), embedding(torch.tensor([16.0])))
    network = trained(TINY)
    assert not torch.equal(answers(network, 4.0), answers(network, 16.0))


def test_without_resolution_guidance_it_is_ignored():
    network = trained(replace(TINY, resolution="none"))
    assert torch.equal(answers(network, 4.0), answers(network, 16.0))


def test_both_readings_of_the_resolution_differ_by_the_factor():
    reads, makes = trained(TINY), trained(replace(TINY, resolution="output"))
    makes.load_state_dict(reads.state_dict())
    assert torch.equal(answers(reads, 4.0), answers(makes, 16.0))


def test_it_answers_nothing_before_it_learns():
    network = build_denoiser(TINY)
    assert not answers(network, 4.0).any()


def test_attention_equals_a_slow_loop():
    network = trained(TINY)
    attention = next(stage.attention for stage in network.unet.up if stage.attention is not None)
    x = torch.randn((1, attention.out.in_channels, 3, 4), generator=torch.Generator().manual_seed(2))
    with torch.no_grad():
        query, key, value = attention.qkv(attention.norm(x)).flatten(2)[0].chunk(3)
        seen = []
        for head in zip(*(part.chunk(attention.num_heads) for part in (query, key, value)), strict=True):
            q, k, v = head
            seen.append(v @ torch.softmax(q.T @ k / len(q) ** 0.5, dim=-1).T)
        slow = x + attention.out(torch.cat(seen).view_as(x))
        assert torch.allclose(attention(x), slow, atol=1e-5)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"window_px": 20}, "window_px is 20, want a multiple of 16"),
        ({"head_channels": 5}, "head_channels is 5: heads cannot share 16 channels evenly"),
        ({"width": 10}, "width is 10, want an even multiple of the 4 groups"),
        ({"multipliers": ()}, "multipliers is 0, want at least 1"),
        ({"attention": (2,)}, r"attention names level 2, levels run 0\.\.1"),
        ({"encoder": EncoderConfig(width=8, growth=0, num_blocks=1)}, "encoder.growth is 0"),
        ({"noising": replace(TINY.noising, prediction="epsilon")}, "zero_terminal_snr with prediction 'epsilon'"),
    ],
)
def test_sizes_that_build_nothing_are_refused(change, words):
    with pytest.raises(ModelError, match=words):
        replace(TINY, **change)
