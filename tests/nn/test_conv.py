import torch

from earthloom.nn.conv import ResidualBlock, conv, initialize, normalization


def test_initialize_depends_on_the_seed_alone():
    before = torch.random.get_rng_state()
    blocks = [ResidualBlock(16, "batch") for _ in range(3)]
    torch.random.set_rng_state(before)
    for block, seed in zip(blocks, (0, 0, 1), strict=True):
        initialize(block, seed)
    assert torch.equal(torch.random.get_rng_state(), before)
    first, again, other = ([parameter.detach() for parameter in block.parameters()] for block in blocks)
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert not torch.equal(first[0], other[0])


def test_weights_are_drawn_from_a_normal_of_deviation_0_02():
    layer = conv(64, 64, 7, padding="reflect")
    initialize(layer, 0)
    assert abs(layer.weight.mean()) < 2e-4
    assert abs(layer.weight.std() - 0.02) < 2e-4
    assert layer.bias.abs().max() <= (64 * 49) ** -0.5


def test_instance_norm_learns_and_remembers_nothing():
    assert not normalization("instance", 4).state_dict()
    assert "running_mean" in normalization("batch", 4).state_dict()


def test_residual_block_equals_its_formula():
    block = ResidualBlock(4, "instance")
    x_BCHW = torch.randn(2, 4, 8, 8, generator=torch.Generator().manual_seed(0))

    def half(x, layer):
        padded = torch.nn.functional.pad(x, (1, 1, 1, 1), mode="reflect")
        y = torch.nn.functional.conv2d(padded, layer.weight, layer.bias)
        return (y - y.mean((2, 3), keepdim=True)) / (y.var((2, 3), keepdim=True, unbiased=False) + 1e-5).sqrt()

    expected = x_BCHW + half(half(x_BCHW, block.body[0]).relu(), block.body[3])
    torch.testing.assert_close(block(x_BCHW), expected, atol=1e-5, rtol=1e-5)
