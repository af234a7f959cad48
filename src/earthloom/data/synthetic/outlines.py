"""Outlines and lines on a plane: rows of x, y."""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]
"""`(N, 2)`, or `(2,)` for one."""


def flat(points_N2: Points) -> list[float]:
    """Return x, y, x, y, ... as a pen wants them."""
    return [float(each) for each in points_N2.ravel()]


def turn(angle: float) -> Points:
    """Return the matrix that turns row vectors by an angle in radians."""
    return np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])


def box(wide: float, deep: float) -> Points:
    """Return the corners of a rectangle around (0, 0)."""
    return np.array([(-wide, -deep), (wide, -deep), (wide, deep), (-wide, deep)]) / 2


def round_outline(rng: np.random.Generator) -> Points:
    """Return a circle of radius 1 with dents."""
    angles = np.linspace(0.0, 2 * np.pi, 10, endpoint=False)
    return np.stack([np.cos(angles), np.sin(angles)], 1) * rng.uniform(0.75, 1.15, (10, 1))


def wavy_outline(rng: np.random.Generator) -> Points:
    """Return a circle of radius about 1 with bays and capes, the finer the smaller."""
    angles_N = np.linspace(0.0, 2 * np.pi, 200, endpoint=False)
    waves_K = np.arange(1, 25)
    phases_K1 = rng.uniform(0.0, 2 * np.pi, (len(waves_K), 1))
    strength_K1 = rng.uniform(0.0, 0.3) * rng.random((len(waves_K), 1)) / waves_K[:, None]
    radius_N = 1.0 + (strength_K1 * np.sin(waves_K[:, None] * angles_N + phases_K1)).sum(0)
    return np.stack([radius_N * np.cos(angles_N), radius_N * np.sin(angles_N)], 1)


def parcels(side: float, px: float, rng: np.random.Generator) -> Iterator[Points]:
    """Cut a square into turned rectangles, from some 15 m to six times the size where cutting stops; `px` a metre."""
    turned = turn(rng.uniform(0.0, np.pi))
    smallest = rng.uniform(15.0, 60.0) * px
    reach = side * 0.75
    waiting = [(-reach, -reach, reach, reach)]
    while waiting:
        left, top, right, bottom = waiting.pop()
        longest = max(right - left, bottom - top)
        if longest > smallest * 6 or (longest > smallest and rng.random() < 0.75):
            at = rng.uniform(0.3, 0.7)
            if right - left > bottom - top:
                middle = left + at * (right - left)
                waiting += [(left, top, middle, bottom), (middle, top, right, bottom)]
            else:
                middle = top + at * (bottom - top)
                waiting += [(left, top, right, middle), (left, middle, right, bottom)]
            continue
        yield np.array([(left, top), (right, top), (right, bottom), (left, bottom)]) @ turned + side / 2


def half(outline_N2: Points) -> Points:
    """Cut an outline along its length through the middle; return one half (Sutherland and Hodgman 1974)."""
    sides_N2 = np.roll(outline_N2, -1, 0) - outline_N2
    along_2 = sides_N2[np.argmax((sides_N2**2).sum(1))]
    away_N = (outline_N2 - outline_N2.mean(0)) @ np.array([-along_2[1], along_2[0]])
    kept = []
    for here_2, there_2, away, next_away in zip(
        outline_N2, np.roll(outline_N2, -1, 0), away_N, np.roll(away_N, -1), strict=True
    ):
        if away >= 0:
            kept.append(here_2)
        if (away >= 0) != (next_away >= 0):
            kept.append(here_2 + (there_2 - here_2) * away / (away - next_away))
    return np.array(kept)


def across(along_2: Points) -> Points:
    """Return the direction at a right angle to another."""
    return np.array([-along_2[1], along_2[0]])


def beside(points_N2: Points, off: float) -> Points:
    """Return a line that runs beside another: on its right where y points down and `off` is above 0."""
    away_N2 = np.gradient(points_N2, axis=0)[:, ::-1] * np.array([-1.0, 1.0])
    length_N1 = np.linalg.norm(away_N2, axis=1, keepdims=True)
    return np.asarray(points_N2 + off * away_N2 / np.maximum(length_N1, 1e-9), np.float64)


def walk(points_N2: Points, step: float) -> Iterator[tuple[Points, Points]]:
    """Yield points along a line, a step apart, with the direction there."""
    for start_2, end_2 in pairwise(points_N2):
        length = float(np.linalg.norm(end_2 - start_2))
        for at in np.arange(step / 2, length, step):
            along_2 = (end_2 - start_2) / length
            yield start_2 + along_2 * at, along_2
