"""Pictures in columns under their titles, as one PNG.

Letters: H W pixels, 3 RGB.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from PIL.PngImagePlugin import PngInfo

from earthloom.io.staging import staged

Columns = Mapping[str, Sequence[NDArray[np.uint8]]]
"""Title and pictures `(H, W, 3)` from top to bottom, as many in every column."""

GAP_PX, TITLE_PX = 8, 26
PAPER, INK = (255, 255, 255), (40, 40, 40)


def draw_panels(columns: Columns, path: Path, *, side_px: int, tags: Mapping[str, str]) -> Path:
    """Draw square pictures, a row each place, smaller ones enlarged without smoothing.

    Args:
        columns: What to draw.
        path: The PNG to write.
        side_px: Of every picture as it is drawn.
        tags: Text that the file carries.

    Raises:
        SinkError: If it cannot be written.
    """
    pitch_px, num_rows = side_px + GAP_PX, max(map(len, columns.values()))
    sheet = Image.new("RGB", (pitch_px * len(columns) + GAP_PX, pitch_px * num_rows + TITLE_PX + GAP_PX), PAPER)
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(16)
    for index, (title, pictures) in enumerate(columns.items()):
        left = GAP_PX + index * pitch_px
        draw.text((left, 5), title, fill=INK, font=font)
        for row, picture_HW3 in enumerate(pictures):
            image = Image.fromarray(picture_HW3).resize((side_px, side_px), Image.Resampling.NEAREST)
            sheet.paste(image, (left, TITLE_PX + row * pitch_px))
    info = PngInfo()
    for key, value in tags.items():
        info.add_text(key, value)
    with staged(path) as stage:
        sheet.save(stage / path.name, optimize=True, pnginfo=info)
    return path
