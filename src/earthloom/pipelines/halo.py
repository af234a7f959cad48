"""`earthloom models halo`: how far a generator sees, by its layers and by measurement, and what halo it needs."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from earthloom.data.pixels import to_unit
from earthloom.errors import ModelError, SourceError
from earthloom.geo.windows import Window
from earthloom.io.imagery import Imagery
from earthloom.io.inputs import inspect
from earthloom.loom.fill import fill_nearest
from earthloom.models.header import read_header
from earthloom.models.pix2pixhd.receptive_field import halo_px, stride_px
from earthloom.models.receptive_field import SHARE, equal_halo_px, measure_reach
from earthloom.models.weights import Checkpoint, load

NUM_WINDOWS = 8
"""On which arg-max maps are compared."""

NUM_FOLLOWED = 2
"""Of these, windows whose gradients are followed, from one pixel a phase of the stride each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HaloReport:
    """What was found of one generator; pixels are those of its input."""

    stored_px: int | None
    """The halo its `config.json` says; None if it says nothing."""

    layers_px: int
    """The closed form: the receptive radius of its convolutions, rounded up to the stride."""

    radius_px: int | None
    """Furthest pixel with any gradient; None if it sees the whole window, however large."""

    effective_px: int
    """Half the side of the square that holds `share` of the absolute gradient."""

    equal_px: int | None
    """Smallest halo that changed no pixel of an arg-max map; None without a palette, or if it sees the window."""

    window_px: int
    """Side of the windows."""

    compared_px: int
    """Pixels of the arg-max maps."""

    stride_px: int
    """Halos are multiples of it."""

    @property
    def halo_px(self) -> int:
        """What to store: all that is seen, so that bytes do not depend on where a window was cut.

        No gradient on a few windows is no proof for all of them: never less than the layers say. One that sees the
        whole window has no such halo, and gets the radius of its convolutions.
        """
        seen = -(-(self.radius_px or 0) // self.stride_px) * self.stride_px
        return max(self.layers_px, seen)

    def facts(self) -> dict[str, Any]:
        """Return it ready for JSON."""
        return {"halo_px": self.halo_px, "share": SHARE, **asdict(self)}

    def lines(self) -> list[str]:
        """Return it as sentences."""
        far = "the whole window: no halo keeps bytes equal" if self.radius_px is None else f"{self.radius_px} px far"
        equal = "no halo compared" if self.equal_px is None else f"equal from a halo of {self.equal_px} px on"
        stored = "none stored" if self.stored_px is None else f"{self.stored_px} px stored"
        return [
            f"it sees {far}; its convolutions reach up to {self.layers_px} px, in strides of {self.stride_px}",
            f"{SHARE:.1%} of the gradient lie within {self.effective_px} px (windows of {self.window_px} px)",
            f"arg-max maps: {equal} ({self.compared_px:,} pixels)",
            f"halo: {stored}, {self.halo_px} px wanted",
        ]


def measure_halo(folder: Path, image: Path | None) -> HaloReport:
    """Measure how far a generator sees.

    Args:
        folder: Its checkpoint.
        image: What it reads, imagery or a map, pixel for pixel; None for random pixels.

    Raises:
        ModelError: If it is no Pix2PixHD generator, or does not read three colours of an image.
        SourceError: If the image cannot be read, or is smaller than a window.
    """
    checkpoint = load(folder, model="pix2pixhd", network="generator")
    config, stride, full = checkpoint.config, stride_px(checkpoint.config), halo_px(checkpoint.config)
    block = max(64, 2 * stride)
    x_BCHW = (
        _random(config.in_channels, block + 2 * full) if image is None else _cut(checkpoint, image, block + 2 * full)
    )
    is_local, has_classes = config.norm == "batch", config.head == "palette"
    equal = equal_halo_px(checkpoint.module, x_BCHW, stride, full) if is_local and has_classes else None
    exact = torch.float64 if is_local else torch.float32  # where there is an edge, zeros have to be exact
    module = checkpoint.module.requires_grad_(False).to(exact)
    reach = measure_reach(module, x_BCHW[:NUM_FOLLOWED].to(exact), stride)
    return HaloReport(
        stored_px=checkpoint.meta.get("halo_px"),
        layers_px=full,
        radius_px=reach.radius_px if is_local else None,
        effective_px=reach.effective_px,
        equal_px=equal,
        window_px=block + 2 * full,
        compared_px=len(x_BCHW) * block**2,
        stride_px=stride,
    )


def write_halo(folder: Path, report: HaloReport) -> None:
    """Store the halo of a report in the checkpoint's `config.json`, whole or not at all.

    Raises:
        ModelError: If it cannot be written.
    """
    header = read_header(folder)
    try:
        replace(header, meta={**header.meta, "halo_px": report.halo_px}).write(folder)
    except OSError as error:
        raise ModelError(f"{folder} cannot be written: {error}; copy the checkpoint and name the copy") from error


def _random(channels: int, side_px: int) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.rand((NUM_WINDOWS, channels, side_px, side_px), generator=generator) * 2 - 1


def _cut(checkpoint: Checkpoint, image: Path, side_px: int) -> Tensor:
    """Return random windows of an image."""
    if checkpoint.config.in_channels != 3:
        raise ModelError(
            f"{checkpoint.folder} reads {checkpoint.config.in_channels} channels: measure it without --image"
        )
    imagery = inspect(image, gsd_m=1.0)
    if min(imagery.width, imagery.height) < side_px:
        raise SourceError(f"{image}: has {imagery.width} x {imagery.height} px, want at least {side_px} on each side")
    windows = list(islice(_grounds(imagery, side_px), NUM_WINDOWS))
    if not windows:
        raise SourceError(f"{image}: shows too little ground: none of 100 random windows of {side_px} px is half full")
    return to_unit(torch.from_numpy(np.stack(windows)))


def _grounds(imagery: Imagery, side_px: int) -> Iterator[np.ndarray]:
    """Give the pixels of random windows that are at least half valid, in the image's own pixels."""
    rng, source, extent = np.random.default_rng(0), imagery.on(imagery.grid), imagery.grid.extent
    assert extent is not None
    for _ in range(100):
        col, row = rng.integers(0, (extent.width - side_px + 1, extent.height - side_px + 1)).tolist()
        raster = source.read(Window(extent.col + col, extent.row + row, side_px, side_px))
        if raster.mask.mean() >= 0.5:
            yield fill_nearest(raster).pixels
