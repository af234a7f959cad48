"""OpenStreetMap extracts as shapes on a local plane: areas and lines in metres, by what they are on the ground."""

from dataclasses import dataclass
from functools import cached_property
from math import cos, radians
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from earthloom.errors import DataError

DEGREE_M = 111_320.0
"""Metres of a degree of latitude."""

ROAD_WIDTHS_M = {
    "motorway": 11.0,
    "trunk": 10.0,
    "primary": 9.0,
    "secondary": 8.0,
    "tertiary": 7.0,
    "unclassified": 6.0,
    "residential": 5.5,
    "living_street": 5.5,
    "pedestrian": 5.0,
    "service": 4.0,
    "track": 3.0,
}
"""Of the carriageway, by `highway`; `_link` as the road it leads to."""

WATER_WIDTHS_M = {"river": 10.0, "canal": 8.0, "stream": 3.0}

PATHS = frozenset({"footway", "path", "cycleway", "bridleway", "steps"})

AREAS: dict[str, dict[str, frozenset[str]]] = {
    "water": {
        "natural": frozenset({"water"}),
        "waterway": frozenset({"riverbank"}),
        "landuse": frozenset({"reservoir", "basin"}),
    },
    "wood": {"natural": frozenset({"wood"}), "landuse": frozenset({"forest"})},
    "field": {"landuse": frozenset({"farmland", "farm", "orchard", "vineyard"})},
    "green": {
        "natural": frozenset({"grassland", "scrub", "heath"}),
        "landuse": frozenset({"meadow", "grass", "village_green", "recreation_ground", "cemetery"}),
        "leisure": frozenset({"park", "pitch", "garden", "golf_course"}),
    },
    "bare": {
        "natural": frozenset({"scree", "bare_rock", "sand", "beach", "shingle"}),
        "landuse": frozenset({"quarry", "construction", "brownfield"}),
    },
}
"""Kinds of area by key and value."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Shape:
    """One area or line."""

    kind: str
    """`building`, `road`, `path`, `rail`, a key of `AREAS`; `water` is an area or a line."""

    points_N2: NDArray[np.float64]
    """Metres east and south of the extract's middle; the outer ring of an area."""

    width_m: float = 0.0
    """Of a line; 0 for an area."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Extract:
    """The shapes of one file."""

    name: str
    """Of the file, without suffixes."""

    shapes: tuple[Shape, ...]
    """In the file's order."""

    @cached_property
    def boxes(self) -> NDArray[np.float64]:
        """Left, top, right, bottom of every shape, `(N, 4)`."""
        return np.array([[*shape.points_N2.min(0), *shape.points_N2.max(0)] for shape in self.shapes])

    def within(self, left: float, top: float, side_m: float) -> list[Shape]:
        """Return the shapes whose box touches a square."""
        low_N2, high_N2 = self.boxes[:, :2], self.boxes[:, 2:]
        corner_2 = np.array([left, top])
        touches_N = ((low_N2 < corner_2 + side_m) & (high_N2 > corner_2)).all(axis=1)
        return [self.shapes[index] for index in np.flatnonzero(touches_N)]


def name_of(path: Path) -> str:
    """Return the name of an extract's file without its suffixes."""
    return path.name[: path.name.rindex(".osm")]


def read_extract(path: Path) -> Extract:
    """Read `.osm.pbf`, `.osm.gz` or `.osm`; inner rings are left out.

    Raises:
        DataError: If osmium is not installed, the file cannot be read, or it holds none of these shapes.
    """
    try:
        import osmium
    except ImportError as error:
        raise DataError(f"{path}: to read it install osmium: pip install 'earthloom[osm]'") from error
    try:
        found = [shape for each in osmium.FileProcessor(path).with_areas() for shape in _shapes(each)]
    except RuntimeError as error:
        raise DataError(f"{path} is no OpenStreetMap extract ({error})") from error
    if not found:
        raise DataError(f"{path} holds no buildings, roads or land use")
    middle_2 = np.median(np.concatenate([shape.points_N2 for shape in found]), axis=0)
    scale_2 = DEGREE_M * np.array([cos(radians(middle_2[1])), -1.0])
    return Extract(
        name=name_of(path),
        shapes=tuple(
            Shape(kind=each.kind, points_N2=(each.points_N2 - middle_2) * scale_2, width_m=each.width_m)
            for each in found
        ),
    )


def _shapes(each: Any) -> list[Shape]:
    """Return what an object of osmium is to us, its points still in degrees."""
    if each.is_area():
        kind = _area_kind(each.tags)
        return [] if kind is None else [shape for ring in each.outer_rings() for shape in _shape(kind, ring)]
    kind, width_m = _line_kind(each.tags) if each.is_way() else (None, 0.0)
    return [] if kind is None else _shape(kind, each.nodes, width_m)


def _shape(kind: str, nodes: Any, width_m: float = 0.0) -> list[Shape]:
    """Return a shape, or nothing where an extract's cut has left fewer than two of its nodes."""
    points = [(node.location.lon, node.location.lat) for node in nodes if node.location.valid()]
    return [Shape(kind=kind, points_N2=np.array(points), width_m=width_m)] if len(points) > 1 else []


def _area_kind(tags: Any) -> str | None:
    if "building" in tags:
        return "building"
    kinds = (kind for kind, keys in AREAS.items() if any(tags.get(key) in values for key, values in keys.items()))
    return next(kinds, None)


def _line_kind(tags: Any) -> tuple[str | None, float]:
    highway = str(tags.get("highway", "")).removesuffix("_link")
    if highway in ROAD_WIDTHS_M:
        return "road", ROAD_WIDTHS_M[highway]
    if highway in PATHS:
        return "path", 1.5
    if tags.get("railway") == "rail":
        return "rail", 4.0
    waterway = tags.get("waterway")
    return ("water", WATER_WIDTHS_M[waterway]) if waterway in WATER_WIDTHS_M else (None, 0.0)
