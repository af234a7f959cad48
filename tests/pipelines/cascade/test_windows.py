"""Windows against each other: what the noise rule promises, random access, and fused phases."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
import torch
from affine import Affine
from torch import nn

from earthloom.geo.grid import Grid
from earthloom.geo.windows import Window
from earthloom.io.raster import Raster
from earthloom.loom.layer import Sight
from earthloom.loom.loom import Loom
from earthloom.loom.store import Store
from earthloom.models.metaearth.config import AS_PUBLISHED, TINY
from earthloom.nn.diffusion import cumulative_alphas
from earthloom.pipelines import denoise
from earthloom.pipelines.denoise import CascadeWeights, starting_noise
from earthloom.pipelines.device import Device
from earthloom.pipelines.stages import Sampling, cascade_layers

WINDOW_PX = 32
CPU = Device.choose("cpu")
WEIGHTS = CascadeWeights(
    name="toy",
    folder=None,  # type: ignore[arg-type]
    sha256="toy",
    config=replace(TINY, window_px=WINDOW_PX, noising=AS_PUBLISHED),
    licence="",
    levels_m=(),
)


class Local(nn.Module):
    """A convolution over noise and nearest ground: no norm, no attention, a radius of 1 px a step."""

    config = WEIGHTS.config

    def __init__(self) -> None:
        super().__init__()
        self.calls = 0
        self.mix = nn.Conv2d(6, 3, 3, padding=1)
        generator = torch.Generator().manual_seed(0)
        with torch.no_grad():
            for parameter in self.parameters():
                parameter.copy_(0.3 * torch.randn(parameter.shape, generator=generator))

    def encode(self, lr_B3hw):
        return lr_B3hw.repeat_interleave(4, 2).repeat_interleave(4, 3)

    def denoise(self, x_B3HW, t_B, gsd_B, condition_BCHW):
        self.calls += 1
        return torch.tanh(self.mix(torch.cat((x_B3HW, condition_BCHW), dim=1)))


@pytest.fixture
def toy(monkeypatch):
    network = Local()
    monkeypatch.setattr(denoise, "_network", lambda weights, device_type: network)
    return network


class Waves:
    """An endless source."""

    grid = Grid(crs=None, transform=Affine.scale(16.0))
    bands, dtype, identity = 3, "uint8", "waves"

    def read(self, window: Window) -> Raster:
        rows, cols = np.mgrid[window.row : window.bottom, window.col : window.right].astype(float)
        waves = np.stack([np.sin(0.2 * cols + band) + np.cos(0.13 * rows) for band in range(3)])
        return Raster((127 + 60 * waves).astype(np.uint8), np.ones(rows.shape, bool))


def top(sampling):
    return cascade_layers(Waves(), 16.0, 1, WEIGHTS, sampling, seed=5, device=CPU)[-1]


@pytest.fixture
def loom(tmp_path):
    with Store(tmp_path / "blocks") as store:
        yield Loom(store)


SAMPLING = Sampling(steps=4, sampler="ddim", consistent=False)


@pytest.mark.parametrize(
    ("noise", "agrees"), [("canvas", True), ("shared_tiled", True), ("shared", False), ("independent", False)]
)
def test_neighbours_agree_exactly_at_the_centre_of_their_overlap(toy, noise, agrees):
    step = top(replace(SAMPLING, noise=noise)).step
    windows = [Window(col, row, WINDOW_PX, WINDOW_PX) for row in (-8, 8) for col in (-8, 8)]
    made = {}
    for window in windows:
        sight = Sight(window, (Waves().read(window.scaled(Fraction(1, 4))),))
        made[window] = step.load()([sight])[0]
    first, *others = windows
    equal = []
    for other in others:
        reach = SAMPLING.steps  # 1 px a step: 4 steps see no further than a quarter of a window
        inner = first.intersection(other).pad(-reach)
        equal.append(np.array_equal(made[first].crop(inner, first).pixels, made[other].crop(inner, other).pixels))
    assert all(equal) if agrees else not any(equal)


def test_quadrants_follow_the_published_conditions():
    for kind in ("canvas", "shared_tiled"):
        at = {
            (row, col): starting_noise(kind, Window(16 * col - 8, 16 * row - 8, 32, 32), seed=1, stage=0)
            for row in range(2)
            for col in range(2)
        }
        assert np.array_equal(at[0, 0][:, 16:, :], at[1, 0][:, :16, :])  # C, D above = A, B below
        assert np.array_equal(at[0, 0][:, :, 16:], at[0, 1][:, :, :16])  # B, D left = A, C right
    tiled = starting_noise("shared_tiled", Window(8, 8, 32, 32), seed=1, stage=0)
    assert np.array_equal(tiled[:, :16, :16], tiled[:, 16:, 16:])
    assert abs(float(tiled.std()) - 1) < 0.1


def test_a_stage_is_told_what_it_reads():
    layers = cascade_layers(Waves(), 10.0, 2, WEIGHTS, SAMPLING, seed=5, device=CPU)
    assert [layer.step.gsd_m for layer in layers] == [10.0, 2.5]


def test_far_away_costs_what_here_costs(toy, loom):
    counts = []
    for sampling in (SAMPLING, replace(SAMPLING, phases=2), replace(SAMPLING, merge="hann")):
        for corner in (0, 16_000_000):
            toy.calls = 0
            loom.open(top(sampling)).read(Window(corner, corner, 16, 16))
            counts.append(toy.calls)
    # One window of four steps; two phases: 3 x 3 windows of two steps, then one; blended: 3 x 3 windows.
    assert counts == [4, 4, 20, 20, 36, 36]


def test_phases_that_agree_change_nearly_nothing(toy, loom):
    """With the place's noise the states of windows differ only near their edges, where they weigh least."""
    plain, fused = (replace(SAMPLING, phases=phases) for phases in (1, 2))
    pictures = [loom.open(top(sampling)).read(Window(0, 0, 64, 64)).pixels.astype(int) for sampling in (plain, fused)]
    assert np.abs(pictures[0] - pictures[1]).mean() < 0.05
    assert not np.array_equal(
        pictures[0], loom.open(top(replace(plain, noise="shared"))).read(Window(0, 0, 64, 64)).pixels
    )


@pytest.mark.parametrize(("merge", "shrunk"), [("crop", 9 / 16), ("multidiffusion", 1 / 4)])
@pytest.mark.parametrize("noise", ["canvas", "independent"])
def test_blended_states_keep_the_variance_of_the_schedule_where_windows_agree(
    toy, loom, monkeypatch, noise, merge, shrunk
):
    """Of a network that sees even grey; means of windows with noise of their own shrink by their weights squared."""
    abar_T = cumulative_alphas(AS_PUBLISHED)
    monkeypatch.setattr(toy, "denoise", lambda x, t_B, gsd_B, condition: x / (1 - abar_T[int(t_B[0])]).sqrt().float())
    sampling = Sampling(steps=2, sampler="ddim", consistent=False, merge=merge, noise=noise)
    layer = top(sampling if merge == "multidiffusion" else replace(sampling, phases=2))
    first, second = layer.step.times[0], layer.inputs[1].step.times[0]
    state = loom.open(layer.inputs[1]).read(Window(0, 0, 256, 256)).pixels
    schedule = float((1 - abar_T[first]) / (1 - abar_T[second]))
    assert float(state.var()) == pytest.approx(schedule * (1.0 if noise == "canvas" else shrunk), rel=0.015)


def test_stacked_worlds_do_not_depend_on_the_order_of_reading(toy, tmp_path):
    layer = cascade_layers(Waves(), 16.0, 2, WEIGHTS, replace(SAMPLING, merge="hann"), seed=5, device=CPU)[-1]
    windows = [Window(col, row, 48, 48) for row in (-48, 0) for col in (-48, 0)]
    read = []
    for order in (windows, windows[::-1]):
        with Store(tmp_path / f"{order[0].col}") as store:
            opened = Loom(store).open(layer)
            read.append({window: opened.read(window).pixels for window in order})
    assert all(np.array_equal(read[0][window], read[1][window]) for window in windows)


def test_blocks_of_another_configuration_are_others():
    """The same tensors with another guidance or schedule make other pixels."""
    layers = [
        cascade_layers(Waves(), 16.0, 1, replace(WEIGHTS, config=config), Sampling(steps=2), seed=0, device=CPU)[0]
        for config in (WEIGHTS.config, replace(WEIGHTS.config, resolution="output"), replace(TINY, window_px=WINDOW_PX))
    ]
    assert len({layer.identity for layer in layers}) == 3
