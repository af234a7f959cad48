"""Shapes, counts and behaviour of the published networks (tables of section 2 and 3 of the Series specification)."""

from dataclasses import replace

import pytest
import torch

from earthloom.errors import ModelError, ShapeError
from earthloom.models.pix2pixhd.config import PAPER, PRESETS, SMALL, TINY, Enhancer
from earthloom.models.pix2pixhd.discriminator import build_discriminator
from earthloom.models.pix2pixhd.generator import build_generator


def count(module):
    return sum(parameter.numel() for parameter in module.parameters())


def on_meta(build, config):
    with torch.device("meta"):
        return build(config)


def shapes_of(modules, run):
    """Output shapes of some modules while `run` runs."""
    seen = []
    hooks = [module.register_forward_hook(lambda _m, _i, out: seen.append(tuple(out.shape[1:]))) for module in modules]
    run()
    for hook in hooks:
        hook.remove()
    return seen


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        (PAPER, 182_701_827),
        (replace(PAPER, widths=PAPER.widths[:4]), 45_851_907),
        (replace(PAPER, enhancer=None), 182_443_267),
        (replace(PAPER, widths=PAPER.widths[:4], enhancer=None), 45_593_347),
    ],
)
def test_generators_have_the_published_number_of_parameters(config, expected):
    assert count(on_meta(build_generator, config)) == expected


def test_discriminators_have_the_published_number_of_parameters():
    discriminator = on_meta(build_discriminator, PAPER)
    assert count(discriminator) == 8_303_427
    assert [count(scale) for scale in discriminator.scales] == [2_767_809] * 3


def test_small_weights_stay_small():
    small, m2m, tiny = (count(on_meta(build_generator, PRESETS[name])) for name in ("small", "small-m2m", "tiny"))
    assert small <= 4_200_000
    assert m2m <= 500_000
    assert tiny <= 10_000
    assert 2 * (small + m2m) <= 10_000_000 * 0.98


def test_local_generator_has_the_shapes_of_the_tables():
    generator = on_meta(build_generator, PAPER)
    x_BCHW = torch.empty(1, 3, 512, 512, device="meta")
    coarse = shapes_of(generator.coarse, lambda: generator(x_BCHW))
    assert coarse == [
        (64, 256, 256),
        (128, 128, 128),
        (256, 64, 64),
        (512, 32, 32),
        (1024, 16, 16),
        *[(1024, 16, 16)] * 9,
        (512, 32, 32),
        (256, 64, 64),
        (128, 128, 128),
        (64, 256, 256),
    ]
    parts = [generator.pool, *generator.front, *generator.blocks, generator.up, generator.head]
    fine = sorted(shapes_of(parts, lambda: generator(x_BCHW)))
    assert fine == sorted([(3, 256, 256), (32, 512, 512), *[(64, 256, 256)] * 4, (32, 512, 512), (3, 512, 512)])


def test_discriminators_have_the_shapes_of_the_table():
    pictures = torch.empty(1, 3, 512, 512, device="meta")
    outputs = on_meta(build_discriminator, PAPER)(pictures, pictures)
    sides = [[257, 129, 65, 66, 67], [129, 65, 33, 34, 35], [65, 33, 17, 18, 19]]
    expected = [
        [(1, channels, side, side) for channels, side in zip((64, 128, 256, 512, 1), row, strict=True)] for row in sides
    ]
    assert [[tuple(layer.shape) for layer in scale] for scale in outputs] == expected


def test_discriminators_see_each_halving_of_the_pair():
    discriminator = build_discriminator(TINY)
    condition, picture = torch.rand(2, 1, 3, 32, 48)
    pair = torch.cat((condition, picture), 1)
    half = torch.nn.functional.avg_pool2d(pair, 3, 2, 1, count_include_pad=False)
    quarter = torch.nn.functional.avg_pool2d(half, 3, 2, 1, count_include_pad=False)
    for answer, scale, seen in zip(
        discriminator(condition, picture), discriminator.scales, (pair, half, quarter), strict=True
    ):
        assert all(torch.equal(a, b) for a, b in zip(answer, scale(seen), strict=True))


def test_published_layers_normalise_without_parameters_and_pad_with_zeros():
    generator = on_meta(build_generator, PAPER)
    assert not any(isinstance(layer, torch.nn.BatchNorm2d) for layer in generator.modules())
    convolutions = [layer for layer in generator.modules() if isinstance(layer, torch.nn.Conv2d)]
    assert all(layer.bias is not None for layer in convolutions)
    assert {layer.padding_mode for layer in convolutions if layer.stride == (2, 2)} == {"zeros"}
    assert {layer.padding_mode for layer in convolutions if layer.stride == (1, 1)} == {"reflect"}
    reflected = on_meta(build_generator, replace(PAPER, padding="reflect"))
    assert {layer.padding_mode for layer in reflected.modules() if isinstance(layer, torch.nn.Conv2d)} == {"reflect"}


def test_rgb_head_gives_colours_within_range_and_palette_head_logits():
    rgb = replace(TINY, head="rgb", out_channels=3, norm="instance", padding="zeros")
    x_BCHW = torch.rand(2, 3, 16, 24) * 2 - 1
    picture = build_generator(rgb)(x_BCHW)
    assert picture.shape == (2, 3, 16, 24)
    assert picture.abs().max() <= 1
    assert build_generator(TINY)(x_BCHW).shape == (2, 5, 16, 24)


def test_a_seed_gives_the_same_network_again():
    one, same, other = (build_generator(TINY, seed=seed).state_dict() for seed in (0, 0, 1))
    assert all(torch.equal(one[name], same[name]) for name in one)
    assert any(not torch.equal(one[name], other[name]) for name in one)


def test_the_coarse_network_trained_alone_fits_into_the_local_one():
    alone = build_generator(replace(PAPER, widths=(8, 16), enhancer=None))
    local = build_generator(replace(PAPER, widths=(8, 16), enhancer=Enhancer(width=4, num_blocks=1)))
    local.coarse.load_state_dict(alone.coarse.state_dict())


@pytest.mark.parametrize("shape", [(1, 3, 18, 16), (1, 3, 16, 18), (1, 3, 4, 16)])
def test_sides_that_do_not_fit_are_refused(shape):
    with pytest.raises(ShapeError, match=rf"multiples of 4 px and at least 8 px, got {shape[2]} x {shape[3]}"):
        build_generator(TINY)(torch.zeros(shape))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"widths": ()}, "widths is 0, want at least 1"),
        ({"num_blocks": 0}, "num_blocks is 0"),
        ({"out_channels": 4}, "out_channels is 4 with an rgb head, want 3"),
        ({"enhancer": Enhancer(width=0, num_blocks=1)}, "enhancer.width is 0"),
    ],
)
def test_configurations_that_build_nothing_are_refused(change, words):
    with pytest.raises(ModelError, match=words):
        replace(PAPER, **change)


def test_small_is_a_local_function_with_frozen_statistics():
    assert SMALL.norm == "batch"
    generator = build_generator(TINY).eval()
    x_BCHW = torch.rand(1, 3, 32, 32)
    before = {name: tensor.clone() for name, tensor in generator.state_dict().items()}
    first = generator(x_BCHW)
    assert torch.equal(first, generator(x_BCHW))
    torch.testing.assert_close(first, generator(torch.cat((x_BCHW, -x_BCHW)))[:1])
    assert all(torch.equal(before[name], tensor) for name, tensor in generator.state_dict().items())
