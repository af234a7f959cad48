"""A cascade is what it says: worlds, their spread, parts and averages are woven again from their own provenance."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from PIL import Image
from typer.testing import CliRunner

from earthloom.cli.main import app
from earthloom.errors import SourceError
from earthloom.geo.tiles import tile_transform


def run(*words: object) -> tuple[int, str]:
    result = CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)
    return result.exit_code, result.stdout


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, ground: Path, denoiser: Path) -> Path:
    folder = tmp_path_factory.mktemp("made")
    shutil.copy(ground, folder / "ground.tif")
    with rasterio.open(ground) as file:
        pixels, place = file.read()[:, :9, :7], {"crs": file.crs, "transform": file.transform}
    Image.fromarray(pixels.transpose(1, 2, 0)).save(folder / "plain.png")
    kind = {"driver": "GTiff", "width": 7, "height": 9, "count": 1, "dtype": "uint8", "nbits": 4}
    with rasterio.open(folder / "negative.tif", "w", photometric="MINISWHITE", **kind, **place) as file:
        file.write(pixels[:1] // 16)
    options = ("--model", denoiser, "--steps", 2, "-j", 2, "-q")
    whole = ("--samples", 2, "--uncertainty", "--seed", 3, "--no-consistent")
    assert run("cascade", folder / "ground.tif", folder / "w.tif", *whole, *options)[0] == 0
    bounds = "500112,4199770,500210,4199860"
    part = ("--bounds", bounds, "--res", 6.4, "--phases", 2)
    assert run("cascade", folder / "ground.tif", folder / "part.tif", *part, *options)[0] == 0
    assert run("cascade", folder / "plain.png", folder / "fine.png", "--gsd", 16, *options)[0] == 0
    assert run("cascade", folder / "negative.tif", folder / "grey.tif", *options)[0] == 0
    return folder


@pytest.mark.parametrize("name", ["w.tif", "w_world1.tif", "w_std.tif", "part.tif", "fine.png", "grey.tif"])
def test_a_cascade_is_what_it_says(made: Path, name: str) -> None:
    code, said = run("verify", made / name, "--blocks", 2, "-j", 2, "--json")
    facts = json.loads(said)
    assert (code, facts["holds"], facts["differs"]) == (0, True, {})
    assert all(block["differing"] == 0 < block["pixels"] and block["zoom"] is None for block in facts["blocks"])


def test_a_cascade_of_a_folder_of_tiles_is_what_it_says(denoiser: Path, tmp_path: Path) -> None:
    tile = tmp_path / "tiles/12/2200/1343.png"
    tile.parent.mkdir(parents=True)
    Image.fromarray(np.random.default_rng(0).integers(60, 200, (256, 256, 3), np.uint8)).save(tile)
    left, top = tile_transform(12, 256) @ (2200 * 256, 1343 * 256)
    options = ("--bounds", f"{left},{top - 500},{left + 500},{top}", "--model", denoiser, "--steps", 1, "-q")
    assert run("cascade", tmp_path / "tiles", tmp_path / "fine.tif", *options)[0] == 0
    assert run("verify", tmp_path / "fine.tif", "--blocks", 1)[0] == 0


def test_a_changed_pixel_and_another_seed_are_found(made: Path, tmp_path: Path) -> None:
    for name in ("ground.tif", "w.tif", "w_world1.tif"):
        shutil.copy(made / name, tmp_path / name)
    with rasterio.open(tmp_path / "w.tif", "r+", IGNORE_COG_LAYOUT_BREAK="YES") as file:
        file.write(255 - file.read(window=((70, 71), (90, 91))), window=((70, 71), (90, 91)))
    code, said = run("verify", tmp_path / "w.tif", "--blocks", 99, "-j", 2, "--json")
    assert code == 1
    assert sum(block["differing"] for block in json.loads(said)["blocks"]) == 1
    with rasterio.open(tmp_path / "w_world1.tif", "r+", IGNORE_COG_LAYOUT_BREAK="YES") as file:
        file.update_tags(EARTHLOOM_SEED="3")
    code, said = run("verify", tmp_path / "w_world1.tif", "--blocks", 1, "-j", 2)
    assert code == 1
    assert "pixels differ" in said


def edited(source: Path, out: Path, *, without: str = "", seed: str | None = None, **parameters: Any) -> Path:
    """Copy a cascade with another seed or other parameters in its provenance."""
    with rasterio.open(source) as file:
        tags, profile, pixels = file.tags(), {**file.profile, "driver": "GTiff"}, file.read()
    said = {**json.loads(tags["EARTHLOOM_PARAMETERS"]), **parameters}
    said.pop(without, None)
    with rasterio.open(out, "w", **profile) as file:
        file.write(np.asarray(pixels))
        seeds = {} if seed is None else {"EARTHLOOM_SEED": seed}
        file.update_tags(**{**tags, **seeds, "EARTHLOOM_PARAMETERS": json.dumps(said)})
    return out


def test_erased_ground_is_found(made: Path, tmp_path: Path) -> None:
    with rasterio.open(made / "w.tif") as file:
        tags, pixels, profile = file.tags(), file.read(), {**file.profile, "driver": "GTiff"}
        mask = file.dataset_mask()
    mask[:, 40:] = 0
    with (
        rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True),
        rasterio.open(tmp_path / "w.tif", "w", **profile) as file,
    ):
        file.write(pixels)
        file.write_mask(mask)
        file.update_tags(**tags)
    code, said = run("verify", tmp_path / "w.tif", "--input", made / "ground.tif", "--blocks", 99, "-j", 2, "--json")
    assert code == 1
    lost = [block for block in json.loads(said)["blocks"] if block["differing"]]
    assert all(block["col"] >= 2 for block in lost)
    assert len(lost) > 4


def test_a_picture_that_lost_its_place_is_told(made: Path, denoiser: Path, tmp_path: Path) -> None:
    options = ("--model", denoiser, "--steps", 1, "-j", 2, "-q")
    assert run("cascade", made / "ground.tif", tmp_path / "p.png", *options)[0] == 0
    for name in ("p.pgw", "p.png.aux.xml"):
        (tmp_path / name).unlink()
    with pytest.raises(SourceError, match="p.png: was cut, resampled or parted from its world file since"):
        run("verify", tmp_path / "p.png", "--input", made / "ground.tif")


def test_a_cascade_of_damaged_provenance_is_refused(made: Path, tmp_path: Path) -> None:
    odd = edited(made / "w.tif", tmp_path / "odd.tif", without="sampler")
    with pytest.raises(SourceError, match="carries no provenance to weave it again by: verify what"):
        run("verify", odd, "--input", made / "ground.tif")


@pytest.mark.parametrize(
    "change",
    [
        {"seed": "x"},
        {"seed": "-1"},
        {"standard_deviation_of": 10**7},
        {"steps": "a"},
        {"steps": 2.5},
        {"steps": 0},
        {"merge": "mean"},
        {"noise": ["canvas"]},
        {"res_m": "fine"},
        {"res_m": 4.5},
        {"bounds": [1, 2]},
        {"bounds": [0, 0, 1, 1]},
        {"bounds": "left"},
        {"standard_deviation_of": "two"},
    ],
    ids=str,
)
def test_a_cascade_of_edited_provenance_is_refused(made: Path, tmp_path: Path, change: dict[str, Any]) -> None:
    odd = edited(made / "w.tif", tmp_path / "odd.tif", **change)
    with pytest.raises(
        SourceError, match=r"odd.tif: was cut, resampled or parted from its world file since, or its prov"
    ):
        run("verify", odd, "--input", made / "ground.tif")


@pytest.mark.parametrize("change", [{"bands": [9]}, {"bands": 3}, {"scale": [1, "b"]}, {"gsd_m": "x"}], ids=str)
def test_an_image_that_was_never_read_as_recorded_is_refused(made: Path, tmp_path: Path, change: Any) -> None:
    odd = edited(made / "w.tif", tmp_path / "odd.tif", **change)
    with pytest.raises(SourceError, match=r"ground.tif: cannot be read as .*odd.tif says it was read \("):
        run("verify", odd, "--input", made / "ground.tif")


def test_what_lies_beside_the_image_can_be_to_blame(made: Path, tmp_path: Path) -> None:
    for name in ("w.tif", "ground.tif"):
        shutil.copy(made / name, tmp_path / name)
    (tmp_path / "ground.tif.aux.xml").write_text("<PAMDataset><SRS>EPSG:32634</SRS></PAMDataset>")
    with pytest.raises(SourceError, match=r"ground.tif: what lies beside it .* is not what .*w.tif was made with"):
        run("verify", tmp_path / "w.tif")


def test_another_image_than_it_was_made_of_is_named(made: Path, denoiser: Path, tmp_path: Path) -> None:
    with rasterio.open(made / "ground.tif") as file:
        profile, pixels = {**file.profile, "width": 12}, file.read()[:, :, :12]
    with rasterio.open(tmp_path / "other.tif", "w", **profile) as file:
        file.write(pixels)
    for name in ("w.tif", "part.tif"):
        with pytest.raises(SourceError, match=r"other.tif: is another image than .*--input"):
            run("verify", made / name, "--input", tmp_path / "other.tif")
