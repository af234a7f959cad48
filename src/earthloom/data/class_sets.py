"""Partial labels as sets of classes: an 8-bit mask a pixel.

Bit `id - 1` is set when class `id` is allowed. One bit is a full label, several say "one of these",
0 says nothing at all.
"""

import numpy as np
from numpy.typing import NDArray

MAX_CLASSES = 8
"""A pixel's set has to fit into one byte."""


def exactly(ids: NDArray[np.integer]) -> NDArray[np.uint8]:
    """Turn class ids (0 = unknown) into sets of one class (0 = unknown)."""
    table = np.array([0, *(1 << bit for bit in range(MAX_CLASSES))], np.uint8)
    return np.asarray(table[ids])


def versus(
    positive: NDArray[np.bool_], known: NDArray[np.bool_], *, class_id: int, num_classes: int
) -> NDArray[np.uint8]:
    """Say "class `class_id`" where positive and "any other class" elsewhere.

    Args:
        positive: True where the class is.
        known: True where the label says anything.
        class_id: The class, 1..num_classes.
        num_classes: How many classes the map has.

    Returns:
        Sets of the same shape, 0 where not known.
    """
    bit = 1 << (class_id - 1)
    others = ((1 << num_classes) - 1) & ~bit
    return np.asarray(np.where(known, np.where(positive, bit, others), 0), np.uint8)


def ids(sets: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the class id where a set has one class, 0 elsewhere."""
    table = np.zeros(256, np.uint8)
    for bit in range(MAX_CLASSES):
        table[1 << bit] = bit + 1
    return table[sets]
