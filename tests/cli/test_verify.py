"""A map is what it says, until somebody changes it, its image or its weights."""

import json
import shutil
import sqlite3
from pathlib import Path

import numpy as np
import pytest
import rasterio
from PIL import Image
from typer.testing import CliRunner

from earthloom.cartography.style import STYLE
from earthloom.cli.main import app
from earthloom.errors import SourceError
from earthloom.models.pix2pixhd.config import PRESETS
from earthloom.models.registry import build
from earthloom.models.weights import save


def run(*words: object) -> tuple[int, str]:
    result = CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)
    return result.exit_code, result.stdout


@pytest.fixture(scope="module")
def maps(tmp_path_factory: pytest.TempPathFactory, image: Path, tiny_series: Path) -> Path:
    """Draw a town as every kind of file, beside its image."""
    folder = tmp_path_factory.mktemp("maps")
    shutil.copy(image, folder / "town.tif")
    with rasterio.open(image) as file:
        Image.fromarray(file.read()[:, :300, :280].transpose(1, 2, 0)).save(folder / "photo.png")
    weights = ("--model", tiny_series, "-j", "1", "--zooms", "15..17")
    outputs = [folder / name for name in ("map.tif", "map.pmtiles", "map.mbtiles", "map")]
    assert run("map", folder / "town.tif", *outputs, *weights)[0] == 0
    assert run("map", folder / "photo.png", folder / "plain.png", "--gsd", "0.7", *weights)[0] == 0
    with rasterio.open(image) as file:
        left, _, _, top = file.bounds
    bounds = f"{left + 60},{top - 300},{left + 300},{top - 100}"
    assert run("map", folder / "town.tif", folder / "part.tif", "--bounds", bounds, *weights)[0] == 0
    return folder


@pytest.mark.parametrize(
    "name", ["map.tif", "map_z16.tif", "map_z15.tif", "map.pmtiles", "map.mbtiles", "map", "part.tif", "plain_z16.png"]
)
def test_a_map_is_what_it_says(maps: Path, name: str) -> None:
    code, said = run("verify", maps / name, "--blocks", "3", "-j", "1", "--json")
    facts = json.loads(said)
    assert (code, facts["holds"], facts["differs"]) == (0, True, {})
    assert 1 <= len(facts["blocks"]) <= 3
    zooms = {block["zoom"] for block in facts["blocks"]}
    if "_z" in name:
        assert zooms == {int(name.split("_z")[1][:2])}
    assert all(block["differing"] == 0 < block["pixels"] for block in facts["blocks"])


def test_changed_pixels_are_found_and_counted(maps: Path, tmp_path: Path) -> None:
    for name in ("town.tif", "map.tif"):
        shutil.copy(maps / name, tmp_path / name)
    with rasterio.open(tmp_path / "map.tif", "r+", IGNORE_COG_LAYOUT_BREAK="YES") as file:
        pixels = file.read()
        block = np.where(file.dataset_mask()[250:300, 250:300] > 0, 255 - pixels[:, 250:300, 250:300], 0)
        file.write(block.astype(np.uint8), window=rasterio.windows.Window(250, 250, 50, 50))
    code, said = run("verify", tmp_path / "map.tif", "--blocks", "9", "-j", "1")
    assert code == 1
    assert "pixels differ" in said
    assert said.endswith("the file is not what it says\n")


def test_another_image_and_other_weights_are_named(maps: Path, tmp_path: Path, tiny_series: Path) -> None:
    with rasterio.open(maps / "town.tif") as file:
        profile, pixels = file.profile, file.read()
    pixels[:, 400:, :300] = 7
    with rasterio.open(tmp_path / "other.tif", "w", **profile) as file:
        file.write(pixels)
    code, said = run("verify", maps / "map.tif", "--input", tmp_path / "other.tif", "--blocks", "9", "-j", "1")
    assert code == 1
    assert "EARTHLOOM_INPUT_SHA256: the file says" in said
    other = shutil.copytree(tiny_series, tmp_path / "weights")
    config = PRESETS["tiny"]
    meta = {"palette": [list(rgb) for rgb in STYLE.palette], "role": "r2m", "licence": "CC0-1.0"}
    save(other / "r2m-17", config, build(config, "generator", seed=9), meta=meta, overwrite=True)
    code, said = run("verify", maps / "map.tif", "--model", other, "-j", "1")
    assert code == 1
    assert "EARTHLOOM_MODEL_SHA256: the file says" in said


def test_what_lies_beside_the_image_is_named(maps: Path, tmp_path: Path) -> None:
    for name in ("town.tif", "map.tif"):
        shutil.copy(maps / name, tmp_path / name)
    (tmp_path / "town.tif.aux.xml").write_text("<PAMDataset><SRS>EPSG:3857</SRS></PAMDataset>")
    _, said = run("verify", tmp_path / "map.tif", "-j", "1", "--blocks", "1")
    assert "EARTHLOOM_INPUT_SIDECARS_SHA256: the file says nothing" in said


def test_what_cannot_be_verified_is_refused(maps: Path, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="carries no provenance to weave it again by"):
        run("verify", maps / "town.tif")
    shutil.copy(maps / "map.tif", tmp_path / "map.tif")
    with pytest.raises(SourceError, match=r"town.tif: no such file, and .* name the image with --input"):
        run("verify", tmp_path / "map.tif")
    with rasterio.open(maps / "map.tif") as file:
        profile = {**file.profile, "height": 100, "driver": "GTiff"}
        tags, pixels = file.tags(), file.read()[:, :100]
    with rasterio.open(tmp_path / "cut.tif", "w", **profile) as file:
        file.write(pixels)
        file.update_tags(**tags)
    with pytest.raises(SourceError, match=r"cut.tif: was cut, resampled or parted from"):
        run("verify", tmp_path / "cut.tif", "--input", maps / "town.tif")
    shutil.copy(maps / "map.mbtiles", tmp_path / "odd.mbtiles")
    with sqlite3.connect(tmp_path / "odd.mbtiles") as database:
        database.execute("UPDATE metadata SET value = '{}' WHERE name = 'EARTHLOOM_PARAMETERS'")
    with pytest.raises(SourceError, match="carries no provenance to weave it again by"):
        run("verify", tmp_path / "odd.mbtiles", "--input", maps / "town.tif")
