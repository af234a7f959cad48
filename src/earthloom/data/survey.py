"""What folders of pairs hold, found by decoding every pair once; whatever could stop a run later stops here."""

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from earthloom.data import class_sets
from earthloom.data.pairs import Pair, Palette
from earthloom.data.scenes import load
from earthloom.errors import DataError

WORKERS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class PackSurvey:
    """One pack."""

    pack: str
    """Its name."""

    train: int
    """Pairs to train on."""

    val: int
    """Pairs to validate on."""

    sites: int
    """Places."""

    gsd_m: tuple[float, float] | None
    """Finest and coarsest ground resolution; None where files do not say."""

    megapixels: float
    """Labelled or not."""

    shares: dict[str, float]
    """Share of the pixels that are of each class and of no other, by name; the rest knows less or nothing."""


def survey(pairs: Iterable[Pair], palette: Palette, names: Sequence[str]) -> tuple[PackSurvey, ...]:
    """Decode all pairs and count, pack by pack.

    Args:
        pairs: What a run reads.
        palette: Map colours in id order.
        names: Class names in id order.

    Raises:
        DataError: If a file cannot be read, an image and its target differ in size, a target holds a class that the
            style lacks, or a site is on both sides of the split.
    """
    packs: dict[str, list[Pair]] = {}
    for pair in pairs:
        packs.setdefault(pair.pack, []).append(pair)
    return tuple(_pack(pack, members, palette, names) for pack, members in packs.items())


def table(surveys: Iterable[PackSurvey]) -> str:
    """Return the surveys as lines of text, one a pack."""
    lines = []
    for pack in surveys:
        gsd = "as they are" if pack.gsd_m is None else "-".join(f"{gsd_m:g}" for gsd_m in sorted(set(pack.gsd_m)))
        shares = ", ".join(f"{name} {share:.1%}" for name, share in pack.shares.items() if share)
        lines.append(
            f"{pack.pack}: {pack.train} to train, {pack.val} to validate, {pack.sites} sites, "
            f"{pack.megapixels:.1f} Mpx, m/px {gsd}; {shares or 'no pixel of one class'}"
        )
    return "\n".join(lines)


def _pack(pack: str, pairs: Sequence[Pair], palette: Palette, names: Sequence[str]) -> PackSurvey:
    sites = {split: {pair.site for pair in pairs if pair.split == split} for split in ("train", "val")}
    if both := sites["train"] & sites["val"]:
        raise DataError(f"{pack}: site {min(both)!r} is in both splits; split by place")
    with ThreadPoolExecutor(WORKERS) as pool:
        counts = np.sum(list(pool.map(partial(_count, palette=palette, num_classes=len(names)), pairs)), axis=0)
    sizes = [pair.gsd_m for pair in pairs if pair.gsd_m is not None]
    return PackSurvey(
        pack=pack,
        train=sum(pair.split == "train" for pair in pairs),
        val=sum(pair.split == "val" for pair in pairs),
        sites=len(sites["train"] | sites["val"]),
        gsd_m=(min(sizes), max(sizes)) if sizes else None,
        megapixels=counts.sum() / 1e6,
        shares={name: float(counts[index + 1] / counts.sum()) for index, name in enumerate(names)},
    )


def _count(pair: Pair, *, palette: Palette, num_classes: int) -> NDArray[np.int64]:
    """Count pixels by class id; 0 for those without a class of their own."""
    sets_HW = load(pair, palette).sets_HW
    if (highest := int(sets_HW.max(initial=0))) >= 1 << num_classes:
        raise DataError(
            f"{pair.target} holds set {highest}; sets of {num_classes} classes are below {1 << num_classes}"
        )
    return np.bincount(class_sets.ids(sets_HW).ravel(), minlength=num_classes + 1)
