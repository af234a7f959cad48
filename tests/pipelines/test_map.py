import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import rasterio
import torch
from PIL import Image
from rasterio.transform import Affine

from earthloom.cartography.style import STYLE
from earthloom.errors import StoreError, UsageError
from earthloom.execution.executor import Threads
from earthloom.geo.tiles import ground_resolution_m
from earthloom.io.inputs import inspect
from earthloom.loom.loom import Loom
from earthloom.loom.store import Store
from earthloom.pipelines.device import Device
from earthloom.pipelines.map import MapOptions, draw_map, plan_map
from earthloom.pipelines.series import SeriesWeights, choose_zooms

CPU = Device.choose("cpu")
TILES = "select zoom_level, tile_column, tile_row, tile_data from tiles order by 1, 2, 3"


def draw(image: Path, out: Path, series: Path, **changes: object) -> list[Path]:
    options = MapOptions(**({"device": CPU, "workers": 2} | changes))  # type: ignore[arg-type]
    return draw_map(inspect(image), [out], SeriesWeights.read(str(series)), options)


def tiles(path: Path) -> list[tuple[object, ...]]:
    with sqlite3.connect(path) as file:
        return file.execute(TILES).fetchall()


def test_a_pyramid_of_cogs_lies_where_the_image_lies(image: Path, tiny_series: Path, tmp_path: Path) -> None:
    written = draw(image, tmp_path / "map.tif", tiny_series)
    assert sorted(path.name for path in written) == [
        "map.tif",
        "map_z13.tif",
        "map_z14.tif",
        "map_z15.tif",
        "map_z16.tif",
    ]
    with rasterio.open(image) as source, rasterio.open(tmp_path / "map.tif") as map17:
        assert (map17.width, map17.height) == (source.width, source.height)
        np.testing.assert_allclose(map17.bounds, source.bounds, atol=0.01)
        assert np.array_equal(map17.dataset_mask() > 0, source.dataset_mask() > 0)
        drawn = map17.read()[:, map17.dataset_mask() > 0].T
        assert {tuple(rgb) for rgb in np.unique(drawn, axis=0).tolist()} <= set(STYLE.palette)
        top, mask = source.bounds, source.dataset_mask() > 0
    with rasterio.open(tmp_path / "map_z16.tif") as map16:
        assert map16.res[0] == pytest.approx(2 * map17.res[0])
        assert map16.bounds.left <= top.left + 0.01
        assert map16.bounds.bottom <= top.bottom + 0.01
        parents = mask.reshape(300, 2, 350, 2).any(axis=(1, 3))  # the image starts on an even pixel
        assert np.array_equal(map16.dataset_mask() > 0, parents)


def test_bytes_do_not_depend_on_workers_or_batch(image: Path, tiny_series: Path, tmp_path: Path) -> None:
    runs = [{"workers": 1}, {"workers": 2}, {"workers": 2, "batch": 4}]
    for i, changes in enumerate(runs):
        draw(image, tmp_path / f"{i}.mbtiles", tiny_series, **changes)
    first, *others = (tiles(tmp_path / f"{i}.mbtiles") for i in range(len(runs)))
    assert len(first) == 8
    assert all(other == first for other in others)


def test_a_part_equals_the_same_part_of_the_whole(image: Path, tiny_series: Path, tmp_path: Path) -> None:
    draw(image, tmp_path / "whole.tif", tiny_series, zooms=(17, 16))
    with rasterio.open(image) as source:
        left, top = source.transform @ (131, 77)
        right, bottom = source.transform @ (601, 333)
    draw(image, tmp_path / "part.tif", tiny_series, zooms=(16, 17), bounds=(left, bottom, right, top))
    for name in ("", "_z16"):
        with rasterio.open(tmp_path / f"whole{name}.tif") as whole, rasterio.open(tmp_path / f"part{name}.tif") as part:
            window = (
                rasterio.windows.from_bounds(*part.bounds, transform=whole.transform).round_offsets().round_lengths()
            )
            assert part.width == window.width
            inside = np.s_[:, 1:-1, 1:-1] if name else np.s_[:]
            assert np.array_equal(whole.read(window=window)[inside], part.read()[inside])


def test_a_map_beside_a_hole_does_not_depend_on_where_its_blocks_lie(
    tiny_series: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.manual_seed(0)
    wide = torch.nn.Conv2d(3, 5, 49, padding=24)  # sees all of the halo of 24 px
    monkeypatch.setattr("earthloom.pipelines.draw._network", lambda drawer, device: wide)
    rng = np.random.default_rng(0)
    mask = np.ones((1100, 1100), bool)
    mask[512:541] = False  # a block ends above; the ground below fills half of it, but begins beyond the halo
    transform = Affine(ground_resolution_m(17, 0.0), 0, 0, 0, -ground_resolution_m(17, 0.0), 0)
    profile = {"driver": "GTiff", "dtype": "uint8", "count": 3, "width": 1100, "height": 1100, "crs": "EPSG:3857"}
    with (
        rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True),
        rasterio.open(tmp_path / "holes.tif", "w", transform=transform, **profile) as file,
    ):
        file.write(rng.integers(0, 256, (3, 1100, 1100), dtype=np.uint8))
        file.write_mask(mask)
    plan = plan_map(
        inspect(tmp_path / "holes.tif"), SeriesWeights.read(str(tiny_series)), MapOptions(device=CPU, workers=2)
    )
    with Store(tmp_path / "blocks") as store:
        loom = Loom(store, Threads(2))
        for picture in plan.pictures:
            weaves = picture.layer, picture.layer.shifted()
            for weave in weaves:
                loom.make(weave, picture.window)
            maps = [loom.open(weave).read(picture.window) for weave in weaves]
            assert np.array_equal(maps[0].mask, maps[1].mask)
            assert np.array_equal(maps[0].pixels, maps[1].pixels)


def test_killed_and_resumed_gives_the_same_bytes(image: Path, tiny_series: Path, tmp_path: Path) -> None:
    draw(image, tmp_path / "straight.mbtiles", tiny_series)
    out = tmp_path / "killed.mbtiles"
    command = [sys.executable, "-m", "earthloom", "map", str(image), str(out), "--model", str(tiny_series), "-j", "1"]
    process = subprocess.Popen(command, env=os.environ | {"PYTHONWARNINGS": "ignore"}, stderr=subprocess.DEVNULL)
    parts = tmp_path / "killed.mbtiles.parts"
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and not _has_blocks(parts):
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    if not out.exists():
        with pytest.raises(UsageError, match="unfinished run.*--resume.*--overwrite"):
            draw(image, out, tiny_series)
        with pytest.raises(StoreError, match="belongs to another run"):
            draw(image, out, tiny_series, zooms=(17, 16), resume=True)
    draw(image, out, tiny_series, resume=True)
    assert tiles(out) == tiles(tmp_path / "straight.mbtiles")
    assert not list(tmp_path.glob("*.parts*"))


class Killed(BaseException):
    """What no code expects, as little as SIGKILL."""


@pytest.mark.parametrize("suffix", [".tif", ".png"])
def test_killed_while_files_get_their_names_and_resumed(
    image: Path, tiny_series: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    (tmp_path / "straight").mkdir()
    draw(image, tmp_path / f"straight/map{suffix}", tiny_series, zooms=(17, 16))
    names = sorted(path.name for path in (tmp_path / "straight").iterdir())
    folder = tmp_path / "killed"
    folder.mkdir()
    for num_moves in range(1, len(names)):
        left = iter(range(num_moves))

        def replace(made: Path, final: Path, left: Iterator[int] = left) -> None:
            if next(left, None) is None:
                raise Killed
            made.rename(final)

        with monkeypatch.context() as patch:
            patch.setattr("os.replace", replace)
            with pytest.raises(Killed):
                draw(image, folder / f"map{suffix}", tiny_series, zooms=(17, 16), resume=True)
    draw(image, folder / f"map{suffix}", tiny_series, zooms=(17, 16), resume=True)
    assert sorted(path.name for path in folder.iterdir()) == names
    for name in names:
        assert (folder / name).read_bytes() == (tmp_path / "straight" / name).read_bytes()


def test_a_map_that_lost_a_zoom_is_not_finished(image: Path, tiny_series: Path, tmp_path: Path) -> None:
    written = draw(image, tmp_path / "map.tif", tiny_series, zooms=(17, 16))
    before = written[1].read_bytes()
    written[1].unlink()
    assert draw(image, tmp_path / "map.tif", tiny_series, zooms=(17, 16), resume=True) == written
    assert written[1].read_bytes() == before
    assert draw(image, tmp_path / "map.tif", tiny_series, zooms=(17, 16), resume=True) == written
    written[1].write_bytes(b"another's")
    with pytest.raises(UsageError, match="exists: .*--overwrite"):
        draw(image, tmp_path / "map.tif", tiny_series, zooms=(17, 16), resume=True)


def test_a_changed_sidecar_is_another_image(
    image: Path, tiny_series: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    town = tmp_path / "town.png"
    with rasterio.open(image) as file:
        Image.fromarray(file.read().transpose(1, 2, 0)[:90, :90]).save(town)
        a, _, left, _, e, top, *_ = file.transform @ Affine.translation(0.5, 0.5)
        (tmp_path / "town.prj").write_text(file.crs.to_wkt())

    def move(pixels: int) -> None:
        (tmp_path / "town.wld").write_text(f"{a}\n0\n0\n{e}\n{left + pixels * a}\n{top}\n")

    move(0)
    draw(town, tmp_path / "map.mbtiles", tiny_series, zooms=(17, 17))
    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr("earthloom.pipelines.plan.write", kill)
        draw(town, tmp_path / "stopped.mbtiles", tiny_series, zooms=(17, 17))
    move(4)
    with pytest.raises(UsageError, match="--overwrite"):
        draw(town, tmp_path / "map.mbtiles", tiny_series, zooms=(17, 17), resume=True)
    with pytest.raises(StoreError, match="its EARTHLOOM_INPUT_SIDECARS_SHA256 is .*, now it is"):
        draw(town, tmp_path / "stopped.mbtiles", tiny_series, zooms=(17, 17), resume=True)


def kill(*_: object, **__: object) -> None:
    raise Killed


def _has_blocks(parts: Path) -> bool:
    try:
        with sqlite3.connect(f"file:{parts}?mode=ro", uri=True) as file:
            return bool(file.execute("select count(*) from blocks").fetchone()[0] >= 2)
    except sqlite3.Error:
        return False


def test_resume_of_a_finished_output_changes_nothing(image: Path, tiny_series: Path, tmp_path: Path) -> None:
    out = tmp_path / "map.pmtiles"
    draw(image, out, tiny_series, resume=True)
    before = out.read_bytes(), out.stat().st_mtime_ns
    draw(image, out, tiny_series, resume=True)
    draw(image, out, tiny_series, resume=True, overwrite=True)
    assert (out.read_bytes(), out.stat().st_mtime_ns) == before
    with pytest.raises(UsageError, match="--overwrite"):
        draw(image, out, tiny_series)
    with pytest.raises(UsageError, match="--overwrite"):
        draw(image, out, tiny_series, resume=True, zooms=(17, 15))
    draw(image, out, tiny_series, overwrite=True)
    assert out.read_bytes() == before[0]


def test_zooms_follow_the_ground(image: Path, tmp_path: Path) -> None:
    own = choose_zooms(inspect(image), None)
    assert (own.finest, own.coarsest, own.start) == (17, 13, 17)
    asked = choose_zooms(inspect(image), (13, 15))
    assert (asked.finest, asked.coarsest, asked.start) == (15, 13, 17)
    with pytest.raises(UsageError, match="zoom 42"):
        choose_zooms(inspect(image), (13, 42))
