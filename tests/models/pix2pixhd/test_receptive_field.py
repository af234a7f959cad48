"""The closed form against gradients, and shifts against shifts."""

from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from earthloom.models.pix2pixhd.config import PRESETS, TINY, Enhancer
from earthloom.models.pix2pixhd.generator import build_generator
from earthloom.models.pix2pixhd.receptive_field import halo_px, radius_px, stride_px

enhancers = st.none() | st.builds(lambda count: Enhancer(width=2, num_blocks=count), st.integers(0, 2))
configs = st.builds(
    lambda depth, blocks, enhancer: replace(TINY, widths=(2,) * depth, num_blocks=blocks, enhancer=enhancer),
    st.integers(1, 3),
    st.integers(1, 2),
    enhancers,
)


def all_open(config):
    """A generator in evaluation mode whose every path carries something: positive weights and inputs."""
    generator = build_generator(config).eval()
    with torch.no_grad():
        for parameter in generator.parameters():
            parameter.abs_().clamp_(min=0.01)
    return generator.double()


@settings(max_examples=12, deadline=None)
@given(configs)
def test_radius_is_where_gradients_end(config):
    stride, radius = stride_px(config), radius_px(config)
    centre = -(-(radius + 8) // stride) * stride
    x_BCHW = torch.ones(1, 3, 2 * centre, 2 * centre, dtype=torch.double, requires_grad=True)
    y_BCHW = all_open(config)(x_BCHW)
    reach = 0
    for at in range(centre, centre + stride):
        (gradient,) = torch.autograd.grad(y_BCHW[0, :, at, at].sum(), x_BCHW, retain_graph=True)
        rows, cols = gradient[0].abs().sum(0).nonzero(as_tuple=True)
        reach = max(reach, *(int(side) for side in ((rows - at).abs().max(), (cols - at).abs().max())))
    assert reach == radius


@pytest.mark.parametrize("name", ["tiny", "small", "small-m2m"])
def test_presets_see_no_further_than_planned(name):
    config = PRESETS[name]
    assert radius_px(config) <= {"tiny": 24, "small": 130, "small-m2m": 48}[name]
    assert halo_px(config) % stride_px(config) == 0
    assert 0 <= halo_px(config) - radius_px(config) < stride_px(config)


def test_pixels_beyond_the_halo_do_not_matter():
    generator, halo = build_generator(TINY).eval(), halo_px(TINY)
    near = torch.rand(1, 3, 16 + 2 * halo, 16 + 2 * halo) * 2 - 1
    far = torch.nn.functional.pad(near, (8, 8, 8, 8), value=0.7)
    inner, outer = slice(halo, halo + 16), slice(halo + 8, halo + 24)
    torch.testing.assert_close(generator(near)[..., inner, inner], generator(far)[..., outer, outer], rtol=0, atol=1e-6)


def test_a_shift_by_the_stride_shifts_the_output():
    generator, halo, stride = build_generator(TINY).eval().double(), halo_px(TINY), stride_px(TINY)
    x_BCHW = torch.rand(1, 3, 64 + 2 * halo, 64 + 2 * halo, dtype=torch.double) * 2 - 1
    moved = torch.roll(x_BCHW, (stride, 2 * stride), (2, 3))
    first, second = generator(x_BCHW), generator(moved)
    kept = slice(halo, halo + 40)
    torch.testing.assert_close(
        first[..., kept, kept],
        second[..., halo + stride : halo + 40 + stride, halo + 2 * stride : halo + 40 + 2 * stride],
        rtol=0,
        atol=1e-12,
    )
    half_a_step = torch.roll(x_BCHW, (stride // 2,) * 2, (2, 3))
    assert (first[..., kept, kept] - generator(half_a_step)[..., kept, kept]).abs().max() > 1e-6
