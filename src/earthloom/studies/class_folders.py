"""Folders of pictures by class, with the split that a `split.csv` beside them fixes.

Letters: N pictures, S side of a picture, 3 RGB.
"""

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from earthloom.data.pairs import load_image
from earthloom.errors import DataError

SPLIT_FILE = "split.csv"
COLUMNS = {"file", "label", "split"}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Labelled:
    """Pictures of one size and their classes."""

    pictures_NSS3: NDArray[np.uint8]
    """RGB."""

    labels_N: NDArray[np.int64]
    """0..K-1."""

    def joined(self, other: "Labelled") -> "Labelled":
        """Return these and those."""
        return Labelled(
            pictures_NSS3=np.concatenate([self.pictures_NSS3, other.pictures_NSS3]),
            labels_N=np.concatenate([self.labels_N, other.labels_N]),
        )

    def resized(self, side_px: int) -> "Labelled":
        """Return them at another size, by Pillow's bicubic filter, which averages where it shrinks."""
        pictures = [_square(each, side_px) for each in self.pictures_NSS3]
        return Labelled(pictures_NSS3=np.stack(pictures), labels_N=self.labels_N)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ClassFolder:
    """What a folder holds."""

    names: tuple[str, ...]
    """Classes in the order of their numbers."""

    train: Labelled
    """To learn from."""

    test: Labelled
    """To be judged on."""


def read_class_folder(folder: Path, *, side_px: int) -> ClassFolder:
    """Read class pictures, the middle square of each brought to one size.

    Args:
        folder: With `split.csv` of the columns `file` (below the folder), `label` and `split` (`train` or `test`).
        side_px: Of the squares.

    Raises:
        DataError: If the split, a side of it or a picture is missing or cannot be read.
    """
    rows = read_split(folder)
    names = tuple(sorted({row["label"] for row in rows}))
    parts = {}
    for split in ("train", "test"):
        own = [row for row in rows if row["split"] == split]
        if len({row["label"] for row in own}) < max(2, len(names)):
            raise DataError(
                f"{folder / SPLIT_FILE} has a {split} part without pictures of every class, of at least two"
            )
        parts[split] = Labelled(
            pictures_NSS3=np.stack([_square(load_image(folder / row["file"]), side_px) for row in own]),
            labels_N=np.array([names.index(row["label"]) for row in own]),
        )
    return ClassFolder(names=names, **parts)


def read_split(folder: Path) -> list[dict[str, str]]:
    """Return the rows of a folder's `split.csv`.

    Raises:
        DataError: If it is missing or not understood.
    """
    path = folder / SPLIT_FILE
    if not path.is_file():
        raise DataError(f"{path} is missing: write one with the columns file, label, split (train or test)")
    with path.open(newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        if missing := COLUMNS - set(reader.fieldnames or ()):
            raise DataError(f"{path} lacks the column {min(missing)}; it wants file, label, split")
        rows = list(reader)
    if short := next((row for row in rows if None in [row[column] for column in COLUMNS]), None):
        raise DataError(f"{path} has a row without all of file, label, split: {dict(short)}")
    return rows


def _square(picture_HW3: NDArray[np.uint8], side_px: int) -> NDArray[np.uint8]:
    """Return the middle square of a picture at another size."""
    height, width, _ = picture_HW3.shape
    short, left, top = min(height, width), (width - min(height, width)) // 2, (height - min(height, width)) // 2
    box = (left, top, left + short, top + short)
    return np.array(Image.fromarray(picture_HW3).resize((side_px, side_px), Image.Resampling.BICUBIC, box=box))
