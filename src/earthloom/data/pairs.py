"""A folder of training pairs: images, targets and an index that says where they come from.

`index.csv` has the columns image, target, gsd_m, split, site, pack; targets are 8-bit PNGs of class sets
(`class_sets`). A plain folder with `images/` and `maps/` of equal stems, the maps drawn in the colours of a
style, works as well; its split is read from nothing, so every pair trains. The same pairs may come in shards
(`data.shards`): KEY.image.png with KEY.target.png or KEY.map.png, and KEY.json with the other columns, all optional.
"""

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from earthloom.data import class_sets, shards
from earthloom.data.shards import Member
from earthloom.data.tables import read_table
from earthloom.errors import DataError
from earthloom.io.depth import is_deep

INDEX = "index.csv"
SPLITS = ("train", "val")
SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff")

SHARD_BYTES = 256 << 20
"""Where `write_shards` begins a new shard."""

File = Path | Member
Palette = Sequence[tuple[int, int, int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """One image, its target, and where both come from."""

    image: File
    """RGB image file."""

    target: File
    """PNG of class sets, or an RGB map when `is_map`."""

    gsd_m: float | None
    """Metres per pixel of the image; None: take it as what the model sees."""

    split: str
    """`train` or `val`."""

    site: str
    """The place; a place is on one side of a split only."""

    pack: str
    """The data pack, to weigh packs against each other."""

    is_map: bool = False
    """True when the target is a map in colours."""


def read_pairs(folder: Path) -> tuple[Pair, ...]:
    """Read pairs in the order of their index (or of their file names).

    Args:
        folder: A folder with `index.csv`, with `images/` and `maps/`, or with shards; or one shard.

    Raises:
        DataError: If the folder, its index or a file named in it is missing or not understood.
    """
    tars = shards.find(folder)
    if not tars and not folder.is_dir():
        raise DataError(f"{folder} is not a folder; give one with {INDEX}, with images/ and maps/, or with .tar shards")
    if tars:
        pairs = tuple(_sample(sample) for tar in tars for sample in shards.read_samples(tar))
    else:
        pairs = _indexed(folder) if (folder / INDEX).is_file() else _plain(folder)
    if not pairs:
        raise DataError(f"{folder} holds no pairs; add images and targets of equal names")
    for pair in pairs:
        for file in (pair.image, pair.target):
            if isinstance(file, Path) and not file.is_file():
                raise DataError(f"{file} is named in {folder} but missing; build the folder again or remove the row")
    return pairs


def write_index(folder: Path, pairs: Iterable[Pair]) -> None:
    """Write `index.csv` with paths relative to the folder."""
    names = [field.name for field in fields(Pair) if field.name != "is_map"]
    with (folder / INDEX).open("w", newline="") as file:
        writer = csv.DictWriter(file, names, extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        for pair in pairs:
            row = asdict(pair)
            writer.writerow(row | {key: row[key].relative_to(folder).as_posix() for key in ("image", "target")})


def write_shards(pairs: Iterable[Pair], out: Path, *, shard_bytes: int = SHARD_BYTES) -> list[Path]:
    """Write pairs as shards, files as they are; return the shards."""
    return shards.write_samples(_samples(pairs), out, shard_bytes=shard_bytes)


def image_size(file: File) -> tuple[int, int]:
    """Return the width and height of an image without decoding its pixels."""
    with _opened(file) as image:
        return image.size


def load_image(path: File) -> NDArray[np.uint8]:
    """Decode an image as `(H, W, 3)` uint8 RGB.

    Raises:
        DataError: If it cannot be read or its values have more than 8 bits, which no conversion keeps.
    """
    with _opened(path) as image:
        if is_deep(image):
            way_out = "bring them to 0..255, e.g. with gdal_translate -ot Byte -scale"
            raise DataError(f"{path} has values of more than 8 bits; {way_out}")
        return np.array(_loaded(image, path).convert("RGB"))


def load_sets(pair: Pair, palette: Palette) -> NDArray[np.uint8]:
    """Decode a pair's target as class sets `(H, W)`; map colours go to the nearest palette colour."""
    if pair.is_map:
        return class_sets.exactly(nearest(load_image(pair.target), palette))
    return load_ids(pair.target)


def load_ids(path: File) -> NDArray[np.uint8]:
    """Decode a single-band 8-bit label image `(H, W)` as the numbers it holds."""
    numbers = np.array(_open(path))
    if numbers.ndim != 2 or numbers.dtype != np.uint8:
        raise DataError(f"{path} is {numbers.dtype} {numbers.shape}; a label is an 8-bit single-band PNG")
    return numbers


def _indexed(folder: Path) -> tuple[Pair, ...]:
    columns = ("image", "target", "gsd_m", "split", "site", "pack")
    rows = read_table(folder / INDEX, *columns, way_out="`earthloom data build` writes them")
    return tuple(_pair(folder / row["image"], folder / row["target"], row) for row in rows)


def _sample(sample: Mapping[str, Member]) -> Pair:
    kinds = {what.partition(".")[0]: member for what, member in sample.items()}
    missing = "image" if "image" not in kinds else "target" if not kinds.keys() & {"target", "map"} else None
    if kinds.keys() & {"png", "jpg"} and not kinds.keys() & {"image", "target", "map"}:
        first = next(iter(sample.values()))
        raise DataError(f"{first} is a block of a catalog of imagery; give pairs of images and targets or maps")
    if missing:
        raise DataError(f"{next(iter(sample.values()))}: its sample has no {missing}; name files KEY.{missing}.png")
    facts = shards.read_json(kinds["json"]) if "json" in kinds else {}
    target = kinds["target"] if "target" in kinds else kinds["map"]
    return _pair(kinds["image"], target, {"site": target.stem, "pack": target.shard.parent.name} | facts)


def _pair(image: File, target: File, facts: Mapping[str, Any]) -> Pair:
    split = facts.get("split", "train")
    if split not in SPLITS:
        raise DataError(f"split {split!r} of {image} is not one of {', '.join(SPLITS)}")
    given = facts.get("gsd_m")
    try:
        gsd_m = None if given in (None, "") else float(given)
    except (TypeError, ValueError) as error:
        raise DataError(f"gsd_m {given!r} of {image} is not a number of metres") from error
    if gsd_m is not None and not 0.0 < gsd_m < 1e5:
        raise DataError(f"gsd_m {gsd_m} of {image} is no ground resolution; give metres per pixel")
    is_map = isinstance(target, Member) and target.name.partition(".")[2].startswith("map")
    site, pack = str(facts["site"]), str(facts["pack"])
    return Pair(image=image, target=target, gsd_m=gsd_m, split=split, site=site, pack=pack, is_map=is_map)


def _samples(pairs: Iterable[Pair]) -> Iterator[tuple[str, dict[str, bytes]]]:
    for number, pair in enumerate(pairs):
        facts = {"gsd_m": pair.gsd_m, "split": pair.split, "site": pair.site, "pack": pair.pack}
        files = {"image": pair.image, "map" if pair.is_map else "target": pair.target}
        contents = {f"{what}{_suffix(file)}": _read(file) for what, file in files.items()}
        yield f"{number:08}", contents | {"json": json.dumps(facts).encode()}


def _suffix(file: File) -> str:
    return Path(file.name).suffix


def _read(file: File) -> bytes:
    return file.read() if isinstance(file, Member) else file.read_bytes()


def _plain(folder: Path) -> tuple[Pair, ...]:
    maps = _by_stem(folder / "maps")
    images = _by_stem(folder / "images")
    alone = sorted(images.keys() ^ maps.keys())
    if alone:
        raise DataError(f"{folder}: {alone[0]!r} has an image or a map but not both; pair files by equal names")
    return tuple(
        Pair(image=images[stem], target=maps[stem], gsd_m=None, split="train", site=stem, pack=folder.name, is_map=True)
        for stem in sorted(images)
    )


def _by_stem(folder: Path) -> dict[str, Path]:
    if not folder.is_dir():
        raise DataError(f"{folder.parent} has neither {INDEX} nor {folder.name}/; see `earthloom data build`")
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() not in SUFFIXES or path.name.startswith("."):
            continue
        if path.stem in found:
            raise DataError(f"{folder} has {found[path.stem].name} and {path.name}; keep one of them")
        found[path.stem] = path
    return found


def _open(file: File) -> Image.Image:
    return _loaded(_opened(file), file)


def _loaded(image: Image.Image, file: File) -> Image.Image:
    try:
        image.load()
    except (OSError, Image.DecompressionBombError) as error:
        raise DataError(f"{file} cannot be read as an image: {error}") from error
    return image


def _opened(file: File) -> Image.Image:
    try:
        return Image.open(io.BytesIO(file.read()) if isinstance(file, Member) else file)
    except FileNotFoundError as error:
        raise DataError(f"{file} does not exist") from error
    except UnidentifiedImageError as error:
        raise DataError(f"{file} cannot be read as an image: its format is unknown") from error
    except (OSError, Image.DecompressionBombError) as error:
        raise DataError(f"{file} cannot be read as an image: {error}") from error


def nearest(rgb_HW3: NDArray[np.uint8], palette: Palette) -> NDArray[np.uint8]:
    """Return the id (1..K) of the nearest palette colour of each pixel; ties go to the lower id."""
    best_HW = np.full(rgb_HW3.shape[:2], np.iinfo(np.int32).max, np.int32)
    ids_HW = np.zeros(rgb_HW3.shape[:2], np.uint8)
    for index, colour in enumerate(palette):
        distance_HW = ((rgb_HW3.astype(np.int32) - np.array(colour, np.int32)) ** 2).sum(-1, dtype=np.int32)
        closer_HW = distance_HW < best_HW
        best_HW[closer_HW] = distance_HW[closer_HW]
        ids_HW[closer_HW] = index + 1
    return ids_HW
