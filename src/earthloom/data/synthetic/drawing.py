"""A town from a plan: one picture of surfaces, one of classes."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops, ImageDraw, ImageFilter

from earthloom.data.build import BUILDING, LAND, ROAD, VEGETATION, WATER
from earthloom.data.osm import Shape
from earthloom.data.synthetic.outlines import (
    Points,
    across,
    beside,
    box,
    flat,
    half,
    parcels,
    round_outline,
    walk,
    wavy_outline,
)
from earthloom.data.synthetic.plan import MAIN_ROAD_M, roads_of, stands
from earthloom.data.synthetic.shadows import Standing, shadows
from earthloom.data.synthetic.surfaces import Mood, softened

FINE = 2
"""Pixels are drawn this many times finer each way, then averaged."""


class Drawing:
    """A picture of surfaces and one of classes, drawn together. Lengths are in fine pixels unless named otherwise."""

    def __init__(self, side_px: int, gsd_m: float, rng: np.random.Generator) -> None:
        """Begin with bare ground.

        Args:
            side_px: Side of the picture in pixels, not fine ones.
            gsd_m: Metres of a pixel.
            rng: Decides everything that the plan does not.
        """
        self.rng = rng
        self.mood = Mood(rng=rng, loyalty=rng.uniform(0.4, 0.95))
        self.px = FINE / gsd_m
        self.side = side_px * FINE
        self.surfaces = Image.new("I", (self.side, self.side))
        self.classes = Image.new("L", (self.side, self.side), LAND)
        self.canvases = ImageDraw.Draw(self.surfaces), ImageDraw.Draw(self.classes)
        self.standing: list[Standing] = []
        self.wooded = rng.uniform(0.0, 1.0)
        self.greenness = rng.uniform(0.05, 0.75)

    def draw(self, shapes: Sequence[Shape]) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """Lay everything from the ground up.

        Args:
            shapes: The plan in fine pixels, widths in metres.

        Returns:
            Image `(H, W, 3)` and class ids `(H, W)`.
        """
        for outline_N2 in parcels(self.side, self.px, self.rng):
            self._ground(outline_N2, self.greenness)
        for kind in ("field", "green", "bare", "wood", "water"):
            for shape in shapes:
                if shape.kind == kind:
                    self._area_or_river(shape)
        if self.rng.random() < 0.5:
            self._open_water()
            shapes = [shape for shape in shapes if stands(shape, self.classes)]
        avenue = self.rng.uniform(1.3, 2.8) if self.rng.random() < 0.5 else 1.0
        roads = roads_of(shapes, avenue)
        self._yards(roads)
        for shape in shapes:
            if shape.kind in ("path", "rail"):
                self._line(shape, self.mood.surface("rail" if shape.kind == "rail" else "land", shape.kind), LAND)
        self._roads(roads)
        for shape in shapes:
            if shape.kind == "building":
                self._house(shape.points_N2)
        self._rows_of_houses(roads)
        self._cars(roads)
        self._trees(roads)
        return self._picture()

    def _ground(self, outline_N2: Points, greenness: float) -> None:
        of, class_id = ("green", VEGETATION) if self.rng.random() < greenness else ("land", LAND)
        self._fill(outline_N2, self.mood.surface(of), class_id)

    def _area_or_river(self, shape: Shape) -> None:
        if shape.width_m:
            if self.rng.random() < 0.4:
                self._line(shape, self.mood.surface("land", "bank"), LAND, widened_m=self.rng.uniform(2.0, 12.0))
            self._line(shape, self.mood.surface("water"), WATER)
        elif shape.kind == "water":
            self._fill(shape.points_N2, self.mood.surface("water"), WATER)
        elif shape.kind == "wood":
            self._fill(shape.points_N2, self.mood.surface("wood"), VEGETATION)
        elif shape.kind == "bare":
            self._fill(shape.points_N2, self.mood.surface("land", "bare"), LAND)
        else:
            self._ground(shape.points_N2, 0.3 + 0.6 * self.greenness)

    def _open_water(self) -> None:
        """Lay a lake, or the sea when its middle is beyond the picture, with shallows and often a beach."""
        middle_2 = self.rng.uniform(-0.3, 1.3, 2) * self.side
        outline_N2 = wavy_outline(self.rng) * self.rng.uniform(0.1, 0.65) * self.side
        if self.rng.random() < 0.6:
            beach = 1.0 + self.rng.uniform(2.0, 20.0) * self.px / np.abs(outline_N2).max()
            self._fill(middle_2 + outline_N2 * beach, self.mood.surface("land", "bank"), LAND)
        deep = self.mood.surface("water", "sea")
        self._fill(middle_2 + outline_N2, self.mood.shaded(deep, self.rng.uniform(1.0, 1.8)), WATER)
        self._fill(middle_2 + outline_N2 * self.rng.uniform(0.6, 1.0), deep, WATER)

    def _yards(self, roads: Sequence[Shape]) -> None:
        """Lay squares and yards beside the roads, of what roads are made of: their shape says that they are none."""
        often = self.rng.uniform(0.0, 0.35)
        for road in roads:
            for point_2, along_2 in walk(road.points_N2, 30.0 * self.px):
                if self.rng.random() < often:
                    sides_2 = self.rng.uniform(8.0, 28.0, 2)
                    away_2 = across(along_2) * self.rng.choice([-1.0, 1.0])
                    off_m = (road.width_m + sides_2[1]) / 2 + self.rng.uniform(0.0, 15.0)
                    centre_2 = point_2 + away_2 * off_m * self.px
                    outline_N2 = centre_2 + box(*sides_2 * self.px) @ np.array([along_2, away_2])
                    if self._free(outline_N2, (LAND, VEGETATION)):
                        self._fill(outline_N2, self.mood.surface("road", "yard"), LAND)

    def _roads(self, roads: Sequence[Shape]) -> None:
        """Narrow roads first, so that wide ones pass over them; verges of all before any carriageway."""
        dusty, widening = self.rng.uniform(0.0, 1.0), self.rng.uniform(0.85, 1.4)
        dusts = [self.mood.surface("land", "verge") for _ in roads]
        for road, dust in zip(roads, dusts, strict=True):
            if self.rng.random() < dusty:
                self._line(road, dust, LAND, widened_m=road.width_m * self.rng.uniform(0.2, 1.8))
        for road, dust in zip(roads, dusts, strict=True):
            main = road.width_m > MAIN_ROAD_M
            wide = replace(road, width_m=road.width_m * widening + 0.5)
            if main and self.rng.random() < dusty / 2:  # shoulders of dust are driven on: they are road
                self._line(wide, dust, ROAD)
                wide = replace(wide, width_m=wide.width_m * self.rng.uniform(0.35, 0.8))
            paved = self.mood.surface("road", "main road" if main else "track" if road.width_m < 3.5 else "street")
            paved = self.mood.mixed(paved, dust, dusty * self.rng.uniform(0.0, 0.9))
            self._line(wide, paved, ROAD)
            if main:
                self._lanes(wide, paved, dust)

    def _lanes(self, road: Shape, paved: int, dust: int) -> None:
        """Wear a main road along its lanes; more than half have a painted line or an open strip in their middle."""
        for off in self.rng.uniform(-0.4, 0.4, self.rng.poisson(2.0)) * road.width_m * self.px:
            worn = replace(road, points_N2=beside(road.points_N2, off), width_m=self.rng.uniform(0.6, 2.5))
            self._line(worn, self.mood.shaded(paved, self.rng.uniform(0.85, 1.15)), ROAD)
        if self.rng.random() < 0.6:
            strip = replace(road, width_m=self.rng.uniform(0.3, 1.5))
            self._line(strip, self.mood.surface("paint") if self.rng.random() < 0.6 else dust, ROAD)

    def _house(self, outline_N2: Points) -> None:
        """Lay a roof, half of them with two slopes, and remember the house for its shadow."""
        if len(outline_N2) < 3:
            return
        surface = self.mood.surface("roof")
        self._fill(outline_N2, surface, BUILDING)
        if self.rng.random() < 0.5:
            factor = self.rng.uniform(0.65, 1.3)
            half_N2 = half(outline_N2)
            if len(half_N2) > 2:
                self.canvases[0].polygon(flat(half_N2), self.mood.shaded(surface, factor))
        self.standing.append(Standing(outline_N2, self.rng.uniform(3.0, 12.0)))
        middle_2 = outline_N2.mean(axis=0)
        for _ in range(self.rng.poisson(0.7)):  # tanks, lofts, skylights
            small_N2 = middle_2 + self.rng.normal(0.0, 1.5 * self.px, 2)
            small_N2 = small_N2 + box(*self.rng.uniform(0.5, 1.6, 2) * self.px)
            if self._free(small_N2, (BUILDING,)):
                self.canvases[0].polygon(flat(small_N2), self.mood.shaded(surface, self.rng.uniform(0.6, 1.4)))

    def _rows_of_houses(self, roads: Sequence[Shape]) -> None:
        """Build along the roads where there is room: from lone houses to streets without a gap."""
        density = self.rng.uniform(0.0, 1.0) ** 0.7
        deep = self.rng.uniform(6.0, 14.0)
        gap_m = self.rng.uniform(0.0, 8.0)
        num_rows = int(self.rng.integers(1, 4))
        for road in roads:
            front = (road.width_m / 2 + self.rng.uniform(1.0, 7.0)) * self.px
            for point_2, along_2 in walk(road.points_N2, (deep + gap_m) * self.px):
                for side in (-1.0, 1.0):
                    for row in range(num_rows):
                        if self.rng.random() > density:
                            continue
                        wide, depth = deep * self.rng.uniform(0.6, 1.2, 2) * self.px
                        away_2 = across(along_2) * side
                        centre_2 = point_2 + away_2 * (front + depth / 2 + row * (deep + gap_m) * self.px)
                        outline_N2 = centre_2 + box(wide, depth) @ np.array([along_2, away_2])
                        if self._free(outline_N2, (LAND, VEGETATION)):
                            self._house(outline_N2)

    def _cars(self, roads: Sequence[Shape]) -> None:
        traffic = self.rng.uniform(0.0, 0.5)
        for road in roads:
            for point_2, along_2 in walk(road.points_N2, 12.0 * self.px):
                if road.width_m > 5 and self.rng.random() < traffic:
                    away_2 = across(along_2)
                    aside = self.rng.uniform(-0.7, 0.7) * road.width_m * self.px  # beyond 0.5: parked on the verge
                    long = self.rng.uniform(3.5, 9.0) * self.px
                    outline_N2 = point_2 + away_2 * aside + box(long, 1.9 * self.px) @ np.array([along_2, away_2])
                    self.canvases[0].polygon(flat(outline_N2), self.mood.surface("car"))

    def _trees(self, roads: Sequence[Shape]) -> None:
        """Scatter crowns; those over a road or a roof hide it, and it stays what it is."""
        crowns = Image.new("L", self.classes.size)
        pen = ImageDraw.Draw(crowns)
        count = int(self.wooded**2 * 900)
        places = list(self.rng.uniform(0, self.side, (count, 2)))
        for road in roads:
            for point_2, along_2 in walk(road.points_N2, 14.0 * self.px):
                if self.rng.random() < self.wooded * 0.5:
                    away_2 = across(along_2) * self.rng.choice([-1.0, 1.0])
                    places.append(point_2 + away_2 * (road.width_m / 2 + self.rng.uniform(0.5, 4.0)) * self.px)
        for place_2 in places:
            radius = self.rng.uniform(1.2, 5.0) * self.px
            if not self._free(place_2 + box(1.0, 1.0), (LAND, VEGETATION)):
                continue
            blob_N2 = place_2 + radius * round_outline(self.rng)
            self.canvases[0].polygon(flat(blob_N2), self.mood.surface("wood", "tree"))
            pen.polygon(flat(blob_N2), 255)
            self.standing.append(Standing(blob_N2, radius / self.px))
        open_ground = self.classes.point([255 if each in (LAND, VEGETATION) else 0 for each in range(256)])
        self.classes.paste(VEGETATION, mask=ImageChops.multiply(crowns, open_ground))

    def _picture(self) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """Colour the surfaces, lay shadows, average to pixels, blur as a lens does."""
        rgb_HW3 = self.mood.paint(np.asarray(self.surfaces))
        depth = self.rng.uniform(0.25, 0.75)
        shade_HW = softened(shadows(self.classes, self.standing, self.px, self.rng), 1.0)
        rgb_HW3 *= 1.0 - depth * shade_HW[..., None]
        rgb_HW3 = rgb_HW3 * self.rng.uniform(0.8, 1.1) + self.rng.uniform(-8.0, 20.0)
        image = Image.fromarray(np.asarray(np.clip(rgb_HW3 + 0.5, 0, 255), np.uint8)).reduce(FINE)
        image = image.filter(ImageFilter.GaussianBlur(self.rng.uniform(0.2, 0.9)))
        return np.array(image), np.array(self.classes)[FINE // 2 :: FINE, FINE // 2 :: FINE]

    def _fill(self, outline_N2: Points, surface: int, class_id: int) -> None:
        if len(outline_N2) > 2:
            for canvas, value in zip(self.canvases, (surface, class_id), strict=True):
                canvas.polygon(flat(outline_N2), value)

    def _line(self, shape: Shape, surface: int, class_id: int, *, widened_m: float = 0.0) -> None:
        width = max(1, round((shape.width_m + widened_m) * self.px))
        ends_N2 = shape.points_N2[[0, -1]]
        for canvas, value in zip(self.canvases, (surface, class_id), strict=True):
            canvas.line(flat(shape.points_N2), value, width, joint="curve")
            for end_2 in ends_N2:
                canvas.ellipse(flat(np.stack([end_2 - width / 2, end_2 + width / 2])), value)

    def _free(self, outline_N2: Points, classes: Sequence[int]) -> bool:
        """Say whether corners, middles of sides and centre lie in the picture and on these classes."""
        probes_N2 = np.concatenate([outline_N2, (outline_N2 + np.roll(outline_N2, 1, 0)) / 2, outline_N2.mean(0)[None]])
        if probes_N2.min() < 0 or probes_N2.max() >= self.side - 1:
            return False
        return all(self.classes.getpixel((int(x), int(y))) in classes for x, y in probes_N2)
