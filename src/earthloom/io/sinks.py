"""Writing results: the output's suffix chooses the format."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from earthloom.errors import SinkError, UsageError
from earthloom.io.cog import write_cog
from earthloom.io.levels import Advance, Level, count_pieces
from earthloom.io.mbtiles import write_mbtiles
from earthloom.io.pmtiles import write_pmtiles
from earthloom.io.png import write_png
from earthloom.io.stac import About, is_own_item, item_of, write_item
from earthloom.io.staging import staged
from earthloom.io.tiling import NEEDS_PLACE, tiling
from earthloom.io.xyz import is_xyz, write_xyz

__all__ = ["Level", "check_name", "check_output", "count_steps", "outputs", "strangers", "write"]

IMAGES = (".tif", ".png")
"""Suffixes of which every level is a file of its own."""

ARCHIVES = (".pmtiles", ".mbtiles", "")
"""Suffixes that hold all levels as tiles; none is a folder of tiles."""


LONGEST_NAME = 255 - len(".parts-journal")
"""Bytes of an output's name, so that file systems take the names of what is written on the way."""


def check_name(path: Path) -> None:
    """Refuse what cannot be the name of an output.

    Raises:
        UsageError: If it is none, or too long.
    """
    if path.name.lower() in ("..", *IMAGES, *ARCHIVES):
        raise UsageError(f"{path}: is no name for an output: give one, e.g. map.tif")
    if len(os.fsencode(path.name)) > LONGEST_NAME:
        raise UsageError(f"{path}: its name is too long: want at most {LONGEST_NAME} bytes, for names beside it to fit")


def check_output(
    path: Path | str,
    *,
    overwrite: bool,
    zooms: Sequence[int | None] = (),
    has_place: bool = True,
    source: Path | None = None,
) -> None:
    """Refuse an output before any work is done for it.

    Args:
        path: The output as the user wrote it.
        overwrite: Whether an old output may be replaced.
        zooms: Zooms of the levels, finest first, if known: `.tif` and `.png` write a file for each.
        has_place: Whether the pixels have a place on Earth, without which there are no tiles.
        source: The image it is made of, if that is a file.

    Raises:
        UsageError: If it would replace that image, its suffix is unknown or fits no such pixels, its folder is missing,
            or it or what readers would take for a part of it exists and may not be replaced.
        SinkError: If its folder may not be written to.
    """
    path = Path(path)
    check_name(path)
    if _suffix(path) not in IMAGES + ARCHIVES:
        known = ".tif, .png, .pmtiles, .mbtiles, or none for a folder of tiles"
        raise UsageError(f"{path}: unknown suffix {path.suffix!r}: give {known}")
    if not has_place and _suffix(path) in ARCHIVES:
        raise UsageError(f"{path}: {NEEDS_PLACE}")
    if not path.parent.is_dir():
        raise UsageError(f"{path}: there is no folder {path.parent}: make it first")
    for each in outputs(path, zooms or (None,)):
        check_name(each)
        if source is not None and each.resolve() == source.resolve():
            raise UsageError(f"{each}: would replace the image itself: choose another name")
        _check_old(each, item_of(path), overwrite=overwrite)
    if not os.access(path.parent, os.W_OK):
        raise SinkError(f"{path}: may not write in {path.parent}: choose another folder")


def outputs(path: Path, zooms: Sequence[int | None]) -> list[Path]:
    """Return the files that levels of these zooms, finest first, are written to: NAME.tif, NAME_z16.tif, ..."""
    if _suffix(path) in ARCHIVES:
        return [path]
    return [path, *(path.with_name(f"{path.stem}_z{zoom}{path.suffix}") for zoom in zooms[1:])]


def count_steps(path: Path | str, levels: Sequence[Level]) -> int:
    """Return how often in all `write` will report one piece done."""
    if _suffix(Path(path)) in ARCHIVES:
        return tiling(levels, lossless=True).count()
    return sum(map(count_pieces, levels))


def write(
    path: Path | str,
    levels: Sequence[Level],
    *,
    tags: Mapping[str, str],
    overwrite: bool,
    lossless: bool = True,
    about: About | None = None,
    source: Path | None = None,
    advance: Advance | None = None,
) -> list[Path]:
    """Write levels to the format that the suffix chooses; equal levels and tags give equal bytes.

    Outputs get their names only when all are whole; on any failure, or Ctrl-C, old ones stay as they were.

    Args:
        path: `.tif` (COG) and `.png` hold a level each: the finest under this name, others beside it as NAME_z16.tif.
            `.pmtiles`, `.mbtiles` and a name without suffix (a folder) hold all levels as tiles of 512 px.
        levels: What to write, finest first.
        tags: Text that every format carries: the provenance.
        overwrite: Whether old outputs may be replaced.
        lossless: Maps: PNG tiles, nearest overviews. Else imagery: WebP tiles, averaged overviews.
        about: What a STAC item beside the output says of it; no item without.
        source: The image it is made of, if that is a file.
        advance: Told of every piece written.

    Returns:
        What was written, one path a file or folder; sidecars are not listed.

    Raises:
        UsageError: If `check_output` refuses, or levels that have no place are to become tiles.
        SinkError: If writing fails.
    """
    path = Path(path)
    zooms = [level.zoom for level in levels]
    check_output(path, overwrite=overwrite, zooms=zooms, source=source)
    tell: Advance = advance or (lambda _: None)
    if _suffix(path) in ARCHIVES:
        files = {path: list(levels)}
    else:
        files = {final: [level] for final, level in zip(outputs(path, zooms), levels, strict=True)}
    stale = [beside for file in files for beside in _beside(file)]
    with staged(path, first=item_of(path).name, stale=stale) as stage:
        for final, held in files.items():
            _write_file(stage / final.name, held, tags, tell, lossless=lossless)
        if about is not None:
            write_item(path, files, about, tags, stage)
    return list(files)


def _write_file(
    path: Path, levels: Sequence[Level], tags: Mapping[str, str], advance: Advance, *, lossless: bool
) -> None:
    archives = {".pmtiles": write_pmtiles, ".mbtiles": write_mbtiles, "": write_xyz}
    suffix = _suffix(path)
    if suffix in archives:
        archives[suffix](path, tiling(levels, lossless=lossless), tags, advance=advance)
    elif suffix == ".tif":
        write_cog(path, levels[0], tags, lossless=lossless, advance=advance)
    else:
        write_png(path, levels[0], tags, advance=advance)


def strangers(path: Path, item: Path) -> list[Path]:
    """Return what lies beside a file that is gone, or has no name yet, unless our own item says what it is.

    Args:
        path: The file.
        item: Where its item lies.
    """
    return [] if is_own_item(item) else [each for each in (item_of(path), *_beside(path)) if os.path.lexists(each)]


def _check_old(path: Path, item: Path, *, overwrite: bool) -> None:
    """Refuse to replace what is there, unless it may be; a folder only if it is a folder of tiles, or empty."""
    if not os.path.lexists(path):
        if not overwrite and (left := strangers(path, item)):
            raise UsageError(f"{left[0]}: is there without {path.name}: move it, or replace it with --overwrite")
        return
    if not overwrite:
        raise UsageError(f"{path}: exists: choose another name, or replace it with --overwrite")
    if path.is_dir() != (_suffix(path) == ""):
        raise UsageError(f"{path}: is a {'folder' if path.is_dir() else 'file'}: choose another name")
    if path.is_dir() and any(path.iterdir()) and not is_xyz(path):
        raise UsageError(f"{path}: is a folder with other things in it: choose another name")


def _beside(path: Path) -> list[Path]:
    """Return what readers would take for a part of a file: notes, overviews, masks, world files, journals."""
    image = (".aux.xml", ".ovr", ".msk")
    suffixes = {".tif": image, ".png": image, ".mbtiles": ("-journal", "-wal", "-shm")}.get(_suffix(path), ())
    world_file = [path.with_suffix(".pgw")] if _suffix(path) == ".png" else []
    return [*(path.with_name(f"{path.name}{suffix}") for suffix in suffixes), *world_file]


def _suffix(path: Path) -> str:
    return path.suffix.lower()
