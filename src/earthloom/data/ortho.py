"""Imagery before it is cut: pixels, which of them are real, and where they lie.

Letters: H W pixels, 3 RGB.
"""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from earthloom.data.build import Scene

if TYPE_CHECKING:
    from affine import Affine


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where the pixels of an image lie; needs the map libraries only when it is asked."""

    crs: str
    """`EPSG:n`, WKT or a PROJ string."""

    transform: tuple[float, ...]
    """The six numbers of the affine from (col, row) to CRS units, row by row."""

    @classmethod
    def north_up(cls, crs: str, *, left: float, top: float, pixel: float) -> "Place":
        """Return the place of an image by its corner and the side of a pixel, in CRS units."""
        return cls(crs=crs, transform=(pixel, 0.0, left, 0.0, -pixel, top))

    @classmethod
    def around(cls, lon: float, lat: float, *, width: int, height: int, gsd_m: float) -> "Place":
        """Return the place of a north-up image by the degrees of its centre."""
        crs = f"+proj=aeqd +lon_0={lon} +lat_0={lat} +datum=WGS84"
        return cls.north_up(crs, left=-width * gsd_m / 2, top=height * gsd_m / 2, pixel=gsd_m)

    def coarser(self, factor: float) -> "Place":
        """Return the place of the same image with pixels `factor` times as large."""
        a, b, left, d, e, top = self.transform
        return replace(self, transform=(a * factor, b * factor, left, d * factor, e * factor, top))

    def xy(self, col: float, row: float) -> tuple[float, float]:
        """Return the CRS coordinates of a pixel position."""
        return self.affine @ (col, row)

    def lon_lat(self, col: float, row: float) -> tuple[float, float]:
        """Return the degrees of a pixel position.

        Raises:
            GeoError: If it is no place on Earth.
        """
        from earthloom.geo.crs import lon_lat

        return lon_lat(self.crs, self.affine, col, row)

    @property
    def affine(self) -> "Affine":
        """The transform as an object."""
        from affine import Affine

        return Affine(*self.transform)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Orthoimage:
    """Ground seen straight from above, of any size."""

    name: str
    """Of the image within its pack."""

    site: str
    """The place; never on two sides of a split."""

    split: str
    """`train`, `val` or `test`."""

    gsd_m: float
    """Metres per pixel."""

    rgb_HW3: NDArray[np.uint8]
    """Image; means nothing where not valid."""

    valid_HW: NDArray[np.bool_]
    """True where there is imagery."""

    place: Place | None = None
    """None: unknown."""

    def labelled(self, sets_HW: NDArray[np.uint8]) -> Scene:
        """Return the image with its labels."""
        return Scene(
            name=self.name,
            site=self.site,
            split=self.split,
            gsd_m=self.gsd_m,
            rgb_HW3=self.rgb_HW3,
            sets_HW=sets_HW,
        )
