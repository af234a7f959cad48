"""What is measured against what is known: kernels written down, and the closed form of the layers."""

import math
from dataclasses import replace

import pytest
import torch
from torch import nn

from earthloom.models.pix2pixhd.config import TINY, Enhancer
from earthloom.models.pix2pixhd.generator import build_generator
from earthloom.models.pix2pixhd.receptive_field import halo_px, radius_px, stride_px
from earthloom.models.receptive_field import equal_halo_px, measure_reach


def kernel(*weight_of_ring: float) -> nn.Conv2d:
    """A convolution whose weight at a distance along a side is given, ring by ring."""
    far = len(weight_of_ring) - 1
    conv = nn.Conv2d(1, 1, 2 * far + 1, padding=far, padding_mode="reflect", bias=False).double()
    away = (torch.arange(2 * far + 1) - far).abs()
    with torch.no_grad():
        conv.weight[0, 0] = torch.tensor(weight_of_ring).double()[torch.maximum(away[:, None], away[None, :])]
    return conv


@pytest.mark.parametrize(
    ("rings", "radius", "effective"),
    [
        ((1.0,), 0, 0),
        ((1.0, 1.0, 1.0, 1.0), 3, 3),
        ((1.0, 1e-3 / 9, 0.0, 0.0), 1, 0),  # 8 pixels of 1e-3 / 9: less than a thousandth of the whole
        ((1.0, 1e-3 / 7, 0.0, 0.0), 1, 1),
        ((1.0, -1.0, 0.0, 1e-5), 3, 1),
    ],
)
def test_reach_of_a_kernel(rings: tuple[float, ...], radius: int, effective: int) -> None:
    found = measure_reach(kernel(*rings), torch.rand(2, 1, 16, 16).double(), 1)
    assert (found.radius_px, found.effective_px) == (radius, effective)


@pytest.mark.parametrize("widths", [(8,), (8, 8), (8, 8, 8)])
@pytest.mark.parametrize("enhancer", [None, Enhancer(width=8, num_blocks=1)])
def test_the_measured_radius_is_the_closed_form(widths: tuple[int, ...], enhancer: Enhancer | None) -> None:
    config = replace(TINY, widths=widths, enhancer=enhancer)
    generator, stride = build_generator(config).eval().double(), stride_px(config)
    x_BCHW = torch.rand(2, 3, *[2 * (halo_px(config) + 2 * stride)] * 2).double() * 2 - 1
    found = measure_reach(generator, x_BCHW, stride)
    assert found.radius_px == radius_px(config)
    assert found.effective_px <= found.radius_px


def test_instance_normalisation_sees_the_whole_window() -> None:
    config = replace(TINY, norm="instance")
    x_BCHW = torch.rand(1, 3, 160, 160).double() * 2 - 1
    assert (
        measure_reach(build_generator(config).eval().double(), x_BCHW, 4).radius_px == 83
    )  # from the last phase to the far edge
    assert measure_reach(build_generator(TINY).eval().double(), x_BCHW, 4).radius_px == radius_px(TINY) < 30


class Sign(nn.Module):
    """Two classes: is the filtered picture above zero?"""

    def __init__(self, conv: nn.Conv2d) -> None:
        super().__init__()
        self.conv = conv

    def forward(self, x_BCHW: torch.Tensor) -> torch.Tensor:
        y_BCHW = self.conv(x_BCHW)
        return torch.cat([y_BCHW, torch.zeros_like(y_BCHW)], 1)


@pytest.mark.parametrize(("rings", "wanted"), [((1.0,), 0), ((1.0, 1.0), 1), ((1.0,) * 4, 3), ((1.0, 1.0, 1e-9), 1)])
def test_the_halo_of_equal_maps(rings: tuple[float, ...], wanted: int) -> None:
    noise = torch.randn(4, 1, 28, 28, generator=torch.Generator().manual_seed(0)).double()
    assert equal_halo_px(Sign(kernel(*rings)), noise, 1, 6) == wanted


def test_a_whole_stride_at_a_time() -> None:
    noise = torch.randn(4, 1, 28, 28, generator=torch.Generator().manual_seed(0)).double()
    wanted = math.ceil(3 / 2) * 2
    assert equal_halo_px(Sign(kernel(*(1.0,) * 4)), noise, 2, 6) == wanted
