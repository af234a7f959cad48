"""What of a street plan is drawn."""

from collections.abc import Iterable
from dataclasses import replace

from PIL import Image

from earthloom.data.build import WATER
from earthloom.data.osm import Shape

MAIN_ROAD_M = 6.5
"""Wider roads are main roads; half of the scenes have theirs as avenues."""


def stands(shape: Shape, classes: Image.Image) -> bool:
    """Say whether a thing is on dry ground, by most of its corners inside the picture; main roads are bridges."""
    if shape.width_m > MAIN_ROAD_M or shape.kind == "water":
        return True
    inside_N2 = shape.points_N2[((shape.points_N2 >= 0) & (shape.points_N2 < classes.width)).all(1)]
    return sum(classes.getpixel((int(x), int(y))) == WATER for x, y in inside_N2) <= len(inside_N2) / 2


def roads_of(shapes: Iterable[Shape], avenue: float) -> list[Shape]:
    """Return the roads, narrow ones first and main ones `avenue` times as wide."""
    return [
        replace(shape, width_m=shape.width_m * (avenue if shape.width_m > MAIN_ROAD_M else 1.0))
        for shape in sorted(shapes, key=lambda shape: shape.width_m)
        if shape.kind == "road"
    ]
