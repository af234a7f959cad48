"""Pairs for the map-to-map steps: generated maps of one zoom against the true map of the next coarser zoom.

As the MM pairs of Series GAN: the input is what the series really hands on, four merged tiles averaged 2x2,
made by the generator of the zoom above; the target is the true class raster, generalised (`cartography.generalize`).
One stage after the other: from imagery pairs the r2m generator makes the pairs 17 -> 16; from these the m2m generator
makes the pairs 16 -> 15, and so on.

Letters: H W pixels of the fine map, h w of the coarse one.
"""

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from earthloom.cartography.generalize import RULES, generalize
from earthloom.cartography.style import STYLE, paint
from earthloom.data import class_sets
from earthloom.data.build import About, Scene, build
from earthloom.data.pairs import Pair, read_pairs
from earthloom.data.scenes import load
from earthloom.errors import DataError, ModelError
from earthloom.models import weights
from earthloom.training.device import accelerator_on, wants_bf16
from earthloom.training.maps.predict import Labeller, labeller
from earthloom.training.maps.validate import at_resolution
from earthloom.training.recipes import Z17_GSD_M

TOP_ZOOM = 17
FULL_SHARE = 0.9
"""A scene with fewer fully labelled pixels has no true map to generalise and is left out."""


def build_mm(
    source: Path, out: Path, generator: Path, *, all_train: bool, device: str = "auto", precision: str = "auto"
) -> int:
    """Make the pairs of the next map-to-map step.

    Args:
        source: Folder of imagery pairs (with an r2m generator) or of the step before (with an m2m generator).
        out: New folder.
        generator: Checkpoint folder.
        all_train: Put validation scenes into the train split as well.
        device: `auto`, `cpu` or `cuda`.
        precision: `auto`, `fp32` or `bf16`.

    Returns:
        How many pairs were written.

    Raises:
        ModelError: If the checkpoint is no r2m or m2m generator of the map style.
        DataError: If the source has no fully labelled scene, or no coarser zoom follows.
    """
    checkpoint = weights.load(generator, model="pix2pixhd", network="generator")
    role = checkpoint.meta.get("role")
    palette = tuple(tuple(colour) for colour in checkpoint.meta.get("palette", ()))
    if role not in ("r2m", "m2m") or palette != STYLE.palette:
        raise ModelError(f"{generator} has role {role!r} and {len(palette)} colours; give a generator of the map style")
    accelerator = accelerator_on(device)
    label = labeller(
        checkpoint.module.to(accelerator.device),
        checkpoint.config,
        STYLE.palette,
        bf16=wants_bf16(precision, accelerator.device),
    )
    pairs = read_pairs(source)
    zoom = _zoom_below(pairs, role)
    about = About(pack=f"mm{zoom}", licence="as the imagery it was generated from", attribution=f"from {source.name}")
    count = build(about, _scenes(pairs, label, role, zoom), out, all_train=all_train)
    if count == 0:
        raise DataError(f"{source} has no scene that is labelled throughout; map-to-map pairs need a true map")
    return count


def average_2x2(rgb_HW3: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Average blocks of 2x2 pixels, rounding half up; an odd edge repeats its last pixels.

    Returns:
        `(ceil(H / 2), ceil(W / 2), 3)`.
    """
    even = np.pad(rgb_HW3, [(0, rgb_HW3.shape[0] % 2), (0, rgb_HW3.shape[1] % 2), (0, 0)], mode="edge")
    total = sum(even[row::2, col::2].astype(np.uint16) for row in (0, 1) for col in (0, 1))
    return np.asarray((total + 2) // 4, np.uint8)


def _scenes(pairs: tuple[Pair, ...], label: Labeller, role: str, zoom: int) -> Iterator[Scene]:
    for pair in pairs:
        scene = load(pair, STYLE.palette)
        scene = at_resolution(scene, Z17_GSD_M) if role == "r2m" else scene
        true_HW = class_sets.ids(scene.sets_HW)
        if np.count_nonzero(true_HW) < FULL_SHARE * true_HW.size:
            continue
        yield Scene(
            name=pair.target.stem,
            site=pair.site,
            split=pair.split,
            gsd_m=Z17_GSD_M * 2 ** (TOP_ZOOM - zoom),
            rgb_HW3=average_2x2(paint(label(scene.rgb_HW3))),
            sets_HW=class_sets.exactly(generalize(true_HW, zoom=zoom)),
        )


def _zoom_below(pairs: tuple[Pair, ...], role: str) -> int:
    """The zoom to draw next: 16 below imagery, else one below that of the pairs."""
    if role == "r2m":
        return TOP_ZOOM - 1
    sizes = {pair.gsd_m for pair in pairs}
    gsd_m = sizes.pop() if len(sizes) == 1 else None
    zoom = TOP_ZOOM - 1 - round(math.log2(gsd_m / Z17_GSD_M)) if gsd_m is not None else None
    if zoom not in RULES or zoom == TOP_ZOOM - 1:
        raise DataError(
            f"pairs at {gsd_m} m/px are no map step with a coarser one below; there are zooms {list(RULES)}"
        )
    return zoom
