"""Table II: do joints show? The paper's ways to lay windows and noise beside our ways to merge, and what each costs."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from earthloom.data.catalog import ImageBlock
from earthloom.data.pairs import image_size
from earthloom.errors import DataError
from earthloom.geo.windows import Window
from earthloom.loom.layer import Layer
from earthloom.loom.loom import Loom
from earthloom.metrics.seam_gradients import SeamGradients, seam_gradients
from earthloom.metrics.seams import SeamRatio, pooled_seam_ratio
from earthloom.models.metaearth.config import FACTOR
from earthloom.pipelines.denoise import Denoise
from earthloom.studies.metaearth import published
from earthloom.studies.metaearth.crops import cut_crops
from earthloom.studies.metaearth.remake import read, scratch_loom, side_by_side, stages
from earthloom.studies.metaearth.study import Study
from earthloom.studies.report import grid_lines, interval, number
from earthloom.studies.strip import Strip

GROUND_WINDOWS = 2
"""Windows along a side of the ground that is measured, in the middle of each picture."""

WAYS: dict[str, dict[str, Any]] = {
    "side by side, independent noise": {"noise": "independent"},
    "overlap, independent noise": {"noise": "independent"},
    "overlap, shared noise (as published)": {"noise": "shared_tiled"},
    "overlap, the place's noise": {},
    "the place's noise, merged by a raised cosine": {"merge": "hann"},
    "the place's noise, 2 phases": {"phases": 2},
    "the place's noise, averaged at every step": {"merge": "multidiffusion"},
}
"""What each row changes of the study's sampling; the last three are ours. The first alone has no overlap."""

SIDE_BY_SIDE = next(iter(WAYS))


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One way to make large pictures; an output block is half a window a side in all rows."""

    way: str
    """One of `WAYS`."""

    steps: SeamGradients
    """Table II's figures: steps across the seams, and elsewhere in the same pictures."""

    ratio: SeamRatio | None
    """Steps across the seams over those at the same places where the lattice lies elsewhere; None on flat pictures."""

    calls_per_block: float
    """Calls of the network for each block of the measured ground."""

    calls_alone: int
    """Calls for one block that is read alone."""

    seconds: float
    """To make the measured ground of one picture."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SeamTable:
    """Table II."""

    level_m: float
    """Metres a pixel of the pictures that were made four times as fine."""

    num: int
    """Pictures."""

    ground_px: int
    """Side of the ground measured in each."""

    rows: tuple[Row, ...]
    """In the order of `WAYS`."""

    def facts(self) -> dict[str, Any]:
        """Return it for JSON."""
        return asdict(self)

    def markdown(self) -> list[str]:
        """Return it beside the published steps."""
        head = "way", "paper: h, v, mean", "horizontal", "vertical", "mean", "interior", "mean / interior"
        return [
            f"{self.num} real pictures of {self.level_m:g} m made four times as fine; the paper took 750. Mean step "
            f"between neighbouring pixels, 0..255, on {self.ground_px} px squares in their middle; in brackets 95 % "
            "intervals.",
            "",
            *grid_lines(head, map(_steps, self.rows)),
            "",
            "Shifted lattice: steps at the seams over those at the same places when windows lie half a block "
            "elsewhere; 0.98 to 1.02 is seamless. A block is half a window a side.",
            "",
            *grid_lines(
                ("way", "ratio by shifted lattice", "lines", "calls a block", "calls, one alone", "s a picture"),
                map(_costs, self.rows),
            ),
        ]


def make(study: Study) -> SeamTable:
    """Weave the middle of coarse pictures in all ways.

    Raises:
        DataError: If no block of imagery is large enough.
    """
    level_m, coarse_Nhw3 = _pictures(study)
    strip = Strip(pictures_NHW3=coarse_Nhw3, gap_px=study.window_px)
    grounds = [_ground(window, study.window_px) for window in strip.windows()]
    rows = tuple(_row(study, way, _layer(study, way, strip, level_m), grounds) for way in WAYS)
    return SeamTable(level_m=level_m, num=len(grounds), ground_px=grounds[0].width, rows=rows)


def num_calls(loom: Loom, layer: Layer, window: Window) -> int:
    """Return how many calls of a network it takes to read a window of a layer, none of whose blocks is made yet."""
    plan = ((each.step, len(blocks)) for each, blocks in loom.plan(layer, window))
    return sum(count * (len(step.times) - 1) for step, count in plan if isinstance(step, Denoise))


def _pictures(study: Study) -> tuple[float, NDArray[np.uint8]]:
    """Return pictures of the coarsest level with enough of them, or of the one with most; held-out ones first."""
    found = [(level_m, _of_level(study, blocks)) for level_m, blocks in study.levels().items()]
    level_m, pictures = max(found, key=lambda each: len(each[1]))
    if not pictures:
        wanted_px = GROUND_WINDOWS * study.window_px // FACTOR
        raise DataError(f"no block of imagery has {wanted_px} px a side: make a catalog of larger ones")
    return level_m, np.stack(pictures)


def _of_level(study: Study, blocks: Sequence[ImageBlock]) -> list[NDArray[np.uint8]]:
    """Return as many pictures as wanted, or as there are, all of a whole number of windows."""
    tile_px = study.window_px // FACTOR
    large = [block for block in blocks if min(image_size(block.image)) >= GROUND_WINDOWS * tile_px]
    side_px = min((min(image_size(block.image)) // tile_px * tile_px for block in large), default=tile_px)
    pictures: list[NDArray[np.uint8]] = []
    for is_train in (False, True):
        some, left = [each for each in large if (each.split == "train") == is_train], study.effort.seam_pictures
        crops = cut_crops(some, side_px=side_px, num=left - len(pictures), seed=study.options.seed)
        pictures += [] if crops is None else list(crops.real_NHW3)
    return pictures


def _ground(picture: Window, window_px: int) -> Window:
    """Return the middle of a picture that is made four times as fine, its corner on the lattice of windows."""
    fine = picture.scaled(FACTOR)
    margin_px = (fine.width // window_px - GROUND_WINDOWS) // 2 * window_px
    side_px = GROUND_WINDOWS * window_px
    return Window(fine.col + margin_px, fine.row + margin_px, side_px, side_px)


def _layer(study: Study, way: str, strip: Strip, level_m: float) -> Layer:
    changes = WAYS[way]
    phases = min(changes.get("phases", 1), study.sampling.steps)
    sampled = replace(study, sampling=replace(study.sampling, **changes | {"phases": phases}))
    layer = stages(sampled, study.weights, strip, level_m, 1)[0]
    return side_by_side(layer) if way == SIDE_BY_SIDE else layer


def joins_amid_blocks(layer: Layer) -> bool:
    """Say whether joints lie in the middle of blocks: there windows end that overlap by half and are averaged."""
    return layer.blend == "flat" and 2 * layer.overlap_px == layer.block_px


def _row(study: Study, way: str, layer: Layer, grounds: Sequence[Window]) -> Row:
    made, shifted, calls, seconds = [], [], 0, 0.0
    block_px, side_px = study.window_px // 2, grounds[0].width
    layer.step.load()
    with scratch_loom(study) as loom:
        for ground in grounds:
            calls += num_calls(loom, layer, ground)
            start = perf_counter()
            made.append(read(loom, layer, ground))
            seconds += perf_counter() - start
            shifted.append(read(loom, layer.shifted(), ground))
            loom.store.evict(0)
        alone = num_calls(loom, layer, Window(grounds[0].col, grounds[0].row, block_px, block_px))
    if joins_amid_blocks(layer):  # then it is the shifted weave that has its joints on the lines
        made, shifted = shifted, made
    seamed, elsewhere = (Strip(pictures_NHW3=np.stack(pictures)) for pictures in (made, shifted))
    lines = range(layer.block_px, side_px, layer.block_px)
    return Row(
        way=way,
        steps=seam_gradients(made, cols=lines, rows=lines),
        ratio=pooled_seam_ratio(seamed.read, elsewhere.read, seamed.windows(), layer.block_px),
        calls_per_block=calls / (len(grounds) * (side_px // block_px) ** 2),
        calls_alone=alone,
        seconds=seconds / len(grounds),
    )


def _steps(row: Row) -> tuple[str, ...]:
    steps = row.steps
    figures = (steps.horizontal, steps.vertical, steps.mean, steps.interior, steps.ratio)
    paper = published.SEAMS.get(row.way)
    absent = published.UNKNOWN if "as published" in row.way else ""
    return row.way, absent if paper is None else ", ".join(f"{each:.2f}" for each in paper), *map(interval, figures)


def _costs(row: Row) -> tuple[str, ...]:
    ratio = row.ratio
    shown = "flat" if ratio is None else f"{ratio.ratio:.3f} ({ratio.low:.3f} to {ratio.high:.3f})"
    lines = "" if ratio is None else str(ratio.num_lines)
    return row.way, shown, lines, number(row.calls_per_block), str(row.calls_alone), number(row.seconds)
