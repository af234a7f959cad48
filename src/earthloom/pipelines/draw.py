"""The step that draws a map: a generator with a palette head, over imagery or over the map one zoom finer.

Letters: B windows of a batch, C channels, H W pixels.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from earthloom.data.pixels import to_unit
from earthloom.errors import ModelError
from earthloom.execution.heap import keep_large_arrays
from earthloom.io.raster import Raster
from earthloom.loom.fill import fill_margin_px, fill_nearest, halve
from earthloom.loom.layer import Sight, StepFunction
from earthloom.models.header import Header, read_header
from earthloom.models.pix2pixhd.config import Pix2PixHDConfig
from earthloom.models.pix2pixhd.palette import colours
from earthloom.models.pix2pixhd.receptive_field import halo_px, stride_px
from earthloom.models.weights import load
from earthloom.pipelines.device import Device

BLOCK_PX = 512
"""Side of a block: one tile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawer:
    """A generator on disk that draws maps, checked to be one."""

    folder: Path
    """Its checkpoint."""

    sha256: str
    """Of its weights."""

    halo_px: int
    """Pixels around a block that it is shown: at least as far as it sees."""

    palette: tuple[tuple[int, int, int], ...]
    """The colours it draws with."""

    @property
    def reach_px(self) -> int:
        """Pixels around a block that are read: the halo, and as far as the ground that fills holes in it can lie."""
        return self.halo_px + fill_margin_px(self.halo_px)

    @classmethod
    def read(cls, folder: Path, *, role: str) -> "Drawer":
        """Read what a checkpoint says, without its weights.

        Args:
            folder: Checkpoint folder.
            role: What it must have been trained for: `r2m` (imagery to map) or `m2m` (map to coarser map).

        Raises:
            ModelError: If it is no Pix2PixHD generator with a palette, or one for another role.
        """
        header = read_header(folder)
        config = _config(folder, header)
        found = header.meta.get("role")
        if found != role:
            raise ModelError(f"{folder} was trained as {found!r}, want a generator with the role {role!r}")
        palette = tuple((int(r), int(g), int(b)) for r, g, b in header.meta.get("palette") or ())
        if len(palette) != config.out_channels:
            raise ModelError(f"{folder} names {len(palette)} colours for {config.out_channels} outputs; train it again")
        return cls(folder=folder, sha256=header.sha256, halo_px=_halo_px(folder, header, config), palette=palette)


@dataclass(frozen=True, slots=True, kw_only=True)
class Draw:
    """Draw a window: fill what is masked from the nearest ground, run the generator, mask again."""

    drawer: Drawer
    """What draws."""

    device: Device
    """Where."""

    shrink: bool
    """Whether the input is twice as fine and averaged 2 x 2 first, as Series GAN does."""

    @property
    def identity(self) -> str:
        """Everything that decides the pixels."""
        return json.dumps(["draw", self.drawer.sha256, self.shrink, self.device.describe], sort_keys=True)

    def load(self) -> StepFunction:
        """Read the weights and put them on the device."""
        return partial(_draw, _network(self.drawer, self.device.type), self.drawer, self.device, self.shrink)


@lru_cache(maxsize=4)
def _network(drawer: Drawer, device_type: str) -> nn.Module:
    """Read a generator, once for all small readings of a map."""
    if device_type == "cpu":
        keep_large_arrays()
    checkpoint = load(drawer.folder, model="pix2pixhd", network="generator")
    if checkpoint.sha256 != drawer.sha256:
        raise ModelError(f"{drawer.folder} changed while it was used; run again")
    module: Any = checkpoint.module
    network: nn.Module = module.to(device_type, memory_format=torch.channels_last)
    return network


def _draw(generator: nn.Module, drawer: Drawer, device: Device, shrink: bool, sights: Sequence[Sight]) -> list[Raster]:
    if device.type == "cpu":
        torch.set_num_threads(1)  # of this worker thread: the same sums in the same order for any number of workers
    grounds = [halve(sight.inputs[0]) if shrink else sight.inputs[0] for sight in sights]
    seen_BCHW = torch.from_numpy(np.stack([seen(ground, drawer) for ground in grounds]))
    x_BCHW = to_unit(seen_BCHW.to(device.type)).contiguous(memory_format=torch.channels_last)
    with torch.inference_mode(), torch.autocast(device.type, torch.bfloat16, enabled=device.precision == "bf16"):
        drawn_BCHW = colours(generator(x_BCHW), drawer.palette).cpu().numpy()
    margins = (drawer.reach_px - drawer.halo_px,) * 2
    drawn_BCHW = np.pad(drawn_BCHW, ((0, 0), (0, 0), margins, margins))
    return [Raster(drawn, ground.mask) for drawn, ground in zip(drawn_BCHW, grounds, strict=True)]


def seen(ground: Raster, drawer: Drawer) -> NDArray[np.uint8]:
    """Fill a block's ground, read as far as `reach_px`, and return `(3, H, W)` of it: the block and its halo."""
    height, width = ground.mask.shape
    margin = drawer.reach_px - drawer.halo_px
    return fill_nearest(ground).pixels[:, margin : height - margin, margin : width - margin]


def _config(folder: Path, header: Header) -> Pix2PixHDConfig:
    config = header.config
    if not isinstance(config, Pix2PixHDConfig) or header.network != "generator" or config.head != "palette":
        raise ModelError(f"{folder} is a {header.model} {header.network} without a palette; maps need a palette head")
    if config.norm != "batch" or BLOCK_PX % stride_px(config):
        raise ModelError(f"{folder} is no local function (norm {config.norm}); train it with frozen statistics")
    return config


def _halo_px(folder: Path, header: Header, config: Pix2PixHDConfig) -> int:
    """Return the stored halo, if it covers all that the layers see; the closed form if none is stored."""
    needed, stride = halo_px(config), stride_px(config)
    stored = header.meta.get("halo_px", needed)
    if type(stored) is not int or stored < needed or stored % stride:
        raise ModelError(
            f"{folder} stores halo_px {stored!r}, its layers see {needed} px in strides of {stride}: "
            f"correct it with `earthloom models halo {folder} --write`"
        )
    return stored
