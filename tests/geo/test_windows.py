"""Oracle: sets of pixels, listed one by one."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from earthloom.errors import GeoError
from earthloom.geo.windows import Window

WINDOWS = st.builds(Window, st.integers(-9, 9), st.integers(-9, 9), st.integers(1, 9), st.integers(1, 9))


def pixels(window: Window) -> set[tuple[int, int]]:
    return {(c, r) for c in range(window.col, window.right) for r in range(window.row, window.bottom)}


@given(WINDOWS, st.integers(1, 12))
def test_parts_cover_a_window_once(window: Window, side_px: int) -> None:
    parts = list(window.parts(side_px))
    covered = [pixel for part, _ in parts for pixel in pixels(part)]
    assert len(covered) == len(set(covered))
    assert set(covered) == pixels(window)
    assert all(part.width <= side_px and part.height <= side_px for part, _ in parts)
    areas = np.cumsum([part.width * part.height for part, _ in parts])
    assert [share for _, share in parts] == pytest.approx(areas / areas[-1])


@given(WINDOWS, WINDOWS)
def test_windows_are_sets_of_pixels(a: Window, b: Window) -> None:
    shared = pixels(a) & pixels(b)
    assert a.intersects(b) == b.intersects(a) == bool(shared)
    assert a.contains(b) == (pixels(b) <= pixels(a))
    assert a.union(b).contains(a)
    assert a.union(b).contains(b)
    if shared:
        assert pixels(a.intersection(b)) == shared
    else:
        with pytest.raises(GeoError, match="a window needs pixels"):
            a.intersection(b)


@given(WINDOWS, WINDOWS)
def test_the_union_is_the_smallest_that_holds_both(a: Window, b: Window) -> None:
    cols, rows = zip(*(pixels(a) | pixels(b)), strict=True)
    assert a.union(b) == Window.spanning(min(cols), min(rows), max(cols) + 1, max(rows) + 1)


@given(WINDOWS, st.integers(0, 5))
def test_padding_and_shrinking_undo_each_other(window: Window, margin_px: int) -> None:
    assert window.pad(margin_px).pad(-margin_px) == window
    assert window.pad(margin_px).contains(window)


@given(WINDOWS, st.integers(1, 4))
def test_scaling_covers_the_same_ground_snapped_outward(window: Window, n: int) -> None:
    assert window.scaled(n).scaled(Fraction(1, n)) == window
    coarse = {(col // n, row // n) for col, row in pixels(window)}
    assert pixels(window.scaled(Fraction(1, n))) == coarse


@given(WINDOWS, WINDOWS)
def test_slices_cut_the_very_pixels(inner: Window, outer: Window) -> None:
    if not outer.contains(inner):
        with pytest.raises(GeoError, match="does not lie within"):
            inner.slices_in(outer)
        return
    cols, rows = np.meshgrid(range(outer.col, outer.right), range(outer.row, outer.bottom))
    cut = inner.slices_in(outer)
    assert set(zip(cols[cut].flat, rows[cut].flat, strict=True)) == pixels(inner)


@pytest.mark.parametrize(("width", "height"), [(0, 1), (1, 0), (-3, 5)])
def test_a_window_without_pixels_cannot_be_made(width: int, height: int) -> None:
    with pytest.raises(GeoError, match=f"a window needs pixels, got {width} x {height}"):
        Window(0, 0, width, height)
