"""A file on a grid: any window equals the same pixels of a larger read, and the resampling is the textbook's."""

import pickle
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import rasterio
from affine import Affine
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from rasterio.warp import transform

from earthloom.errors import SourceError
from earthloom.geo.grid import Grid
from earthloom.geo.tiles import web_mercator_grid
from earthloom.geo.windows import Window
from earthloom.io import file_source
from earthloom.io import warp as warp_module
from earthloom.io.file_source import FileSource
from earthloom.io.inputs import inspect
from earthloom.io.raster import Raster

PLACES = ["utm", "lonlat", "mercator", "rotated"]


def source_at(kit: SimpleNamespace, place: str, ratio: float, overviews: tuple[int, ...] = ()) -> FileSource:
    """Return a ragged image, about 0.5 m a pixel, on a Web Mercator grid `ratio` times as coarse."""
    path = kit.tiff(
        kit.noisy(3, 231, 287), mask=kit.ragged(231, 287), overviews=overviews, tiled=True, **kit.places[place]
    )
    base = web_mercator_grid(17).transform
    return inspect(path).on(Grid(crs="EPSG:3857", transform=base @ Affine.scale(ratio)))


def whole(source: FileSource, pad_px: int = 9) -> tuple[Raster, Window]:
    extent = source.grid.extent
    assert extent is not None
    return source.read(extent.pad(pad_px)), extent.pad(pad_px)


@pytest.mark.parametrize("overviews", [(), (2, 4)], ids=["plain", "overviews"])
@pytest.mark.parametrize("ratio", [0.3, 1.0, 3.0])
@pytest.mark.parametrize("place", PLACES)
def test_any_window_equals_the_same_pixels_of_a_larger_read(
    kit: SimpleNamespace, monkeypatch: pytest.MonkeyPatch, place: str, ratio: float, overviews: tuple[int, ...]
) -> None:
    monkeypatch.setattr(warp_module, "MAX_BLOCK_PX", 64)  # several blocks of the lattice
    source = source_at(kit, place, ratio, overviews)
    all_of_it, area = whole(source)
    assert all_of_it.mask.any()
    assert not all_of_it.mask.all()

    @settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(data=st.data())
    def check(data: st.DataObject) -> None:
        col = data.draw(st.integers(area.col, area.right - 1))
        row = data.draw(st.integers(area.row, area.bottom - 1))
        window = Window(
            col, row, data.draw(st.integers(1, area.right - col)), data.draw(st.integers(1, area.bottom - row))
        )
        fresh = pickle.loads(pickle.dumps(source))
        with ThreadPoolExecutor(1) as thread:  # a thread with nothing open yet
            part = thread.submit(fresh.read, window).result()
        expected = all_of_it.crop(window, area)
        np.testing.assert_array_equal(part.mask, expected.mask)
        np.testing.assert_array_equal(part.pixels, expected.pixels)

    check()


@pytest.mark.parametrize("ratio", [0.3, 1.0, 3.0])
@pytest.mark.parametrize("place", PLACES)
def test_the_lattice_leaves_no_seam(
    kit: SimpleNamespace, monkeypatch: pytest.MonkeyPatch, place: str, ratio: float
) -> None:
    source = source_at(kit, place, ratio)
    large, _ = whole(source)
    monkeypatch.setattr(warp_module, "MAX_BLOCK_PX", 32)
    with ThreadPoolExecutor(1) as thread:
        small, _ = thread.submit(whole, source).result()
    np.testing.assert_array_equal(large.mask, small.mask)
    different = (large.pixels != small.pixels).sum()
    assert different <= 1e-5 * large.pixels.size + 2  # halves that rounding noise tips
    assert np.abs(large.pixels.astype(int) - small.pixels).max() <= 1


@pytest.mark.parametrize("place", ["utm", "lonlat", "rotated"])
def test_pixels_lie_where_proj_says(kit: SimpleNamespace, place: str) -> None:
    rows, cols = np.mgrid[:200, :240]
    path = kit.tiff(np.stack([cols, rows, cols]).astype(np.uint8), **kit.places[place])
    source = inspect(path).on(web_mercator_grid(18))
    raster, area = whole(source, 0)
    row, col = np.nonzero(raster.mask)
    xs, ys = source.grid.transform_of(area) @ (col + 0.5, row + 0.5)
    found = ~Affine(*kit.places[place]["transform"][:6]) @ tuple(
        map(np.array, transform("EPSG:3857", kit.places[place]["crs"], xs, ys))
    )
    for band, size, expected in zip(raster.pixels[:2], (240, 200), found, strict=True):
        expected = np.clip(expected - 0.5, 0, size - 1)
        assert np.abs(band[row, col] - expected).max() <= 0.5 + 1e-4


def test_the_same_grid_gives_the_files_own_pixels(kit: SimpleNamespace) -> None:
    grid = web_mercator_grid(17)
    place = Window(49495040, 28189696, 300, 213)
    mask = kit.ragged(213, 300)
    path = kit.tiff(kit.noisy(3, 213, 300), mask=mask, crs="EPSG:3857", transform=grid.transform_of(place))
    source = inspect(path).on(grid)
    assert source.grid.extent == place
    raster = source.read(place)
    with rasterio.open(path) as file:
        np.testing.assert_array_equal(raster.mask, file.dataset_mask() > 0)
        np.testing.assert_array_equal(raster.pixels, file.read() * mask)


@pytest.mark.parametrize(("gsd_m", "target_m"), [(0.5, 1.5), (0.6, 0.7), (1.0, 0.4)])
def test_an_image_without_a_place_is_resampled_as_pillow_does(
    kit: SimpleNamespace, gsd_m: float, target_m: float
) -> None:
    pixels = kit.noisy(3, 210, 210)
    imagery = inspect(kit.tiff(pixels), gsd_m=gsd_m)
    size = round(210 * gsd_m / target_m)
    box = (0, 0, size * target_m / gsd_m, size * target_m / gsd_m)
    source = imagery.on(Grid(crs=None, transform=Affine.scale(target_m)))
    raster = source.read(Window(0, 0, size, size))
    resized = Image.fromarray(pixels.transpose(1, 2, 0)).resize((size, size), Image.Resampling.BILINEAR, box)
    inner = (slice(3, -3), slice(3, -3))
    expected = np.asarray(resized).transpose(2, 0, 1)[:, *inner].astype(int)
    assert np.abs(raster.pixels[:, *inner] - expected).max() <= 1
    assert raster.mask[inner].all()


def test_windows_off_the_image_are_masked(kit: SimpleNamespace) -> None:
    source = inspect(kit.tiff(kit.noisy(3, 20, 30)), gsd_m=1).on(Grid(crs=None, transform=Affine.scale(1.0)))
    assert source.grid.extent == Window(0, 0, 30, 20)
    for window in (Window(-50, -60, 10, 10), Window(30, 0, 5, 5), Window(10**9, -(10**9), 3, 4)):
        raster = source.read(window)
        assert raster.pixels.shape == (3, window.height, window.width)
        assert not raster.mask.any()
        assert not raster.pixels.any()
    assert source.read(Window(-2, -2, 34, 24)).mask.sum() == 20 * 30


def test_an_overview_is_read_when_the_image_is_more_than_twice_as_fine(kit: SimpleNamespace) -> None:
    path = kit.tiff(kit.noisy(3, 256, 256), overviews=(2, 4), tiled=True, **kit.places["utm"])
    grids = {
        ratio: Grid(crs="EPSG:32645", transform=kit.places["utm"]["transform"] @ Affine.scale(ratio))
        for ratio in (2, 3, 4, 9)
    }
    chosen = {ratio: inspect(path).on(grid).warp.overview for ratio, grid in grids.items()}
    assert chosen == {2: None, 3: (0, 2), 4: (1, 4), 9: (1, 4)}


def test_identity_follows_everything_that_decides_the_pixels(kit: SimpleNamespace) -> None:
    path = kit.tiff(kit.noisy(3, 20, 30), **kit.places["utm"])
    grid = web_mercator_grid(17)
    base = inspect(path).on(grid)
    assert base.identity == inspect(path).on(grid.within(Window(0, 0, 5, 5))).identity
    assert pickle.loads(pickle.dumps(base)) == base
    others = [
        inspect(path).on(web_mercator_grid(16)),
        inspect(path, bidx=(3, 2, 1)).on(grid),
        inspect(path, scale=(0, 99)).on(grid),
        inspect(kit.tiff(kit.noisy(3, 20, 30, seed=1), name="other.tif", **kit.places["utm"])).on(grid),
    ]
    assert len({base.identity, *(other.identity for other in others)}) == 5


def test_a_place_and_none_do_not_meet(kit: SimpleNamespace) -> None:
    with pytest.raises(SourceError, match="without a place meets only a grid without one"):
        inspect(kit.tiff(kit.noisy(3, 20, 30)), gsd_m=1).on(web_mercator_grid(17))


def test_threads_read_the_same(kit: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(warp_module, "MAX_BLOCK_PX", 32)
    source = source_at(kit, "utm", 1.0)
    all_of_it, area = whole(source)
    windows = [
        Window(col, row, 40, 25) for row in range(area.row, area.bottom - 25, 9) for col in (area.col, area.col + 20)
    ]
    with ThreadPoolExecutor(4) as threads:
        for window, raster in zip(windows, threads.map(source.read, windows), strict=True):
            np.testing.assert_array_equal(raster.pixels, all_of_it.crop(window, area).pixels)


def test_a_wide_image_of_lines_takes_little_memory_and_time(kit: SimpleNamespace) -> None:
    pixels = np.broadcast_to((np.arange(65_535) % 251).astype(np.uint8), (3, 70, 65_535))
    path = kit.tiff(pixels, compress="deflate")
    source = inspect(path, gsd_m=1).on(Grid(crs=None, transform=Affine.scale(1.0)))
    for col in range(0, 65_535, 5000):
        window = Window(col, 3, min(300, 65_535 - col), 60)
        np.testing.assert_array_equal(source.read(window).pixels, pixels[:, 3:63, col : window.right])


def test_a_file_that_vanishes_is_named(kit: SimpleNamespace) -> None:
    path = kit.tiff(kit.noisy(3, 20, 30), **kit.places["utm"])
    source = inspect(path).on(web_mercator_grid(17))
    path.unlink()
    extent = source.grid.extent
    assert extent is not None
    with ThreadPoolExecutor(1) as thread, pytest.raises(SourceError, match=r"image\.tif: cannot be opened any more"):
        thread.submit(source.read, extent).result()


def test_threads_share_what_they_resample(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    profile = {"driver": "GTiff", "dtype": "uint8", "count": 3, "width": 1200, "height": 900, "crs": "EPSG:3857"}
    pixels = np.random.default_rng(0).integers(0, 256, (3, 900, 1200), np.uint8)
    with rasterio.open(tmp_path / "a.tif", "w", transform=Affine(1, 0, 0, 0, -1, 900), **profile) as file:
        file.write(pixels)
    source = inspect(tmp_path / "a.tif").on(Grid(crs="EPSG:3857", transform=Affine(1, 0, 0, 0, -1, 900)))
    resampled: list[Window] = []
    resample = file_source._resample

    def slowly(source: FileSource, window: Window) -> Raster:
        resampled.append(window)
        time.sleep(0.05)
        return resample(source, window)

    monkeypatch.setattr(file_source, "_resample", slowly)
    windows = [Window(col, 100, 700, 700) for col in (0, 300, 500)] * 2
    with ThreadPoolExecutor(3) as pool:
        rasters = list(pool.map(source.read, windows))
    assert len(resampled) == len(set(resampled)) == 6
    for raster, window in zip(rasters, windows, strict=True):
        assert np.array_equal(raster.pixels, pixels[:, *window.slices_in(Window(0, 0, 1200, 900))])


def test_a_block_that_fails_fails_for_all_and_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Image.fromarray(np.full((64, 64, 3), 7, np.uint8)).save(tmp_path / "a.png")
    source = inspect(tmp_path / "a.png", gsd_m=1.0).on(Grid(crs=None, transform=Affine.identity()))

    def fails(source: FileSource, window: Window) -> Raster:
        time.sleep(0.05)
        raise SourceError("no such luck")

    with monkeypatch.context() as patch, ThreadPoolExecutor(2) as pool:
        patch.setattr(file_source, "_resample", fails)
        for waiting in [pool.submit(source.read, Window(0, 0, 9, 9)) for _ in range(2)]:
            with pytest.raises(SourceError, match="no such luck"):
                waiting.result()
    assert (source.read(Window(0, 0, 9, 9)).pixels == 7).all()
