"""A catalog of imagery: square blocks at several ground resolutions, in tar shards laid out as WebDataset has them.

A block is KEY.png or KEY.jpg, with KEY.json, an object of lon, lat (of its centre; null if unknown), gsd_m, site,
split, pack.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from io import BytesIO
from pathlib import Path
from typing import get_type_hints

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from earthloom.data import shards
from earthloom.data.blocks import Block
from earthloom.data.build import ABOUT, About, whole_folder
from earthloom.data.pairs import SHARD_BYTES, File, load_image
from earthloom.data.shards import Member
from earthloom.errors import DataError

SPLITS = ("train", "val", "test")


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageBlock:
    """A square of imagery and where it comes from."""

    image: File
    """RGB image file."""

    gsd_m: float
    """Metres per pixel."""

    lon: float | None
    """Degrees east of the centre; None if unknown."""

    lat: float | None
    """Degrees north of the centre; None if unknown."""

    site: str
    """The place; a place is on one side of a split only."""

    split: str
    """`train`, `val` or `test`."""

    pack: str
    """The data pack."""

    def __post_init__(self) -> None:
        """Reject what no sampler could use."""
        if self.split not in SPLITS:
            raise DataError(f"split {self.split!r} of {self.image} is not one of {', '.join(SPLITS)}")
        if not 0.0 < self.gsd_m < 1e5:
            raise DataError(f"gsd_m {self.gsd_m} of {self.image} is no ground resolution; give metres per pixel")

    def load(self) -> NDArray[np.uint8]:
        """Decode its pixels `(H, W, 3)`.

        Raises:
            DataError: If they cannot be read.
        """
        return load_image(self.image)


FACTS = {name: kind for name, kind in get_type_hints(ImageBlock).items() if name != "image"}
"""What the JSON of a block says, and the types of it."""


def read_catalog(path: Path) -> list[ImageBlock]:
    """Read the blocks of a catalog in their order; pixels are decoded later.

    Args:
        path: A folder of shards, or one shard.

    Raises:
        DataError: If it does not exist, there are no blocks, or one lacks its picture or a fact.
    """
    if not path.exists():
        raise DataError(f"{path} does not exist; give a catalog that `earthloom data catalog` made")
    blocks = [_block(sample) for shard in shards.find(path) for sample in shards.read_samples(shard)]
    if not blocks:
        raise DataError(f"{path} holds no blocks of imagery; make a catalog with `earthloom data catalog`")
    return blocks


def write_catalog(about: About, blocks: Iterable[Block], out: Path, *, jpeg: int | None = None) -> None:
    """Write blocks as shards with an `about.json`; the folder gets its name when it is whole.

    Equal blocks give equal bytes.

    Args:
        about: Where the imagery comes from.
        blocks: What to write; taken one by one.
        out: A new or empty folder.
        jpeg: Quality of JPEG, 1 to 100, colours at full resolution; None for PNG, which keeps every value.

    Raises:
        DataError: If `out` already holds something, there are no blocks, or a site is in two splits or an unknown one.
    """
    with whole_folder(out) as part:
        (part / ABOUT).write_text(json.dumps(asdict(about), indent=1) + "\n")
        if not shards.write_samples(_samples(about.pack, _apart(blocks), jpeg), part, shard_bytes=SHARD_BYTES):
            raise DataError(f"{about.pack} gives no block; choose smaller blocks or levels nearer to its own pixels")


def _block(sample: Mapping[str, Member]) -> ImageBlock:
    some = next(iter(sample.values()))
    picture = sample.get("png") or sample.get("jpg")
    if picture is None or "json" not in sample:
        missing = "png or jpg" if picture is None else "json"
        raise DataError(f"{some}: its block has no {missing}; name files KEY.png or KEY.jpg, and KEY.json")
    facts = shards.read_json(sample["json"])
    if lacking := FACTS.keys() - facts.keys():
        raise DataError(f"{sample['json']} lacks {', '.join(sorted(lacking))}; make the catalog again")
    for name, kind in FACTS.items():
        if not isinstance(facts[name], kind if kind is str else kind | int):
            wanted = "text" if kind is str else "a number"
            raise DataError(f"{sample['json']} has {facts[name]!r} for {name}; want {wanted}")
    return ImageBlock(image=picture, **{name: facts[name] for name in FACTS})


def _apart(blocks: Iterable[Block]) -> Iterator[Block]:
    """Pass blocks on as long as every site stays in one known split."""
    splits: dict[str, str] = {}
    for block in blocks:
        if block.split not in SPLITS:
            raise DataError(f"split {block.split!r} of site {block.site!r} is not one of {', '.join(SPLITS)}")
        first = splits.setdefault(block.site, block.split)
        if block.split != first:
            raise DataError(f"site {block.site!r} is in the splits {first} and {block.split}; split by place")
        yield block


def _samples(pack: str, blocks: Iterable[Block], jpeg: int | None) -> Iterator[tuple[str, dict[str, bytes]]]:
    for number, block in enumerate(blocks):
        lon, lat = block.lon_lat or (None, None)
        about = {"lon": lon, "lat": lat, "gsd_m": block.gsd_m, "site": block.site, "split": block.split, "pack": pack}
        picture = BytesIO()
        if jpeg is None:
            Image.fromarray(block.rgb_HW3).save(picture, "PNG", compress_level=6)
        else:
            Image.fromarray(block.rgb_HW3).save(picture, "JPEG", quality=jpeg, subsampling="4:4:4")
        name = "png" if jpeg is None else "jpg"
        yield f"{number:08}", {name: picture.getvalue(), "json": json.dumps(about).encode()}
