"""IoU of a generator over the validation split, one pooled table a pack, at the ground resolution it is made for."""

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from earthloom.data.pairs import Pair
from earthloom.data.sampler import resample
from earthloom.data.scenes import Scene, load
from earthloom.errors import UsageError
from earthloom.metrics.iou import count, score
from earthloom.training.maps.predict import Labeller, Palette
from earthloom.training.regime import Report

TOTALS = ("mean_iou", "accuracy")


def validate(
    pairs: Iterable[Pair], label: Labeller, *, palette: Palette, names: tuple[str, ...], gsd_m: float | None
) -> Report:
    """Compare predictions and labels of the validation pairs.

    Args:
        pairs: All pairs; those of the split `val` count.
        label: The generator as a function.
        palette: Map colours in id order.
        names: Class names in id order.
        gsd_m: Ground resolution to compare at; None: that of the files.

    Returns:
        By pack: IoU, judged and positive pixels by class name, mean IoU, accuracy, labelled pixels.
    """
    tables: dict[str, NDArray[np.int64]] = {}
    for scene in validation_scenes(pairs, palette=palette, gsd_m=gsd_m):
        table = count(scene.sets_HW, label(scene.rgb_HW3), num_classes=len(palette))
        tables[scene.pair.pack] = tables.get(scene.pair.pack, np.zeros_like(table)) + table
    return {pack: _figures(table, names) for pack, table in tables.items()}


def check_select(select: str, pairs: Iterable[Pair], names: Iterable[str]) -> None:
    """Refuse a figure that no validation of these pairs will give.

    Raises:
        UsageError: If the pack has nothing to validate on, or the figure is unknown.
    """
    pack, _, figure = select.partition("/")
    packs = sorted({pair.pack for pair in pairs if pair.split == "val"})
    if pack not in packs:
        raise UsageError(f"select={select}: no pair of {pack!r} is in the val split; there are {packs or 'none'}")
    if figure not in (known := (*TOTALS, *names)):
        raise UsageError(f"select={select}: no figure {figure!r}; there are {', '.join(known)}")


def figure(report: Report, select: str) -> float:
    """Return a figure of a validation, `PACK/mean_iou`, `PACK/accuracy` or `PACK/CLASS`; a class never seen gives 0."""
    pack, _, name = select.partition("/")
    found = report[pack][name] if name in TOTALS else report[pack]["iou"][name]
    return 0.0 if found is None else float(found)


def validation_scenes(pairs: Iterable[Pair], *, palette: Palette, gsd_m: float | None) -> Iterator[Scene]:
    """Decode the validation pairs one by one, resampled to a ground resolution."""
    for pair in pairs:
        if pair.split == "val":
            yield at_resolution(load(pair, palette), gsd_m)


def at_resolution(scene: Scene, gsd_m: float | None) -> Scene:
    """Resample a scene to a ground resolution: imagery bilinear, labels by nearest neighbour."""
    if gsd_m is None or scene.pair.gsd_m is None:
        return scene
    height, width = scene.sets_HW.shape
    factor = scene.pair.gsd_m / gsd_m
    size = max(1, round(width * factor)), max(1, round(height * factor))
    rgb_HW3, sets_HW = resample(scene.rgb_HW3, size, smooth=True), resample(scene.sets_HW, size, smooth=False)
    return Scene(scene.pair, rgb_HW3, sets_HW, None)


def _figures(table: NDArray[np.int64], names: tuple[str, ...]) -> dict[str, Any]:
    scores = score(table)
    return {
        "iou": dict(zip(names, scores.iou, strict=True)),
        "mean_iou": scores.mean_iou,
        "accuracy": scores.accuracy,
        "n": dict(zip(names, scores.n, strict=True)),
        "n_positive": dict(zip(names, scores.positive, strict=True)),
        "n_labelled": scores.n_labelled,
    }
