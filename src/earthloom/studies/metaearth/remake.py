"""Coarse pictures made fine, one call of the denoiser each: the loom weaves a strip of them without overlap.

Letters: N pictures, h w coarse pixels, H W = 4h 4w, 3 RGB.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import groupby
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from earthloom.execution.executor import Threads
from earthloom.geo.windows import Window
from earthloom.loom.layer import Layer
from earthloom.loom.loom import Loom
from earthloom.loom.store import Store
from earthloom.models.metaearth.config import FACTOR
from earthloom.pipelines.denoise import CascadeWeights
from earthloom.pipelines.scratch import Scratch
from earthloom.pipelines.stages import cascade_layers
from earthloom.studies.metaearth.study import Study
from earthloom.studies.strip import Strip


@dataclass(frozen=True, slots=True, eq=False)
class Remade:
    """Pictures and what they took."""

    made_NHW3: NDArray[np.uint8]
    """In the order of the coarse ones."""

    seconds: float
    """A picture, on all workers together, weights loaded before."""


@contextmanager
def scratch_loom(study: Study) -> Iterator[Loom]:
    """Give a loom whose blocks nobody keeps."""
    scratch, options = Scratch(), study.options
    with Store(scratch.path / "blocks") as store:
        yield Loom(store, Threads(options.workers), batch=options.call_batch, progress=study.progress)


def remake(study: Study, weights: CascadeWeights, coarse_Nhw3: NDArray[np.uint8], gsds_m: Sequence[float]) -> Remade:
    """Make pictures of one window each; picture i lies in column i of the noise's plane, whoever makes it.

    Args:
        study: How to sample, with which seed, where.
        weights: The denoiser; its window is four times as wide as the pictures.
        coarse_Nhw3: What to start from.
        gsds_m: Metres a pixel of what is made, one each; equal ones side by side are made together.
    """
    strip = Strip(pictures_NHW3=coarse_Nhw3)
    windows = [window.scaled(FACTOR) for window in strip.windows()]
    made: list[NDArray[np.uint8]] = []
    seconds = 0.0
    with scratch_loom(study) as loom:
        for gsd_m, indices in runs(gsds_m):
            places = [windows[index] for index in indices]
            layer = side_by_side(stages(study, weights, strip, gsd_m * FACTOR, 1)[0])
            layer.step.load()
            start = perf_counter()
            loom.make(layer, places[0].union(places[-1]))
            seconds += perf_counter() - start
            made += [read(loom, layer, place) for place in places]
    return Remade(np.stack(made), seconds / len(made))


def runs(gsds_m: Sequence[float]) -> list[tuple[float, list[int]]]:
    """Return neighbours of one ground resolution with it: a layer has only one."""
    groups = groupby(range(len(gsds_m)), key=lambda index: gsds_m[index])
    return [(gsd_m, list(indices)) for gsd_m, indices in groups]


def stages(study: Study, weights: CascadeWeights, strip: Strip, gsd_m: float, count: int) -> tuple[Layer, ...]:
    """Return the stages of a cascade on a strip whose pixels have `gsd_m`."""
    options = study.options
    return cascade_layers(strip, gsd_m, count, weights, study.sampling, seed=options.seed, device=options.device)


def side_by_side(layer: Layer) -> Layer:
    """Return a stage of one phase whose blocks are whole windows: no overlap, nothing shared."""
    return replace(layer, block_px=layer.block_px + 2 * layer.halo_px, halo_px=0, overlap_px=0)


def read(loom: Loom, layer: Layer, window: Window) -> NDArray[np.uint8]:
    """Return the pixels `(H, W, 3)` of a window, made if they are not yet."""
    pixels: NDArray[np.uint8] = loom.open(layer).read(window).pixels.transpose(1, 2, 0)
    return np.ascontiguousarray(pixels)
