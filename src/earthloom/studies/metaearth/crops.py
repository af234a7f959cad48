"""Real pictures to make again: crops of blocks of imagery, in an order drawn from a seed.

Letters: N pictures, H W pixels, h w coarse pixels, 3 RGB.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from earthloom.data.catalog import ImageBlock
from earthloom.data.degradations import bicubic
from earthloom.data.pairs import image_size
from earthloom.studies.metaearth.study import Study


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Crops:
    """Real pictures of one size, those of one ground resolution together."""

    real_NHW3: NDArray[np.uint8]
    """The pictures."""

    blocks: tuple[ImageBlock, ...]
    """The block each was cut from."""

    @property
    def gsds_m(self) -> tuple[float, ...]:
        """Metres a pixel of each."""
        return tuple(block.gsd_m for block in self.blocks)

    def coarse(self) -> NDArray[np.uint8]:
        """Return them a fourth as fine `(N, h, w, 3)`, by Pillow's bicubic filter."""
        return np.stack([bicubic(picture) for picture in self.real_NHW3])


def cut_crops(blocks: Sequence[ImageBlock], *, side_px: int, num: int, seed: int) -> Crops | None:
    """Cut squares side by side, one of every block before a second of any, blocks and squares in a drawn order.

    Args:
        blocks: Of any size; smaller ones than a square are left out.
        side_px: Of a square.
        num: Most squares to cut.
        seed: Of the order.

    Returns:
        The crops by falling metres a pixel, or None if there is not one.
    """
    rng = np.random.default_rng(seed)
    squares = [
        (turn, rng.random(), block, int(square))
        for block in blocks
        for turn, square in enumerate(rng.permutation(_num_squares(block, side_px)))
    ]
    squares.sort(key=lambda each: each[:2])
    chosen = [each[2:] for each in sorted(squares[:num], key=lambda each: -each[2].gsd_m)]
    if not chosen:
        return None
    pictures = [_load(block, square, side_px) for block, square in chosen]
    return Crops(real_NHW3=np.stack(pictures), blocks=tuple(block for block, _ in chosen))


def held_out_crops(study: Study, level_m: float) -> Crops | None:
    """Return the pictures of a level that tables 1 and 5 make again."""
    return cut_crops(
        study.held_out()[level_m], side_px=study.window_px, num=study.effort.pictures, seed=study.options.seed
    )


def enlarged(pictures_Nhw3: NDArray[np.uint8], factor: int) -> NDArray[np.uint8]:
    """Enlarge pictures by Pillow's bicubic filter, rounded to 8 bits."""
    _, height, width, _ = pictures_Nhw3.shape
    size = factor * width, factor * height
    return np.stack([np.array(Image.fromarray(each).resize(size, Image.Resampling.BICUBIC)) for each in pictures_Nhw3])


def _num_squares(block: ImageBlock, side_px: int) -> int:
    width, height = image_size(block.image)
    return (width // side_px) * (height // side_px)


def _load(block: ImageBlock, square: int, side_px: int) -> NDArray[np.uint8]:
    pixels = block.load()
    row, col = divmod(square, pixels.shape[1] // side_px)
    return pixels[row * side_px : (row + 1) * side_px, col * side_px : (col + 1) * side_px]
