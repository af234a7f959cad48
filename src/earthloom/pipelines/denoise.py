"""The step of a cascade: a window of ground and its place-bound noise to the same ground four times as fine.

A stage is one step, or several phases of it: each follows some of the sampler's times in every window, and the next
begins from the blended states of all windows.

Letters: B windows of a batch, C channels, h w pixels of the ground that is read, H W = 4h 4w, T steps.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from earthloom.data.pixels import to_uint8, to_unit
from earthloom.errors import GeoError, ModelError
from earthloom.execution.heap import keep_large_arrays
from earthloom.geo.crs import gsd_m_at
from earthloom.geo.grid import Grid
from earthloom.geo.windows import Window
from earthloom.io.raster import Raster
from earthloom.loom.fill import fill_nearest
from earthloom.loom.layer import Sight, StepFunction
from earthloom.loom.noise import derive_key, noise_at
from earthloom.models.header import read_header
from earthloom.models.metaearth.config import FACTOR, MetaEarthConfig
from earthloom.models.metaearth.consistency import consistent
from earthloom.models.metaearth.denoiser import Denoiser
from earthloom.models.names import checkpoint_folders, resolve
from earthloom.models.weights import load
from earthloom.nn.diffusion import add_noise, clean_estimate, cumulative_alphas
from earthloom.nn.sampling import CLEAN, Spacing, ddim, dpm_solver
from earthloom.pipelines.device import Device

Noise = Literal["canvas", "shared_tiled", "shared", "independent"]
"""Whose noise a window starts from: the place's; one quarter repeated everywhere, as MetaEarth's conditions want; one
block's for every window, its shortcut to the letter; the window's own. All but `canvas` are for comparison."""

SamplerName = Literal["dpm", "ddim"]
SAMPLERS = {"dpm": dpm_solver, "ddim": ddim}
SPACINGS: dict[SamplerName, Spacing] = {"dpm": "quadratic", "ddim": "trailing"}


@dataclass(frozen=True, slots=True, kw_only=True)
class CascadeWeights:
    """A denoiser on disk, checked to be one."""

    name: str
    """What the user called it."""

    folder: Path
    """Its checkpoint."""

    sha256: str
    """Of its weights."""

    config: MetaEarthConfig
    """Its architecture."""

    licence: str
    """Licence of the weights."""

    levels_m: tuple[float, ...]
    """Metres per pixel that it learned to make; empty if the checkpoint does not say."""

    @classmethod
    def read(cls, name: str) -> "CascadeWeights":
        """Find weights by shipped name, folder or hub id, without reading them.

        Raises:
            ModelError: If they are missing, damaged or no MetaEarth denoiser.
        """
        folders = checkpoint_folders(resolve(name))
        folder = _likely(folders)
        if folder is None:
            raise ModelError(f"{name} holds no denoiser, only {', '.join(folders)}; name a MetaEarth model")
        header = read_header(folder)
        if not isinstance(header.config, MetaEarthConfig):
            raise ModelError(f"{name} is a {header.model} {header.network}; a cascade needs a metaearth denoiser")
        return cls(
            name=name,
            folder=folder,
            sha256=header.sha256,
            config=header.config,
            licence=str(header.meta.get("licence", "not stated")),
            levels_m=tuple(float(level) for level in header.meta.get("levels_m") or ()),
        )


def is_denoiser(name: str) -> bool:
    """Say whether weights, by shipped name, folder or hub id, are a denoiser's.

    Raises:
        ModelError: If they are missing or damaged.
    """
    folder = _likely(checkpoint_folders(resolve(name)))
    return folder is not None and isinstance(read_header(folder).config, MetaEarthConfig)


def _likely(folders: Mapping[str, Path]) -> Path | None:
    """Return the checkpoint of a model that could be a denoiser."""
    return folders.get("", folders.get("denoiser"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Denoise:
    """One phase of one stage. Reads the ground below, and after the first phase the states of the phase before."""

    weights: CascadeWeights
    """Whose network."""

    device: Device
    """Where."""

    ground: Grid
    """The plane of what it reads."""

    gsd_m: float
    """Metres a pixel of that, where its place does not say."""

    times: tuple[int, ...]
    """Where it goes: from the first to the last of these; to the picture if that is `CLEAN`."""

    sampler: SamplerName
    """How it steps."""

    noise: Noise
    """Whose noise the first phase starts from."""

    seed: int
    """Of the world."""

    stage: int
    """Number of the stage, 0 first: each has noise of its own."""

    consistent: bool
    """Whether every estimate is made to average down to the ground below."""

    @property
    def identity(self) -> str:
        """Everything that decides the pixels."""
        names = [field.name for field in fields(self) if field.name not in ("weights", "device", "ground")]
        values = {name: getattr(self, name) for name in names}
        network = [self.weights.sha256, asdict(self.weights.config)]
        plane = [self.ground.crs, tuple(self.ground.transform)[:6]]
        return json.dumps(["denoise", network, self.device.describe, plane, values], sort_keys=True)

    def load(self) -> StepFunction:
        """Read the weights and put them on the device."""
        return partial(_make, _network(self.weights, self.device.type), self)

    def guide_m(self, window: Window) -> float:
        """Return the resolution that guides a window of the fine plane: metres a pixel of what it reads, at its centre.

        So it is a function of the place alone, whatever file is read; to five digits, because two files of one ground
        may differ in the last ones of their corners.
        """
        if self.ground.crs is None:
            return self.gsd_m
        centre = (window.col + window.width / 2) / FACTOR, (window.row + window.height / 2) / FACTOR
        try:
            return float(f"{gsd_m_at(self.ground.crs, self.ground.transform, *centre):.5g}")
        except GeoError:  # a window may lie off the Earth where the image reaches its edge
            return self.gsd_m

    def known(self, ground: Raster) -> NDArray[np.bool_]:
        """Return where a picture has ground; a state is known in the whole window, for its neighbours' sake."""
        fine_HW = ground.mask.repeat(FACTOR, 0).repeat(FACTOR, 1)
        return fine_HW if self.times[-1] == CLEAN else np.full_like(fine_HW, ground.mask.any())


@lru_cache(maxsize=2)
def _network(weights: CascadeWeights, device_type: str) -> Denoiser:
    """Read a denoiser, once for all stages and phases."""
    if device_type == "cpu":
        keep_large_arrays()
    checkpoint = load(weights.folder, model="metaearth", network="denoiser")
    if checkpoint.sha256 != weights.sha256:
        raise ModelError(f"{weights.folder} changed while it was used; run again")
    module: Any = checkpoint.module
    return cast(Denoiser, module.to(device_type, memory_format=torch.channels_last))


def _make(network: Denoiser, step: Denoise, sights: Sequence[Sight]) -> list[Raster]:
    if step.device.type == "cpu":
        torch.set_num_threads(1)  # of this worker thread: the same sums in the same order for any number of workers
    grounds = [sight.inputs[0] for sight in sights]
    lr_B3hw = to_unit(torch.from_numpy(np.stack([fill_nearest(ground).pixels for ground in grounds])))
    starts = [_start(step, sight, lr_3hw) for sight, lr_3hw in zip(sights, lr_B3hw, strict=True)]
    x_B3HW, lr_B3hw = (
        tensor.to(step.device.type).contiguous(memory_format=torch.channels_last)
        for tensor in (torch.from_numpy(np.stack(starts)), lr_B3hw)
    )
    gsd_B = torch.tensor([step.guide_m(sight.window) for sight in sights], device=step.device.type)
    made_B3HW = _follow(network, step, x_B3HW, lr_B3hw, gsd_B).cpu()
    if step.times[-1] == CLEAN:
        made_B3HW = to_uint8(made_B3HW)
    return [Raster(*pair) for pair in zip(made_B3HW.numpy(), map(step.known, grounds), strict=True)]


def _follow(network: Denoiser, step: Denoise, x_B3HW: Tensor, lr_B3hw: Tensor, gsd_B: Tensor) -> Tensor:
    """Follow the sampler through the times of a phase; the condition is computed once."""
    noising = network.config.noising
    abar_T = cumulative_alphas(noising)

    def denoise(x_B3HW: Tensor, t: int) -> Tensor:
        t_B = torch.full_like(gsd_B, t)
        with torch.autocast(step.device.type, torch.bfloat16, enabled=step.device.precision == "bf16"):
            answer_B3HW = network.denoise(x_B3HW, t_B, gsd_B, condition_BCHW)
        abar_B = abar_T[t].to(gsd_B.device).expand(len(gsd_B))
        x0_B3HW = clean_estimate(x_B3HW, answer_B3HW.float(), abar_B, noising.prediction).clamp(-1.0, 1.0)
        return consistent(x0_B3HW, lr_B3hw) if step.consistent else x0_B3HW

    with torch.inference_mode():
        with torch.autocast(step.device.type, torch.bfloat16, enabled=step.device.precision == "bf16"):
            condition_BCHW = network.encode(lr_B3hw)
        return SAMPLERS[step.sampler](denoise, x_B3HW, abar_T, step.times)


def _start(step: Denoise, sight: Sight, lr_3hw: Tensor) -> NDArray[np.float32]:
    """Return where a window begins: its noise, or what the phase before left; unknown ground is noised from below."""
    if len(sight.inputs) == 1:
        return starting_noise(step.noise, sight.window, seed=step.seed, stage=step.stage)
    states = sight.inputs[1]
    if states.mask.all():
        return cast(NDArray[np.float32], states.pixels)
    noise = torch.from_numpy(starting_noise(step.noise, sight.window, seed=step.seed, stage=step.stage))
    coarse_3HW = lr_3hw.repeat_interleave(FACTOR, 1).repeat_interleave(FACTOR, 2)
    abar_1 = cumulative_alphas(step.weights.config.noising)[step.times[0]][None]
    noised = add_noise(coarse_3HW[None], noise[None], abar_1)[0].numpy()
    return np.where(states.mask, states.pixels, noised)


def starting_noise(kind: Noise, window: Window, *, seed: int, stage: int) -> NDArray[np.float32]:
    """Return the unit Gaussian noise `(3, H, W)` of a window that overlaps its neighbours by half."""
    size = Window(0, 0, window.width, window.height)
    if kind == "canvas":
        return noise_at(window, channels=3, seed=seed, stage=stage)
    if kind == "shared":
        return noise_at(size, channels=3, seed=seed, stage=stage)
    if kind == "independent":
        return noise_at(size, channels=3, seed=derive_key(seed, window.row, window.col), stage=stage)
    half = Window(0, 0, window.width // 2, window.height // 2)
    quarter = noise_at(half, channels=3, seed=seed, stage=stage)
    rows = np.arange(window.row, window.bottom) % half.height
    cols = np.arange(window.col, window.right) % half.width
    return quarter[:, rows[:, None], cols]
