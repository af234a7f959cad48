"""The packs that can be built, by name: into pairs, or into a catalog of imagery."""

import json
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path

from earthloom.data import dubai, image_folder, mass_roads, naip, oam, planet
from earthloom.data.blocks import cut
from earthloom.data.build import ABOUT, About, Scenes, build
from earthloom.data.catalog import write_catalog
from earthloom.data.ortho import Orthoimage
from earthloom.data.synthetic import towns
from earthloom.errors import DataError, UsageError

PACKS: dict[str, tuple[About, Scenes]] = {
    "dubai": (dubai.ABOUT, dubai.scenes),
    "mass_roads": (mass_roads.ABOUT, mass_roads.scenes),
    "naip": (naip.ABOUT, naip.scenes),
    "oam": (oam.ABOUT_PAIRS, oam.scenes),
    "towns": (towns.ABOUT, towns.scenes),
}

IMAGERY: dict[str, tuple[About, Callable[[Path], Iterable[Orthoimage]]]] = {
    "dubai": (dubai.ABOUT, dubai.images),
    "mass_roads": (mass_roads.ABOUT, mass_roads.images),
    "naip": (naip.ABOUT, naip.images),
    "naip5m": (planet.ABOUT_NAIP5M, planet.naip5m_images),
    "oam": (oam.ABOUT, oam.images),
    "planet": (planet.ABOUT, planet.images),
}


def build_pack(name: str, source: Path, out: Path, *, all_train: bool) -> int:
    """Turn a downloaded pack into a folder of pairs; return how many.

    Raises:
        UsageError: If no pack has this name.
        DataError: If the pack is not what its README says, or `out` is not empty.
    """
    if name not in PACKS:
        raise UsageError(f"no pack {name!r}; there are {', '.join(PACKS)}")
    about, scenes = PACKS[name]
    return build(about, scenes(source), out, all_train=all_train)


def build_catalog(
    source: Path,
    out: Path,
    *,
    pack: str | None,
    levels_m: Sequence[float],
    size_px: int,
    jpeg: int | None = None,
    bidx: tuple[int, ...] = (),
    scale: tuple[float, float] | None = None,
) -> None:
    """Cut imagery into a catalog of blocks.

    Args:
        source: A downloaded pack, or any folder of images (see `image_folder`).
        out: A new or empty folder.
        pack: Name of the pack; None for any folder.
        levels_m: Metres per pixel of the blocks.
        size_px: Side of a block.
        jpeg: Quality of JPEG, 1 to 100; None for PNG.
        bidx: One or three band numbers from 1 of images that are no pack; all bands if empty.
        scale: Values of these that become 0 and 255, for anything but uint8.

    Raises:
        UsageError: If no pack has this name, or one is to be read by other bands.
        DataError: If the source is not what it should be, gives no block, or `out` is not empty.
    """
    if pack is not None and pack not in IMAGERY:
        raise UsageError(f"no pack {pack!r}; there are {', '.join(IMAGERY)}; any other folder needs no --pack")
    if pack is not None and (bidx or scale):
        raise UsageError(f"--bidx and --scale are for images of your own; leave them out, or leave --pack {pack} out")
    own = partial(image_folder.images, bidx=bidx, scale=scale)
    about, images = (_own(source), own) if pack is None else IMAGERY[pack]
    blocks = (block for image in images(source) for block in cut(image, levels_m, size_px=size_px))
    write_catalog(about, blocks, out, jpeg=jpeg)


def _own(source: Path) -> About:
    """Return what a folder says of itself in `about.json`, or that it says nothing."""
    if (source / ABOUT).is_file():
        try:
            return About(**json.loads((source / ABOUT).read_text()))
        except (TypeError, ValueError) as error:
            raise DataError(f"{source / ABOUT} is no object of pack, licence and attribution ({error})") from error
    return About(pack=source.resolve().name, licence="the user's own", attribution="")
