"""What the made-up ground is made of: colours and grain.

Letters: H W pixels, 3 RGB.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

Rgb = tuple[int, int, int]

COLOURS: Mapping[str, tuple[tuple[Rgb, Rgb], ...]] = {
    "road": (
        ((62, 64, 68), (122, 122, 124)),
        ((105, 102, 98), (165, 160, 152)),
        ((145, 142, 136), (205, 200, 190)),
        ((150, 128, 100), (215, 195, 165)),
    ),
    "land": (
        ((190, 165, 130), (228, 208, 178)),
        ((110, 85, 60), (168, 138, 108)),
        ((130, 124, 116), (184, 176, 166)),
        ((150, 120, 90), (200, 172, 140)),
        ((182, 184, 190), (230, 232, 238)),
    ),
    "green": (
        ((60, 92, 40), (118, 150, 78)),
        ((35, 58, 30), (68, 90, 52)),
        ((112, 115, 68), (158, 155, 102)),
        ((80, 100, 55), (130, 140, 90)),
    ),
    "wood": (((30, 48, 28), (66, 86, 50)), ((50, 70, 38), (90, 108, 62)), ((58, 60, 52), (98, 100, 88))),
    "water": (
        ((66, 76, 56), (112, 116, 88)),
        ((38, 66, 92), (92, 130, 150)),
        ((18, 28, 34), (52, 62, 66)),
        ((2, 8, 4), (32, 50, 32)),
        ((56, 108, 116), (130, 172, 166)),
        ((34, 30, 22), (84, 76, 58)),
        ((84, 82, 52), (140, 136, 98)),
    ),
    "roof": (
        ((180, 180, 176), (240, 240, 236)),
        ((92, 92, 94), (152, 150, 148)),
        ((135, 66, 52), (192, 112, 88)),
        ((92, 72, 58), (142, 116, 96)),
        ((56, 98, 158), (112, 160, 214)),
        ((150, 140, 125), (200, 190, 172)),
        ((70, 100, 80), (120, 150, 125)),
    ),
    "rail": (((105, 92, 82), (150, 136, 122)),),
    "car": (((225, 225, 225), (255, 255, 255)), ((20, 20, 24), (60, 60, 64)), ((150, 30, 30), (200, 60, 50))),
    "paint": (((215, 215, 210), (250, 250, 245)),),
}
"""Families of colours by what they are of, each from its darkest to its lightest."""

GRAINS = ("fine", "middle", "coarse", "crowns", "rows", "ridges")
"""Kinds of grain, each a field over the whole picture with mean 0 and deviation 1."""

GRAIN_OF: Mapping[str, tuple[tuple[str, float, float], ...]] = {
    "road": (("fine", 2, 7), ("coarse", 2, 9)),
    "land": (("fine", 3, 10), ("middle", 0, 10), ("coarse", 4, 16), ("rows", 0, 4)),
    "green": (("fine", 3, 10), ("middle", 2, 12), ("coarse", 3, 14), ("rows", 0, 9), ("ridges", 0, 7)),
    "wood": (("crowns", 9, 22), ("fine", 3, 8)),
    "water": (("fine", 0, 4), ("middle", 0, 5), ("coarse", 1, 12), ("rows", 0, 5), ("ridges", 0, 5)),
    "roof": (("fine", 2, 9), ("middle", 0, 10), ("rows", 0, 5)),
    "rail": (("fine", 4, 10), ("rows", 0, 6)),
    "car": (("fine", 0, 3),),
    "paint": (("fine", 0, 4),),
}
"""Grains of each, with the lowest and highest deviation in grey levels."""


@dataclass(slots=True, kw_only=True)
class Mood:
    """What one scene prefers: a family of colours for each thing, kept by most of its shapes."""

    rng: np.random.Generator
    """Consumed by every choice."""

    loyalty: float
    """Share of the shapes that are of the scene's family."""

    families: dict[str, int] = field(default_factory=dict)
    """Index into `COLOURS` by what was asked, filled as asked."""

    colours: list[NDArray[np.float32]] = field(default_factory=list)
    """Of every surface handed out, by its number."""

    grains: list[NDArray[np.float32]] = field(default_factory=list)
    """Deviation of each of `GRAINS`, by the surface's number."""

    def surface(self, of: str, style: str | None = None) -> int:
        """Mix a surface of a material and return its number; shapes of one `style` are alike."""
        rng, key = self.rng, style or of
        if key not in self.families:
            self.families[key] = int(rng.integers(len(COLOURS[of])))
        family = self.families[key] if rng.random() < self.loyalty else int(rng.integers(len(COLOURS[of])))
        low_3, high_3 = np.array(COLOURS[of][family], np.float32)
        colour_3 = low_3 + (high_3 - low_3) * rng.random() + rng.normal(0.0, 5.0, 3)
        grains = dict.fromkeys(GRAINS, 0.0)
        for name, low, high in GRAIN_OF[of]:
            grains[name] = rng.uniform(low, high)
        return self._add(colour_3, list(grains.values()))

    def shaded(self, surface: int, factor: float) -> int:
        """Return another number of the same surface, lighter (above 1) or darker."""
        return self._add(self.colours[surface] * factor, self.grains[surface])

    def mixed(self, surface: int, other: int, share: float) -> int:
        """Return a number of the first surface with a share of the other's colour; the grain stays."""
        return self._add((1.0 - share) * self.colours[surface] + share * self.colours[other], self.grains[surface])

    def paint(self, surfaces_HW: NDArray[np.int32]) -> NDArray[np.float32]:
        """Colour a picture whose pixels are numbers of surfaces, `(H, W, 3)` in about 0..255."""
        rgb_HW3 = np.array(self.colours, np.float32)[surfaces_HW]
        deviations_SG = np.array(self.grains, np.float32)
        for deviations_S, grain in zip(deviations_SG.T, GRAINS, strict=True):
            if deviations_S.any():
                rgb_HW3 += (deviations_S[surfaces_HW] * _field(grain, surfaces_HW.shape[0], self.rng))[..., None]
        return rgb_HW3

    def _add(self, colour_3: NDArray[np.float32], deviations: object) -> int:
        self.colours.append(np.asarray(colour_3, np.float32))
        self.grains.append(np.asarray(deviations, np.float32))
        return len(self.colours) - 1


def _field(grain: str, size_px: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """Return a field of a grain; sizes are of pixels of 0.3 m."""
    match grain:
        case "fine":
            field_HW = _noise(size_px, 2.0, rng)
        case "middle":
            field_HW = _noise(size_px, 7.0, rng)
        case "coarse":
            field_HW = _noise(size_px, 60.0, rng) + 0.5 * _noise(size_px, 25.0, rng)
        case "crowns":
            field_HW = -np.abs(_noise(size_px, 9.0, rng)) + 0.6 * _noise(size_px, 22.0, rng)
        case "rows":
            field_HW = _stripes(size_px, rng.uniform(4.0, 14.0), rng)
        case _:
            field_HW = _stripes(size_px, rng.uniform(20.0, 50.0), rng) + _noise(size_px, 12.0, rng)
    return np.asarray((field_HW - field_HW.mean()) / field_HW.std(), np.float32)


def _noise(size_px: int, scale_px: float, rng: np.random.Generator) -> NDArray[np.float32]:
    """Smooth noise whose spots are about `scale_px` wide."""
    side = max(2, round(size_px / scale_px))
    coarse = Image.fromarray(rng.standard_normal((side, side), np.float32))
    return np.asarray(coarse.resize((size_px, size_px), Image.Resampling.BICUBIC), np.float32)


def _stripes(size_px: int, period_px: float, rng: np.random.Generator) -> NDArray[np.float32]:
    """Waves in one direction, bent by slow noise."""
    angle = rng.uniform(0.0, np.pi)
    rows_H1, cols_1W = np.ogrid[:size_px, :size_px]
    along_HW = rows_H1 * np.sin(angle) + cols_1W * np.cos(angle) + 6.0 * _noise(size_px, 200.0, rng)
    return np.asarray(np.sin(2.0 * np.pi * along_HW / period_px), np.float32)


def softened(mask: Image.Image, sigma_px: float) -> NDArray[np.float32]:
    """Blur a mask of 0 and 255 to shares of 0..1."""
    return np.asarray(mask.filter(ImageFilter.GaussianBlur(sigma_px)), np.float32) / np.float32(255.0)
