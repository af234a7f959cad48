"""Outputs get their final name last: written beside it, moved when whole, gone without a trace if anything fails."""

import errno
import os
import shutil
import sqlite3
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from earthloom.errors import SinkError
from earthloom.io.gdal import GDAL_ERRORS, reason
from earthloom.io.own_folder import own_folder

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_FULL_WORDS = ("no space left", "disk is full")
_SPARE_BYTES = 1 << 20


@contextmanager
def staged(path: Path, *, first: str = "", stale: Collection[Path] = ()) -> Iterator[Path]:
    """Give an empty folder beside an output to write in; move what is in it to the output's folder at the end.

    What a killed run left there is removed. An old output stays as it was until the new one is whole. The output itself
    is moved last: where it lies, everything beside it does.

    Args:
        path: The output.
        first: Name of the file that is moved first, if there is one of it.
        stale: Files that go when the new ones come, unless they are among them; GDAL's notes on old ones go anyway.

    Raises:
        SinkError: If writing fails; a full disk is named, and another run that is writing it.
    """
    try:
        with own_folder(path) as stage:
            yield stage
            _move_all(stage, path, first, stale)
    except (*GDAL_ERRORS, sqlite3.Error) as error:
        raise SinkError(_message(path, error)) from error


def need_space(folder: Path, num_bytes: int) -> None:
    """Stop before a disk fills up: GDAL notices late and prints about it.

    Raises:
        OSError: ENOSPC, which `staged` turns into our error.
    """
    if is_full(folder, num_bytes):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def is_full(folder: Path, num_bytes: int = 0) -> bool:
    """Say whether the disk of a folder has no room for so many bytes and a little to spare."""
    return shutil.disk_usage(folder).free < num_bytes + _SPARE_BYTES


def _move_all(stage: Path, path: Path, first: str, stale: Collection[Path]) -> None:
    names = sorted((made.name for made in stage.iterdir()), key=lambda name: (name == path.name, name != first, name))
    beside = {*stale, *(path.with_name(f"{name}.aux.xml") for name in names)}
    aside = stage / ".old"
    aside.mkdir()
    try:
        for old in beside:
            if old.name not in names and os.path.lexists(old):
                old.rename(aside / old.name)
        for name in names:
            _move(stage / name, path.with_name(name))
    except BaseException:
        for old in aside.iterdir():
            old.rename(path.with_name(old.name))
        raise


def _move(made: Path, final: Path) -> None:
    """Give a finished output its name; a folder pushes the old one aside, which goes with the stage."""
    aside = made.with_name(f"{made.name}.old")
    if made.is_dir() and final.exists():
        final.rename(aside)
    try:
        os.replace(made, final)
    except BaseException:
        if aside.exists():
            aside.rename(final)
        raise


def _message(path: Path, error: Exception) -> str:
    why = reason(error)
    if getattr(error, "errno", None) in _FULL or any(words in why.lower() for words in _FULL_WORDS):
        return f"{path}: no space left to write it: free some and run again; what stood there is as it was"
    return f"{path}: cannot be written: {why}"
