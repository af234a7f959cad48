"""What catalogs hold, level by level; what could stop a run later stops here."""

from collections.abc import Sequence
from dataclasses import dataclass

from earthloom.data.catalog import ImageBlock
from earthloom.data.levels import by_level
from earthloom.data.pairs import image_size
from earthloom.errors import DataError


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelSurvey:
    """One level."""

    level_m: float
    """Metres per pixel."""

    train: int
    """Blocks to train on."""

    val: int
    """Blocks to validate on."""

    sites: int
    """Places."""

    packs: dict[str, int]
    """Blocks of each pack."""


def survey(blocks: Sequence[ImageBlock], levels_m: Sequence[float], *, crop_px: int) -> tuple[LevelSurvey, ...]:
    """Look at the size of every block and count, level by level; pixels are not decoded.

    Args:
        blocks: Those to train and to validate on.
        levels_m: Metres per pixel.
        crop_px: Side of a training crop.

    Raises:
        DataError: If a block cannot be read or is smaller than a crop, or a site is on both sides of the split.
    """
    sides = {split: {(each.pack, each.site) for each in blocks if each.split == split} for split in ("train", "val")}
    if both := sides["train"] & sides["val"]:
        pack, site = min(both)
        raise DataError(f"{pack}: site {site!r} is in both splits; split by place")
    return tuple(_level(level_m, members, crop_px) for level_m, members in by_level(blocks, levels_m).items())


def table(surveys: Sequence[LevelSurvey]) -> str:
    """Return the surveys as lines of text, one a level."""
    return "\n".join(
        f"{each.level_m:g} m/px: {each.train} blocks to train, {each.val} to validate, {each.sites} sites; "
        + ", ".join(f"{pack} {count}" for pack, count in each.packs.items())
        for each in surveys
    )


def _level(level_m: float, blocks: Sequence[ImageBlock], crop_px: int) -> LevelSurvey:
    for block in blocks:
        width, height = image_size(block.image)
        if min(width, height) < crop_px:
            raise DataError(f"{block.image} has {width}x{height} px, a crop has {crop_px}; choose a smaller crop_px")
    packs = [block.pack for block in blocks]
    return LevelSurvey(
        level_m=level_m,
        train=sum(block.split == "train" for block in blocks),
        val=sum(block.split == "val" for block in blocks),
        sites=len({(block.pack, block.site) for block in blocks}),
        packs={pack: packs.count(pack) for pack in dict.fromkeys(packs)},
    )
