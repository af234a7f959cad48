"""Folders of pictures by class, with the split that a `split.csv` beside them fixes.

Letters: N pictures, S side of a picture, 3 RGB.
"""

import logging
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from earthloom.data.class_folders import SPLIT, read_class_folders
from earthloom.data.pairs import load_image
from earthloom.errors import DataError

PARTS = ("train", "test")

log = logging.getLogger("earthloom")


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

    shrunk_N: NDArray[np.float64]
    """How many pixels of each training picture as it is lie along one of those here."""


def read_class_folder(folder: Path, *, side_px: int) -> ClassFolder:
    """Read class pictures, the middle square of each brought to one size; a picture's class is its folder.

    Args:
        folder: Class folders with a `split.csv` that has `train` and `test` pictures of every class.
        side_px: Of the squares.

    Raises:
        DataError: If the split, a side of it or a picture is missing or cannot be read.
    """
    rows = read_split(folder)
    names = tuple(sorted({_label(row) for row in rows}))
    parts, shorts = {}, {}
    for split in PARTS:
        own = [row for row in rows if row["split"] == split]
        if len(set(map(_label, own))) < max(2, len(names)):
            raise DataError(f"{folder / SPLIT} has a {split} part without pictures of every class, of at least two")
        loaded = (load_image(folder / row["file"]) for row in own)
        squares = [(_square(picture, side_px), min(picture.shape[:2])) for picture in loaded]
        shorts[split] = [short for _, short in squares]
        parts[split] = Labelled(
            pictures_NSS3=np.stack([square for square, _ in squares]),
            labels_N=np.array([names.index(_label(row)) for row in own]),
        )
    return ClassFolder(names=names, **parts, shrunk_N=np.array(shorts["train"]) / side_px)


def check_class_folder(folder: Path) -> None:
    """Read everything once, and say what figures would suffer from.

    Raises:
        DataError: As `read_class_folder` does.
    """
    read_class_folder(folder, side_px=1)
    rows = read_split(folder)
    for split, count in Counter(row["split"] for row in rows if row["split"] not in PARTS).items():
        log.warning(f"{folder / SPLIT}: split {split!r} is left aside, in {count} lines: want {' or '.join(PARTS)}")
    files = {part: [row["file"] for row in rows if row["split"] == part] for part in PARTS}
    learnt = {_content(folder / file) for file in files["train"]}
    both = [file for file in files["test"] if _content(folder / file) in learnt]
    if both:
        log.warning(f"{folder}: pictures to judge by lie among those to learn from: {len(both)}, such as {both[0]}")


def read_split(folder: Path) -> tuple[Mapping[str, str], ...]:
    """Return the lines of the `split.csv` beside class folders.

    Raises:
        DataError: If it is missing or not understood, or there are no class folders.
    """
    rows = read_class_folders(folder).rows
    if rows is None:
        raise DataError(f"{folder / SPLIT} is missing: write one with the columns file and split (train or test)")
    if stray := [row["file"] for row in rows if "/" not in row["file"]]:
        raise DataError(f"{folder / SPLIT} lists {stray[0]!r}, which lies in no class folder; want CLASS/PICTURE")
    return rows


def _content(file: Path) -> bytes:
    return sha256(file.read_bytes()).digest()


def _label(row: Mapping[str, str]) -> str:
    return Path(row["file"]).parent.name


def _square(picture_HW3: NDArray[np.uint8], side_px: int) -> NDArray[np.uint8]:
    """Return the middle square of a picture at another size."""
    height, width, _ = picture_HW3.shape
    short, left, top = min(height, width), (width - min(height, width)) // 2, (height - min(height, width)) // 2
    box = (left, top, left + short, top + short)
    return np.array(Image.fromarray(picture_HW3).resize((side_px, side_px), Image.Resampling.BICUBIC, box=box))
