"""What every input, stored layer and tile server looks like from above."""

from typing import Protocol

from earthloom.geo.grid import Grid
from earthloom.geo.windows import Window
from earthloom.io.raster import Raster


class Source(Protocol):
    """A picklable description of pixels on a grid; files are opened lazily, once a thread."""

    @property
    def grid(self) -> Grid:
        """The plane the pixels lie on, its extent where it has one."""
        ...

    @property
    def bands(self) -> int:
        """Number of bands every read gives."""
        ...

    @property
    def dtype(self) -> str:
        """Numpy name of the pixels' type, e.g. `uint8`."""
        ...

    @property
    def identity(self) -> str:
        """Hash of everything that decides the pixels: equal identities give equal pixels."""
        ...

    def read(self, window: Window) -> Raster:
        """Read any window, also one off the extent: what does not exist comes back masked."""
        ...
