"""Training samples of imagery at several ground resolutions, as a pure function of (seed, step, index).

Letters: H W pixels of a picture, 3 RGB.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from earthloom.data.blocks import level_of
from earthloom.data.catalog import ImageBlock
from earthloom.data.recent import Recent
from earthloom.data.sampler import turned
from earthloom.errors import DataError

Degrade = Callable[[NDArray[np.uint8], np.random.Generator], NDArray[np.uint8]]
"""Makes the coarse version of fine pixels; all chance comes from the generator."""


@dataclass(frozen=True, slots=True, eq=False)
class LevelSample:
    """One training sample."""

    hr_HW3: NDArray[np.uint8]
    """Fine pixels."""

    lr_HW3: NDArray[np.uint8]
    """The same ground, coarse."""

    gsd_m: float
    """Metres per fine pixel."""


class LevelSampler:
    """Draws a level, then one of its blocks, then a crop; levels weigh alike however many blocks they have."""

    def __init__(
        self, blocks: Iterable[ImageBlock], *, levels_m: Sequence[float], size_px: int, degrade: Degrade, seed: int
    ) -> None:
        """Sort the blocks by level; they are decoded when a sample needs them.

        Args:
            blocks: What to draw from; those of no level are left out.
            levels_m: Metres per pixel; see `blocks.level_of`.
            size_px: Side of a sample, at most that of a block.
            degrade: Makes the coarse version.
            seed: Of all draws.

        Raises:
            DataError: If a level has no blocks.
        """
        self.size_px, self.degrade, self.seed = size_px, degrade, seed
        self._levels = tuple(by_level(blocks, levels_m).items())
        for level_m, members in self._levels:
            if not members:
                raise DataError(f"no block has about {level_m:g} m per pixel; leave it out of levels_m or add some")
        self._recent: Recent[ImageBlock, NDArray[np.uint8]] = Recent(ImageBlock.load)

    def sample(self, step: int, index: int) -> LevelSample:
        """Draw sample `index` of step `step`; equal arguments give equal bytes.

        Raises:
            DataError: If a block cannot be read or is smaller than a sample.
        """
        rng = np.random.default_rng([self.seed, step, index])
        _, members = self._levels[int(rng.integers(len(self._levels)))]
        block = members[int(rng.integers(len(members)))]
        crop_HW3 = self._crop(block, rng)
        hr_HW3 = turned(crop_HW3, int(rng.integers(4)), bool(rng.integers(2)))
        return LevelSample(hr_HW3, self.degrade(hr_HW3, rng), block.gsd_m)

    def _crop(self, block: ImageBlock, rng: np.random.Generator) -> NDArray[np.uint8]:
        pixels = self._recent[block]
        room = [length - self.size_px for length in pixels.shape[:2]]
        if min(room) < 0:
            raise DataError(f"{block.image} has {pixels.shape[1]}x{pixels.shape[0]} px, a sample has {self.size_px}")
        row, col = (int(rng.integers(most + 1)) for most in room)
        # A copy: whoever gets a sample may change it, the kept block stays.
        return pixels[row : row + self.size_px, col : col + self.size_px].copy()


def by_level(blocks: Iterable[ImageBlock], levels_m: Sequence[float]) -> dict[float, list[ImageBlock]]:
    """Return the blocks of each level, levels in their order; blocks of no level are left out."""
    found: dict[float, list[ImageBlock]] = {level_m: [] for level_m in levels_m}
    for block in blocks:
        level_m = level_of(block.gsd_m, levels_m)
        if level_m is not None:
            found[level_m].append(block)
    return found
