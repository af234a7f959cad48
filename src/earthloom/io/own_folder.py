"""A hidden folder beside a result, in which one run alone makes it."""

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
def own_folder(result: Path, task: str = "writing") -> Iterator[Path]:
    """Give an empty folder, `.NAME.TASK` beside a result; it goes at the end, as does what a killed run left there.

    Args:
        result: What is made.
        task: What is done to it that only one run may do at a time.

    Raises:
        BlockingIOError: If another run has it.
        OSError: If it cannot be made.
    """
    folder = result.parent / f".{result.name}.{task}"
    if folder.is_symlink():
        raise NotADirectoryError(f"{folder} is a link: remove it")
    folder.mkdir(exist_ok=True)
    with _locked(folder, task):
        for left in folder.iterdir():
            shutil.rmtree(left) if left.is_dir() and not left.is_symlink() else left.unlink()
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _locked(folder: Path, task: str) -> Iterator[None]:
    """Hold a folder; whatever kills the process lets it go."""
    if flock is None:
        yield
        return
    handle = os.open(folder, os.O_RDONLY | os.O_NOFOLLOW)
    try:
        if not (_lock(handle) and _is_open(handle, folder)):
            raise BlockingIOError(f"another run is {task} it")
        yield
    finally:
        os.close(handle)


def _lock(handle: int) -> bool:
    try:
        flock(handle, LOCK_EX | LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks
        pass
    return True


def _is_open(handle: int, folder: Path) -> bool:
    """Say whether an open folder is still the one of that name: another run may just have removed it."""
    return folder.exists() and os.path.samestat(os.fstat(handle), folder.stat())
