"""A hidden folder beside a result, in which one run alone makes it."""

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

try:
    from fcntl import LOCK_EX, LOCK_NB, flock
except ImportError:  # Windows
    flock = None  # type: ignore[assignment]


@contextmanager
def own_folder(result: Path) -> Iterator[Path]:
    """Give an empty folder, `.NAME.writing` beside a result; it goes at the end, as does what a killed run left there.

    Raises:
        BlockingIOError: If another run has it.
        OSError: If it cannot be made.
    """
    folder = result.parent / f".{result.name}.writing"
    folder.mkdir(exist_ok=True)
    with _locked(folder):
        for left in folder.iterdir():
            shutil.rmtree(left) if left.is_dir() else left.unlink()
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold a folder; whatever kills the process lets it go."""
    if flock is None:
        yield
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        flock(handle, LOCK_EX | LOCK_NB)
    except BlockingIOError as error:
        os.close(handle)
        raise BlockingIOError(errno.EAGAIN, "another run is writing it") from error
    except OSError:  # a file system without locks
        pass
    try:
        yield
    finally:
        os.close(handle)
