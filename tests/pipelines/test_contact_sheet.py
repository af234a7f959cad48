from pathlib import Path

import numpy as np
from PIL import Image

from earthloom.io.describe import describe
from earthloom.io.inputs import inspect
from earthloom.io.sinks import Level
from earthloom.pipelines.contact_sheet import PANEL_PX, contact_sheet
from earthloom.pipelines.series import map_grid, map_window

TAGS = {"SYNTHETIC": "true", "EARTHLOOM_PARAMETERS": '{"name": "Å"}'}


def test_panels_stand_side_by_side_over_white(image: Path, tmp_path: Path) -> None:
    imagery = inspect(image)
    panels = [
        (f"z{zoom}", Level(zoom=zoom, source=imagery.on(map_grid(imagery, zoom)), window=map_window(imagery, zoom)))
        for zoom in (17, 15)
    ]
    contact_sheet(panels, tmp_path / "sheet.png", TAGS)
    assert [path.name for path in tmp_path.iterdir()] == ["sheet.png"]
    assert describe(tmp_path / "sheet.png")["tags"] == TAGS
    with Image.open(tmp_path / "sheet.png") as sheet:
        pixels = np.asarray(sheet.convert("RGB"))
    assert 2 * PANEL_PX < pixels.shape[1] < 2 * PANEL_PX + 60
    assert pixels.shape[0] > PANEL_PX * 600 / 700
    hole = pixels[34 + 230 * PANEL_PX // 700, 12 + 360 * PANEL_PX // 700]
    assert hole.tolist() == [255, 255, 255]
