"""What the pack builders share: reading a pack's index, writing pairs into a folder."""

import json
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from earthloom.data.pairs import INDEX, Pair, read_pairs, write_index, write_shards
from earthloom.data.tables import read_table
from earthloom.errors import DataError
from earthloom.io.own_folder import own_folder

ABOUT = "about.json"

LAND, ROAD, BUILDING, VEGETATION, WATER = 1, 2, 3, 4, 5
NUM_CLASSES = 5
"""Ids of the map's classes, agreed with the map style by a test."""


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """Where a pack comes from, for the model card."""

    pack: str
    """Short name."""

    licence: str
    """Licence of imagery and labels."""

    attribution: str
    """The credit every use carries."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scene:
    """One mosaic with its label, before it is a file."""

    name: str
    """File stem."""

    site: str
    """The place; never on both sides of a split."""

    split: str
    """`train` or `val`."""

    gsd_m: float
    """Metres per pixel."""

    rgb_HW3: NDArray[np.uint8]
    """Image."""

    sets_HW: NDArray[np.uint8]
    """Class sets (see `class_sets`)."""


Scenes = Callable[[Path], Iterable[Scene]]


def build(about: About, scenes: Iterable[Scene], out: Path, *, all_train: bool) -> int:
    """Write scenes as a folder of pairs; the folder gets its name when it is whole.

    Args:
        about: The pack's origin, written as `about.json`.
        scenes: What to write.
        out: A new or empty folder.
        all_train: Put the validation scenes into the train split as well.

    Returns:
        How many pairs were written.

    Raises:
        DataError: If there are no scenes, or `out` already holds something or cannot be written.
    """
    with whole_folder(out) as part:
        for name in ("images", "targets"):
            (part / name).mkdir()
        (part / ABOUT).write_text(json.dumps(asdict(about), indent=1) + "\n")
        pairs = [_write(part, about.pack, scene) for scene in scenes]
        if not pairs:
            raise DataError(f"no scene of {about.pack} was found: is it the folder of that pack?")
        write_index(part, [replace(pair, split="train") if all_train else pair for pair in pairs])
    return len(pairs)


def build_shards(folder: Path, out: Path, *, shard_bytes: int) -> int:
    """Copy a folder of pairs into tar shards; the folder gets its name when it is whole.

    Args:
        folder: Pairs as `read_pairs` reads them.
        out: A new or empty folder.
        shard_bytes: Where a new shard begins.

    Returns:
        How many shards were written.

    Raises:
        DataError: If the folder holds no pairs, or `out` already holds something.
    """
    pairs = read_pairs(folder)
    with whole_folder(out) as part:
        if (folder / ABOUT).is_file():
            shutil.copyfile(folder / ABOUT, part / ABOUT)
        return len(write_shards(pairs, part, shard_bytes=shard_bytes))


@contextmanager
def whole_folder(out: Path) -> Iterator[Path]:
    """Give a folder to fill; it gets its name at the end, and is gone if anything fails.

    What a killed run left there is removed.

    Raises:
        DataError: If `out` already holds something, cannot be written, or another run is making it.
    """
    try:
        _refuse_full(out)
        out.parent.mkdir(parents=True, exist_ok=True)
        with own_folder(out) as room:
            part = room / out.name
            part.mkdir()
            yield part
            os.replace(part, out)
    except OSError as error:
        raise DataError(f"{out} cannot be made: {error}") from error


def read_rows(source: Path, *columns: str) -> list[dict[str, str]]:
    """Read a pack's `index.csv`.

    Raises:
        DataError: If it is missing, no table, or lacks a column.
    """
    path = source / INDEX
    if not path.is_file():
        raise DataError(f"{path} does not exist; give the folder of the pack")
    return read_table(path, *columns, way_out="is it the right pack?")


def paste(canvas: NDArray[np.uint8], part: NDArray[np.uint8], *, col: int, row: int) -> None:
    """Lay a part into a mosaic with its corner at (col, row)."""
    canvas[row : row + part.shape[0], col : col + part.shape[1]] = part


def _refuse_full(out: Path) -> None:
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise DataError(f"{out} is not an empty folder; name another one or remove it")


def _write(out: Path, pack: str, scene: Scene) -> Pair:
    if scene.rgb_HW3.shape[:2] != scene.sets_HW.shape:
        raise DataError(f"{scene.name}: image {scene.rgb_HW3.shape[:2]} and label {scene.sets_HW.shape} differ in size")
    image = out / "images" / f"{scene.name}.png"
    target = out / "targets" / f"{scene.name}.png"
    Image.fromarray(scene.rgb_HW3).save(image, compress_level=1)
    Image.fromarray(scene.sets_HW).save(target, compress_level=6)
    return Pair(image=image, target=target, gsd_m=scene.gsd_m, split=scene.split, site=scene.site, pack=pack)
