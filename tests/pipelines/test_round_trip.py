"""From any kind of source, through a map, to any kind of output, and back in as a source: equal pixels, equal place."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

import earthloom
from earthloom.geo.tiles import web_mercator_grid
from earthloom.geo.windows import Window
from earthloom.io.inputs import inspect
from earthloom.io.sinks import Level, write
from earthloom.io.stac import About, item_of

SOURCES = ["town.tif", "town.png", "town.pmtiles", "town.mbtiles", "town", "town.tif.stac.json"]
OUTPUTS = ["map.tif", "map.png", "map.pmtiles", "map.mbtiles", "map"]


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory, image: Path) -> Path:
    """The image as a source of every kind, on the pixels of zoom 17."""
    folder, grid = tmp_path_factory.mktemp("ground"), web_mercator_grid(17)
    source = inspect(image).on(grid)
    assert source.grid.extent is not None
    corner = source.grid.extent
    level = Level(17, source, Window(corner.col, corner.row, 300, 260))
    tags = {"EARTHLOOM_MODEL": "none", "EARTHLOOM_MODEL_SHA256": "none", "EARTHLOOM_TORCH": "2.6.0"}
    about = About(when=datetime(2021, 3, 4, tzinfo=UTC), architecture="none", tasks=())
    for name in SOURCES[:-1]:
        write(folder / name, [level], tags=tags, about=about, overwrite=False)
    return folder


@pytest.mark.parametrize("given", SOURCES)
def test_a_map_comes_back_as_it_was(ground: Path, tiny_series: Path, tmp_path: Path, given: str) -> None:
    draw = earthloom.load(str(tiny_series), device="cpu", workers=2)
    drawn = draw(ground / given, zooms=(17, 16))
    for name in OUTPUTS:
        files = drawn.save(tmp_path / name)
        for number, level in enumerate(drawn.levels):
            back = inspect(files[number] if len(files) > 1 else item_of(files[0])).on(level.source.grid)
            expected, found = level.source.read(level.window), back.read(level.window)
            assert np.array_equal(found.mask, expected.mask), (name, level.zoom)
            assert np.array_equal(found.pixels, np.where(expected.mask, expected.pixels, 0)), (name, level.zoom)
