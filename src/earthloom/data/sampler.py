"""Training crops as a pure function of (seed, step, index).

Pack by weight, scene by area, then a crop whose ground the network sees at `gsd_m` times a random scale.
The crop is resampled once, from the file's own pixels (bilinear, anti-aliased when shrinking, as the map
verb does), labels by nearest neighbour; ground beyond the scene is mirrored and unlabelled.

Letters: H W pixels of a crop, 3 RGB.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from earthloom.data.augment import Looks, change, resurface
from earthloom.data.pairs import Pair, Palette, image_size
from earthloom.data.scenes import Scene, Scenes
from earthloom.errors import DataError

TRIES = 6
LABELLED_SHARE = 0.05
"""A crop with fewer labelled pixels teaches nothing and is drawn again, up to `TRIES` times."""

TONED_SHARE = 0.01
"""A crop with more of the classes of `Cropping.toned_ids` never has dark and bright exchanged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cropping:
    """What a crop looks like."""

    size_px: int
    """Side of the square the network sees."""

    gsd_m: float | None
    """Ground resolution the network is made for; None: pixels as they are."""

    scale: tuple[float, float]
    """Lowest and highest factor on `gsd_m`, drawn evenly on a log scale; (1, 1) for none."""

    looks: Looks | None
    """Colour augmentation; None leaves colours alone (maps)."""

    surface_id: int | None = None
    """Class that `Looks.resurfaced` is about; None for none."""

    toned_ids: tuple[int, ...] = ()
    """Classes known by how dark they are, water say: `Looks.inverted` spares them."""


@dataclass(frozen=True, slots=True, eq=False)
class Crop:
    """One training sample."""

    rgb_HW3: NDArray[np.uint8]
    """Image."""

    sets_HW: NDArray[np.uint8]
    """Class sets."""

    map_HW3: NDArray[np.uint8]
    """The map in colours; black where unknown."""


class Sampler:
    """Draws crops from scenes. For one thread."""

    def __init__(
        self, pairs: Sequence[Pair], *, cropping: Cropping, palette: Palette, weights: Mapping[str, float], seed: int
    ) -> None:
        """Look at the sizes of all pairs; scenes are decoded when a crop needs them.

        Args:
            pairs: What to draw from.
            cropping: What a crop looks like.
            palette: Map colours in id order.
            weights: Share of a pack by its name; a pack not named weighs 1.
            seed: Of all draws.

        Raises:
            DataError: If there is nothing to draw from, or a file cannot be read.
        """
        self.cropping, self.palette, self.seed = cropping, palette, seed
        self._weights = {pair.pack: float(weights.get(pair.pack, 1.0)) for pair in pairs}
        if not any(weight > 0 for weight in self._weights.values()):
            raise DataError(
                f"no pairs to train on (packs: {sorted(self._weights) or 'none'}); give one a weight above 0"
            )
        self.scenes = Scenes([pair for pair in pairs if self._weights[pair.pack] > 0], palette)

    @cached_property
    def _shares(self) -> NDArray[np.float64]:
        """Upper edges of every scene's share of [0, 1): pack weight times share of the pack's area."""
        pairs = self.scenes.pairs
        areas = [width * height for width, height in (image_size(pair.image) for pair in pairs)]
        packs: dict[str, int] = {}
        for pair, area in zip(pairs, areas, strict=True):
            packs[pair.pack] = packs.get(pair.pack, 0) + area
        shares = [self._weights[p.pack] * area / packs[p.pack] for p, area in zip(pairs, areas, strict=True)]
        edges = np.array(list(accumulate(shares)))
        return np.asarray(edges / edges[-1])

    def crop(self, step: int, index: int) -> Crop:
        """Draw sample `index` of step `step`; equal arguments give equal bytes."""
        rng = np.random.default_rng([self.seed, step, index])
        scene = self.scenes[int(np.searchsorted(self._shares, rng.random(), side="right"))]
        crop = self._labelled(scene, rng)
        rgb_HW3 = crop.rgb_HW3 if self.cropping.looks is None else self._changed(crop, self.cropping.looks, rng)
        turns, mirrored = int(rng.integers(4)), bool(rng.integers(2))
        return Crop(
            turned(rgb_HW3, turns, mirrored),
            turned(crop.sets_HW, turns, mirrored),
            turned(crop.map_HW3 if scene.map_HW3 is not None else self._painted(crop.sets_HW), turns, mirrored),
        )

    def _changed(self, crop: Crop, looks: Looks, rng: np.random.Generator) -> NDArray[np.uint8]:
        """Give a crop another look, its roads first another surface where the draw says so."""
        rgb_HW3, surface_id = crop.rgb_HW3, self.cropping.surface_id
        if surface_id is not None and rng.random() < looks.resurfaced:
            surface_HW = crop.sets_HW == 1 << (surface_id - 1)
            if surface_HW.any():
                rgb_HW3 = resurface(rgb_HW3, surface_HW, rng)
        toned_HW = np.isin(crop.sets_HW, [1 << (each - 1) for each in self.cropping.toned_ids])
        if toned_HW.mean() > TONED_SHARE:
            looks = replace(looks, inverted=0.0)
        return change(rgb_HW3, looks, rng)

    def _labelled(self, scene: Scene, rng: np.random.Generator) -> Crop:
        """Cut until some of the crop is labelled; the last try counts as it is."""
        low, high = np.log(self.cropping.scale)
        for _ in range(TRIES):
            crop = _cut(scene, self.cropping, float(np.exp(rng.uniform(low, high))), rng)
            if np.count_nonzero(crop.sets_HW) >= LABELLED_SHARE * crop.sets_HW.size:
                break
        return crop

    def _painted(self, sets_HW: NDArray[np.uint8]) -> NDArray[np.uint8]:
        table = np.zeros((256, 3), np.uint8)
        for index, colour in enumerate(self.palette):
            table[1 << index] = colour
        return table[sets_HW]


def resample(pixels: NDArray[np.uint8], size: tuple[int, int], *, smooth: bool) -> NDArray[np.uint8]:
    """Resize an array to `(width, height)`: bilinear for imagery, nearest for labels."""
    method = Image.Resampling.BILINEAR if smooth else Image.Resampling.NEAREST
    return np.array(Image.fromarray(pixels).resize(size, method))


def turned(pixels: NDArray[np.uint8], turns: int, mirrored: bool) -> NDArray[np.uint8]:
    """Turn an array by quarters, then mirror it left to right if told so."""
    quarters = np.rot90(pixels, turns)
    return np.ascontiguousarray(quarters[:, ::-1] if mirrored else quarters)


def _cut(scene: Scene, cropping: Cropping, factor: float, rng: np.random.Generator) -> Crop:
    zoom = 1.0 if cropping.gsd_m is None or scene.pair.gsd_m is None else cropping.gsd_m / scene.pair.gsd_m
    side = max(1, round(cropping.size_px * zoom * factor))
    height, width = scene.sets_HW.shape
    row = int(rng.integers(max(1, height - side + 1)))
    col = int(rng.integers(max(1, width - side + 1)))
    area = (slice(row, row + side), slice(col, col + side))
    return Crop(
        _fit(scene.rgb_HW3[area], side, cropping.size_px, smooth=True),
        _fit(scene.sets_HW[area], side, cropping.size_px, smooth=False),
        _fit((scene.rgb_HW3 if scene.map_HW3 is None else scene.map_HW3)[area], side, cropping.size_px, smooth=False),
    )


def _fit(pixels: NDArray[np.uint8], side: int, size_px: int, *, smooth: bool) -> NDArray[np.uint8]:
    """Bring a cut of at most `side` pixels to `size_px`; missing ground is mirrored (imagery) or 0 (labels)."""
    missing = [(0, side - length) for length in pixels.shape[:2]]
    if any(after for _, after in missing):
        edges = missing + [(0, 0)] * (pixels.ndim - 2)
        pixels = np.pad(pixels, edges, mode="symmetric" if smooth else "constant")
    return pixels if side == size_px else resample(pixels, (size_px, size_px), smooth=smooth)
