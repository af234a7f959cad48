"""Intersection over union of map classes from one pooled table, for full and partial labels alike.

Pooled is the micro average: one confusion matrix of all pixels. Labels are class sets: an 8-bit
mask a pixel, bit `id - 1` set when the class is allowed. For class k a pixel is positive when its set is {k},
negative when the set leaves k out, and skipped when the set holds k beside others.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from earthloom.errors import ShapeError


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """Figures of one comparison."""

    iou: tuple[float | None, ...]
    """IoU of each class in id order; None when the labels hold no pixel of it."""

    n: tuple[int, ...]
    """Pixels each class was judged on."""

    positive: tuple[int, ...]
    """Pixels labelled as exactly that class."""

    accuracy: float | None
    """Share of labelled pixels whose class is allowed; None without labels."""

    n_labelled: int
    """Pixels with any label."""

    @property
    def mean_iou(self) -> float | None:
        """Mean over the classes that occur."""
        known = [value for value in self.iou if value is not None]
        return sum(known) / len(known) if known else None


def count(sets_HW: NDArray[np.uint8], ids_HW: NDArray[np.integer], *, num_classes: int) -> NDArray[np.int64]:
    """Count pixels by (label set, predicted id); tables of several images add up.

    Args:
        sets_HW: Class sets, `(H, W)`; 0 = no label.
        ids_HW: Predicted ids 1..K of the same shape.
        num_classes: K.

    Returns:
        `(2**K, K)` counts; row = set, column = predicted id - 1.

    Raises:
        ShapeError: If shapes differ or an id has no class.
    """
    if sets_HW.shape != ids_HW.shape:
        raise ShapeError(f"labels {sets_HW.shape} and predictions {ids_HW.shape} differ in shape")
    if ids_HW.size and not (int(ids_HW.min()) >= 1 and int(ids_HW.max()) <= num_classes):
        raise ShapeError(f"predicted ids run from 1 to {num_classes}, got {ids_HW.min()}..{ids_HW.max()}")
    if sets_HW.size and int(sets_HW.max()) >= 1 << num_classes:
        raise ShapeError(f"a set of {num_classes} classes is below {1 << num_classes}, got {sets_HW.max()}")
    cells = sets_HW.astype(np.int64) * num_classes + ids_HW.astype(np.int64) - 1
    return np.bincount(cells.ravel(), minlength=num_classes << num_classes).reshape(-1, num_classes)


def score(table: NDArray[np.int64]) -> Scores:
    """Turn a table of `count` into figures."""
    num_classes = table.shape[1]
    sets = np.arange(table.shape[0])
    iou: list[float | None] = []
    judged, positives = [], []
    for index in range(num_classes):
        positive = table[1 << index]
        negative = table[(sets != 0) & (sets >> index & 1 == 0)]
        hit, union = int(positive[index]), int(positive.sum() + negative[:, index].sum())
        iou.append(hit / union if positive.sum() else None)
        judged.append(int(positive.sum() + negative.sum()))
        positives.append(int(positive.sum()))
    allowed = (sets[:, None] >> np.arange(num_classes) & 1).astype(bool)
    labelled = int(table[1:].sum())
    accuracy = int(table[allowed].sum()) / labelled if labelled else None
    return Scores(iou=tuple(iou), n=tuple(judged), positive=tuple(positives), accuracy=accuracy, n_labelled=labelled)
