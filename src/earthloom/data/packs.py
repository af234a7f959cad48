"""The packs that can be built, by name."""

from pathlib import Path

from earthloom.data import dubai, mass_roads, naip, oam
from earthloom.data.build import About, Scenes, build
from earthloom.errors import UsageError

PACKS: dict[str, tuple[About, Scenes]] = {
    "dubai": (dubai.ABOUT, dubai.scenes),
    "mass_roads": (mass_roads.ABOUT, mass_roads.scenes),
    "naip": (naip.ABOUT, naip.scenes),
    "oam": (oam.ABOUT, oam.scenes),
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
