"""Absolute integer pixel planes: where a pixel lies, whatever file it came from."""

from dataclasses import dataclass, replace
from fractions import Fraction
from math import ceil, floor, isclose

from affine import Affine

from earthloom.errors import GeoError
from earthloom.geo.windows import Window

SNAP_PX = 1e-6
"""Edges nearer than this to a pixel edge are taken to lie on it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """An absolute pixel plane. Window lattices and noise hang on it, never on a raster's corner."""

    crs: str | None
    """`EPSG:n` or WKT; None for an image without a place, whose corner is pixel (0, 0)."""

    transform: Affine
    """Maps (col, row) of the plane to CRS units (metres of ground for an image without a place)."""

    extent: Window | None = None
    """The pixels that exist; None on an endless plane."""

    def __post_init__(self) -> None:
        """Reject a plane whose pixels have no area."""
        if self.transform.determinant == 0:
            raise GeoError(f"a grid needs pixels with an area, got the transform {tuple(self.transform)[:6]}")

    @classmethod
    def of_raster(cls, crs: str | None, transform: Affine) -> "Grid":
        """Return the plane of a raster's pixels: pixel (0, 0) is at the origin of the CRS, so neighbours share a plane.

        What is left over where the origin is no corner of a pixel stays in the transform, from -1/4 to 3/4 of a pixel:
        origins mostly are corners or centres, and rounding must not move those. Without a CRS the raster's corner is
        the origin.
        """
        plane = cls(crs=crs, transform=transform)
        if crs is None:
            return plane
        a, b, left, d, e, top = tuple(transform)[:6]
        col, row = (floor(count + 0.25) for count in ~Affine(a, b, 0.0, d, e, 0.0) @ (left, top))
        return replace(plane, transform=Affine(a, b, left - (a * col + b * row), d, e, top - (d * col + e * row)))

    @property
    def name(self) -> str:
        """What an error says about this grid, on one line."""
        return f"{(self.crs or 'no CRS')[:40]} {tuple(self.transform)[:6]}"

    def ratio_to(self, other: "Grid") -> Fraction:
        """Return how many pixels of `other` one pixel of this grid spans along a side.

        Raises:
            GeoError: If the planes do not share CRS, corner and orientation, or the ratio is no n or 1/n.
        """
        mine, theirs = self.transform, other.transform
        scale = mine.a / theirs.a if theirs.a else mine.b / theirs.b
        ratio = Fraction(round(scale)) if scale >= 1 else Fraction(1, round(1 / scale)) if scale > 0 else Fraction(0)
        expected = theirs @ Affine.scale(float(ratio)) if ratio > 0 else theirs
        nested = self.crs == other.crs and all(
            isclose(a, b, rel_tol=1e-9, abs_tol=1e-9 * abs(theirs.determinant) ** 0.5)
            for a, b in zip(tuple(mine)[:6], tuple(expected)[:6], strict=True)
        )
        if ratio <= 0 or not nested:
            raise GeoError(
                f"grids do not nest: {self.name} and {other.name}; they need one CRS, corner and whole ratio"
            )
        return ratio

    def window_of(self, left: float, bottom: float, right: float, top: float) -> Window:
        """Return the pixels that cover bounds in this grid's CRS, snapped outward; of a turned grid, all they touch.

        At least one, however thin the bounds.
        """
        inverse = ~self.transform
        cols, rows = zip(*(inverse @ (x, y) for x in (left, right) for y in (bottom, top)), strict=True)
        left_px, top_px = floor(min(cols) + SNAP_PX), floor(min(rows) + SNAP_PX)
        right_px, bottom_px = ceil(max(cols) - SNAP_PX), ceil(max(rows) - SNAP_PX)
        return Window.spanning(left_px, top_px, max(right_px, left_px + 1), max(bottom_px, top_px + 1))

    def bounds_of(self, window: Window) -> tuple[float, float, float, float]:
        """Return (left, bottom, right, top) of a window in CRS units; of a turned grid, of the box around it."""
        xs, ys = zip(*(self.transform @ corner for corner in window.corners), strict=True)
        return min(xs), min(ys), max(xs), max(ys)

    def transform_of(self, window: Window) -> Affine:
        """Return the affine of a file whose first pixel is the window's."""
        return self.transform @ Affine.translation(window.col, window.row)

    def within(self, extent: Window | None) -> "Grid":
        """Return the same plane with another extent."""
        return replace(self, extent=extent)
