"""A step that changes nothing, woven through every sink, gives what rasterio reads from the image."""

import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import rasterio
from numpy.typing import NDArray
from PIL import Image
from pmtiles.reader import MmapSource, all_tiles

from earthloom.execution.executor import Threads
from earthloom.geo.grid import Grid
from earthloom.geo.tiles import web_mercator_grid
from earthloom.geo.windows import Window
from earthloom.io.inputs import inspect
from earthloom.io.sinks import Level, write
from earthloom.loom.layer import Layer, StepFunction
from earthloom.loom.loom import Loom
from earthloom.loom.store import Store

RGBA = NDArray[np.uint8]
Tiles = Iterator[tuple[tuple[int, int, int], bytes]]


@dataclass(frozen=True)
class Same:
    identity: str = "same"

    def load(self) -> StepFunction:
        return lambda sights: [sight.inputs[0] for sight in sights]


def of_rasterio(path: Path) -> RGBA:
    with rasterio.open(path) as file:
        mask = file.dataset_mask()
        return np.concatenate([file.read([1, 2, 3]) * (mask > 0), mask[None]])


def of_pmtiles(path: Path) -> Tiles:
    with path.open("rb") as file:
        yield from all_tiles(MmapSource(file))


def of_mbtiles(path: Path) -> Tiles:
    database = sqlite3.connect(path)
    for z, x, south, data in database.execute("SELECT zoom_level, tile_column, tile_row, tile_data FROM tiles"):
        yield (z, x, 2**z - 1 - south), data
    database.close()


def of_folder(path: Path) -> Tiles:
    for file in path.glob("*/*/*.png"):
        z, x, y = (int(part) for part in file.with_suffix("").parts[-3:])
        yield (z, x, y), file.read_bytes()


TILES: dict[str, Callable[[Path], Tiles]] = {".pmtiles": of_pmtiles, ".mbtiles": of_mbtiles, "": of_folder}


def stitched(tiles: Tiles, window: Window) -> RGBA:
    """Lay the tiles of zoom 17 side by side, and return the pixels of a window."""
    result = np.zeros((4, window.height, window.width), np.uint8)
    for (z, x, y), data in tiles:
        assert z == 17
        place = Window(512 * x, 512 * y, 512, 512)
        part = window.intersection(place)
        here, there = part.slices_in(window), part.slices_in(place)
        with Image.open(BytesIO(data)) as image:
            pixels = np.asarray(image.convert("RGBA")).transpose(2, 0, 1)
        result[:, *here] = pixels[:, *there]
    return result


@pytest.mark.parametrize("name", ["same.tif", "same.png", "same.pmtiles", "same.mbtiles", "same"])
def test_nothing_is_changed_from_file_to_file(image: Path, tmp_path: Path, name: str) -> None:
    grid: Grid = web_mercator_grid(17)
    source = inspect(image).on(grid)
    window = source.grid.extent
    assert window is not None
    layer = Layer(name="same", grid=source.grid, inputs=(source,), step=Same(), block_px=128, halo_px=5)
    with Store(tmp_path / "blocks") as store:
        loom = Loom(store, Threads(2))
        loom.make(layer, window)
        level = Level(17, loom.open(layer), window)
        write(tmp_path / name, [level], tags={}, overwrite=False)
    read = TILES.get(Path(name).suffix)
    found = of_rasterio(tmp_path / name) if read is None else stitched(read(tmp_path / name), window)
    np.testing.assert_array_equal(found, of_rasterio(image))
