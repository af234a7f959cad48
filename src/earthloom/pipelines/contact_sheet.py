"""One picture that shows an image and its maps side by side, over the same ground."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from PIL.PngImagePlugin import PngInfo

from earthloom.geo.windows import Window
from earthloom.io.sinks import Level
from earthloom.io.staging import staged

PANEL_PX = 640
_COLUMNS = 3
_GAP_PX = 12
_TITLE_PX = 34
_PAPER = (255, 255, 255)
_INK = (40, 40, 40)


def contact_sheet(panels: Sequence[tuple[str, Level]], path: Path, tags: Mapping[str, str]) -> None:
    """Draw panels in rows of three, masked ground white.

    Args:
        panels: Title and what to show; each over the same ground, at its own resolution.
        path: The PNG to write; it gets its name when it is whole.
        tags: Text that it carries: the provenance of the maps.

    Raises:
        SinkError: If it cannot be written.
    """
    images = [(title, _shrunk(level)) for title, level in panels]
    wide = max(image.width for _, image in images) + _GAP_PX
    high = max(image.height for _, image in images) + _TITLE_PX + _GAP_PX
    num_rows = -(-len(images) // _COLUMNS)
    sheet = Image.new("RGB", (wide * min(len(images), _COLUMNS) + _GAP_PX, high * num_rows), _PAPER)
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(20)
    for i, (title, image) in enumerate(images):
        left, top = _GAP_PX + wide * (i % _COLUMNS), high * (i // _COLUMNS)
        draw.text((left, top + 6), title, fill=_INK, font=font)
        sheet.paste(image, (left, top + _TITLE_PX))
    text = PngInfo()
    for key, value in tags.items():
        text.add_itxt(key, value)
    with staged(path) as stage:
        sheet.save(stage / path.name, optimize=True, pnginfo=text)


def _shrunk(level: Level) -> Image.Image:
    """Return a level with its longer side `PANEL_PX`: averaged down tile by tile, or enlarged without smoothing."""
    window = level.window
    factor = max(1, -(-max(window.width, window.height) // PANEL_PX))
    rows = [_averaged_row(level, row, factor) for row in range(window.row, window.bottom, 512 // factor * factor)]
    image = Image.fromarray(np.concatenate(rows))
    scale = PANEL_PX / max(image.size)
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    return image.resize(size, Image.Resampling.NEAREST if scale > 1 else Image.Resampling.BILINEAR)


def _averaged_row(level: Level, row: int, factor: int) -> NDArray[np.uint8]:
    step = 512 // factor * factor
    window = level.window
    strip = Window(window.col, row, window.width, min(step, window.bottom - row))
    raster = level.source.read(strip)
    shown = np.where(raster.mask, raster.pixels[:3], np.uint8(255)).transpose(1, 2, 0)
    image = Image.fromarray(np.ascontiguousarray(shown))
    return np.asarray(image.reduce(factor) if factor > 1 else image)
