"""Writing into a run's folder: whole or not at all, and a full disk is named."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from safetensors import SafetensorError

from earthloom.errors import TrainingError

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_FULL_WORDS = tuple(f"(os error {number})" for number in _FULL)
"""How safetensors names them."""


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn what fails on writing `path` into our error.

    Raises:
        TrainingError: If it cannot be written; a full disk is named.
    """
    try:
        yield
    except (OSError, SafetensorError) as error:
        if getattr(error, "errno", None) in _FULL or any(words in str(error) for words in _FULL_WORDS):
            raise TrainingError(f"{path}: no space left to write it: free some and go on with --resume") from error
        raise TrainingError(f"{path} cannot be written: {error}") from error


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a name to write under; the file gets its own when it is whole, else what stood there stays.

    Raises:
        TrainingError: If it cannot be written; a full disk is named.
    """
    fresh = path.with_name(f"{path.name}.part")
    with writing(path):
        try:
            yield fresh
            os.replace(fresh, path)
        except (OSError, SafetensorError):
            fresh.unlink(missing_ok=True)
            raise
