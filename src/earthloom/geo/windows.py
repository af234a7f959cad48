"""Rectangles of pixels on an endless plane."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor

from earthloom.errors import GeoError


@dataclass(frozen=True, slots=True, order=True)
class Window:
    """A non-empty rectangle of pixels, `[col, col + width) x [row, row + height)`; offsets may be negative."""

    col: int
    row: int
    width: int
    height: int

    def __post_init__(self) -> None:
        """Reject an empty window where it is made, not where it is read."""
        if self.width <= 0 or self.height <= 0:
            raise GeoError(f"a window needs pixels, got {self.width} x {self.height}")

    @property
    def right(self) -> int:
        """First column after the window."""
        return self.col + self.width

    @property
    def bottom(self) -> int:
        """First row after the window."""
        return self.row + self.height

    @property
    def corners(self) -> tuple[tuple[int, int], ...]:
        """(col, row) of lower left, lower right, upper right and upper left."""
        rows = (self.bottom, self.bottom, self.row, self.row)
        return tuple(zip((self.col, self.right, self.right, self.col), rows, strict=True))

    @classmethod
    def spanning(cls, left: int, top: int, right: int, bottom: int) -> "Window":
        """Build a window from its edges, `right` and `bottom` exclusive."""
        return cls(left, top, right - left, bottom - top)

    def pad(self, margin_px: int) -> "Window":
        """Grow (or with a negative margin shrink) by `margin_px` on all four sides."""
        return Window(
            self.col - margin_px, self.row - margin_px, self.width + 2 * margin_px, self.height + 2 * margin_px
        )

    def intersects(self, other: "Window") -> bool:
        """Say whether the two share a pixel."""
        return self.col < other.right and other.col < self.right and self.row < other.bottom and other.row < self.bottom

    def intersection(self, other: "Window") -> "Window":
        """Return the shared pixels.

        Raises:
            GeoError: If there are none.
        """
        return Window.spanning(
            max(self.col, other.col),
            max(self.row, other.row),
            min(self.right, other.right),
            min(self.bottom, other.bottom),
        )

    def union(self, other: "Window") -> "Window":
        """Return the smallest window that holds both."""
        return Window.spanning(
            min(self.col, other.col),
            min(self.row, other.row),
            max(self.right, other.right),
            max(self.bottom, other.bottom),
        )

    def contains(self, other: "Window") -> bool:
        """Say whether every pixel of `other` is in this window."""
        return (
            self.col <= other.col
            and self.row <= other.row
            and other.right <= self.right
            and other.bottom <= self.bottom
        )

    def scaled(self, ratio: Fraction | int) -> "Window":
        """Cover the same ground with `ratio` pixels for each pixel now, snapped outward."""
        return Window.spanning(
            floor(self.col * ratio), floor(self.row * ratio), ceil(self.right * ratio), ceil(self.bottom * ratio)
        )

    def parts(self, side_px: int) -> Iterator[tuple["Window", float]]:
        """Give squares that cover the window, cut off at its edges, row by row; with each the share covered by then."""
        pixels = 0
        for row in range(self.row, self.bottom, side_px):
            for col in range(self.col, self.right, side_px):
                part = Window(col, row, side_px, side_px).intersection(self)
                pixels += part.width * part.height
                yield part, pixels / (self.width * self.height)

    def slices_in(self, outer: "Window") -> tuple[slice, slice]:
        """Return the (row, column) slices that cut this window out of an array that covers `outer`.

        Raises:
            GeoError: If `outer` does not hold this window.
        """
        if not outer.contains(self):
            raise GeoError(f"{self} does not lie within {outer}")
        row, col = self.row - outer.row, self.col - outer.col
        return slice(row, row + self.height), slice(col, col + self.width)
