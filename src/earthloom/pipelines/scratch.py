"""A place for finished blocks that nobody asked to keep."""

import shutil
import tempfile
import weakref
from pathlib import Path


class Scratch:
    """A temporary folder that goes with the last object that holds it."""

    def __init__(self) -> None:
        """Make the folder."""
        self.path = Path(tempfile.mkdtemp(prefix="earthloom-"))
        weakref.finalize(self, shutil.rmtree, self.path, ignore_errors=True)
