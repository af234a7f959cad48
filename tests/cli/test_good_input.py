"""Odd but honest images become maps."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from PIL import Image
from rasterio.transform import Affine
from typer.testing import CliRunner

from earthloom.cli.main import app
from earthloom.io.inputs import inspect
from earthloom.io.sinks import Level
from earthloom.io.sinks import write as save
from earthloom.pipelines.series import map_grid, map_window

RNG = np.random.default_rng(0)
COLOURS = RNG.integers(1, 255, (3, 33, 41), dtype=np.uint8)
HOLED = np.where(RNG.random((33, 41)) < 0.3, np.float32(np.nan), COLOURS.astype(np.float32))

CASES: dict[str, tuple[np.ndarray, dict[str, Any], list[str], float]] = {
    "one pixel": (COLOURS[:, :1, :1], {}, [], 1.0),
    "odd size": (COLOURS[:, :7, :5], {}, [], 1.0),
    "grey": (COLOURS[:1], {}, [], 1.0),
    "palette": (COLOURS[:1], {"photometric": "PALETTE"}, [], 1.0),
    "four bands": (np.concatenate([COLOURS, COLOURS[:1]]), {"alpha": "UNSPECIFIED"}, [], 1.0),
    "five bands picked": (np.concatenate([COLOURS, COLOURS[:2]]), {}, ["--bidx", "5,1,2"], 1.0),
    "uint16": (COLOURS.astype(np.uint16) * 12, {}, ["--scale", "0,3000"], 1.0),
    "NaN undeclared": (HOLED, {}, ["--scale", "0,255"], 0.7),
    "nodata": (np.where(np.isnan(HOLED), 0, HOLED).astype(np.uint8), {"nodata": 0}, [], 0.7),
    "degrees": (COLOURS, {"crs": "EPSG:4326", "transform": Affine(6e-6, 0, 85.5, 0, -6e-6, 27.6)}, [], 1.0),
    "UTM, turned": (COLOURS, {"crs": "EPSG:32645", "transform": Affine(0.5, 0.2, 354000, 0.2, -0.5, 3057000)}, [], 1.0),
}


def write(path: Path, pixels: np.ndarray, profile: dict[str, Any]) -> None:
    bands, height, width = pixels.shape
    usual = {"crs": "EPSG:3857", "transform": Affine(0.6, 0, 9.5e6, 0, -0.6, 3.2e6), "dtype": pixels.dtype.name}
    size = {"driver": "GTiff", "count": bands, "height": height, "width": width}
    with rasterio.open(path, "w", **(usual | profile | size)) as file:
        file.write(pixels)
        if profile.get("photometric") == "PALETTE":
            file.write_colormap(1, {index: (index, 255 - index, 99, 255) for index in range(256)})


@pytest.mark.parametrize("name", CASES)
def test_it_becomes_a_map(name: str, tmp_path: Path, tiny_series: Path) -> None:
    pixels, profile, options, share = CASES[name]
    write(tmp_path / "in.tif", pixels, profile)
    words = [
        "map",
        str(tmp_path / "in.tif"),
        str(tmp_path / "out.tif"),
        "--model",
        str(tiny_series),
        "-j",
        "1",
        *options,
    ]
    result = CliRunner().invoke(app, words, catch_exceptions=False)
    assert result.exit_code == 0
    with rasterio.open(tmp_path / "out.tif") as file:
        shown = (file.dataset_mask() > 0).sum() * file.res[0] ** 2
        assert file.tags()["SYNTHETIC"] == "true"
    assert shown > 0
    if name != "UTM, turned":
        with rasterio.open(tmp_path / "in.tif") as file:
            west, south, east, north = rasterio.warp.transform_bounds(file.crs, "EPSG:3857", *file.bounds)
        assert shown == pytest.approx(share * (east - west) * (north - south), rel=0.2, abs=2)


def test_tiles_give_the_map_their_image_gives(tmp_path: Path, tiny_series: Path) -> None:
    write(tmp_path / "in.tif", COLOURS, {})
    imagery = inspect(tmp_path / "in.tif")
    level = Level(17, imagery.on(map_grid(imagery, 17)), map_window(imagery, 17))
    save(tmp_path / "in.mbtiles", [level], tags={}, overwrite=False)
    for name in ("tif", "mbtiles"):
        outputs = [str(tmp_path / f"{name}_{each}") for each in ("a.tif", "b.pmtiles", "c")]
        words = ["map", str(tmp_path / f"in.{name}"), *outputs, "--model", str(tiny_series), "--zooms", "16..17"]
        assert CliRunner().invoke(app, words, catch_exceptions=False).exit_code == 0
    for zoom in (16, 17):
        window = map_window(imagery, zoom).pad(20)
        kinds = ("a.tif", "b.pmtiles", "c") if zoom == 17 else ("b.pmtiles", "c")
        files = [tmp_path / f"{name}_{kind}" for name in ("tif", "mbtiles") for kind in kinds]
        seen = [inspect(file).on(map_grid(imagery, zoom)).read(window) for file in files]
        assert len({raster.pixels.tobytes() + raster.mask.tobytes() for raster in seen}) == 1
        assert seen[0].mask.any()


@pytest.fixture(scope="module")
def wide(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("wide") / "in.tif"
    write(path, np.broadcast_to(COLOURS[:, :2, :1], (3, 2, 65535)), {"tiled": True})
    return path


def test_a_very_wide_image(tmp_path: Path, tiny_series: Path, wide: Path) -> None:
    words = ["map", str(wide), str(tmp_path / "out.pmtiles"), "--model", str(tiny_series), "--zooms", "17"]
    result = CliRunner().invoke(app, words, catch_exceptions=False)
    assert result.exit_code == 0


@pytest.mark.parametrize(("quiet", "lines"), [([], 1), (["--quiet"], 0)])
def test_quiet_says_no_warnings(
    tmp_path: Path, tiny_series: Path, caplog: pytest.LogCaptureFixture, quiet: list[str], lines: int
) -> None:
    write(tmp_path / "image.tif", COLOURS, {})
    words = [
        "map",
        str(tmp_path / "image.tif"),
        str(tmp_path / "map.tif"),
        "--model",
        str(tiny_series),
        "--zooms",
        "19",
    ]
    assert CliRunner().invoke(app, words + quiet, catch_exceptions=False).exit_code == 0
    assert len(caplog.records) == lines


def test_a_plain_image_gives_plain_images_of_its_extent(tmp_path: Path, tiny_series: Path) -> None:
    Image.fromarray(COLOURS.transpose(1, 2, 0)).save(tmp_path / "photo.jpg")
    words = ["map", str(tmp_path / "photo.jpg"), str(tmp_path / "map.png"), "--gsd", "0.8", "--model", str(tiny_series)]
    result = CliRunner().invoke(app, [*words, "--json"], catch_exceptions=False)
    assert result.exit_code == 0
    assert '"event": "done"' in result.stdout
    for zoom, name in ((17, "map"), (16, "map_z16"), (13, "map_z13")):
        ground_m = 40075016.686 / (512 * 2**zoom)
        size = -(-41 * 0.8 // ground_m), -(-33 * 0.8 // ground_m)
        with Image.open(tmp_path / f"{name}.png") as drawn:
            assert drawn.size == pytest.approx(size, abs=1)


def test_ctrl_c_ends_with_130_and_goes_on(tmp_path: Path, tiny_series: Path, wide: Path) -> None:
    out = tmp_path / "out.mbtiles"
    words = ["map", str(wide), str(out), "--model", str(tiny_series), "-j", "1", "--zooms", "17"]
    command = [sys.executable, "-m", "earthloom", *words]
    process = subprocess.Popen(
        command,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONWARNINGS": "ignore"},
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a suite in the background ignores it
    )
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline and not Path(f"{out}.parts").exists():
        time.sleep(0.005)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=300)
    assert process.returncode == 130, said
    assert "--resume" in said
    assert "Traceback" not in said
    assert not out.exists()
    assert subprocess.run([*command, "--resume"], check=False).returncode == 0
    assert out.exists()
