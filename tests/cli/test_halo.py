"""`earthloom models halo`: both radii, the halo that is stored, and what maps do with it."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image
from typer.testing import CliRunner

from earthloom.cli.main import app
from earthloom.errors import ModelError, SourceError
from earthloom.models.names import SHIPPED
from earthloom.models.pix2pixhd.config import PRESETS
from earthloom.models.registry import build
from earthloom.models.weights import save
from earthloom.pipelines.series import SeriesWeights

TINY = PRESETS["tiny"]


def run(*words: object) -> str:
    result = CliRunner().invoke(app, ["models", "halo", *map(str, words)], catch_exceptions=False)
    assert result.exit_code == 0
    return result.stdout


@pytest.fixture
def series(tiny_series: Path, tmp_path: Path) -> Path:
    return shutil.copytree(tiny_series, tmp_path / "series")


def test_a_local_generator_sees_as_far_as_its_layers_say(series: Path, image: Path) -> None:
    for words in ([], ["--image", image]):
        found = json.loads(run(series, *words, "--json"))["checkpoints"]
        assert set(found) == {"m2m", "r2m-17"}
        facts = found["r2m-17"]
        assert (facts["radius_px"], facts["layers_px"], facts["halo_px"], facts["stored_px"]) == (23, 24, 24, None)
        assert 0 < facts["effective_px"] <= 23
        assert facts["equal_px"] <= 24
    said = run(series / "m2m")
    assert "it sees 23 px far; its convolutions reach up to 24 px, in strides of 4" in said
    assert "halo: none stored, 24 px wanted" in said


def test_what_is_written_is_the_halo_alone(series: Path) -> None:
    file = series / "r2m-17" / "config.json"
    before, files = json.loads(file.read_text()), sorted(series.rglob("*"))
    assert f"written to {file}" in run(series, "--write")
    after = json.loads(file.read_text())
    assert after["meta"] == before["meta"] | {"halo_px": 24}
    assert {**after, "meta": {}} == {**before, "meta": {}}
    assert sorted(series.rglob("*")) == files
    once = file.read_bytes()
    run(series, "--write")
    assert file.read_bytes() == once


@pytest.mark.parametrize("stored", [0, 20, 26, "24"])
def test_maps_refuse_a_halo_too_small_until_it_is_written(series: Path, stored: object) -> None:
    edit(series / "r2m-17", stored)
    with pytest.raises(ModelError, match=r"stores halo_px .*, its layers see 24 px in strides of 4: .* --write"):
        SeriesWeights.read(str(series))
    assert json.loads(run(series / "r2m-17", "--json"))["checkpoints"]["."]["stored_px"] == stored
    run(series / "r2m-17", "--write")
    assert SeriesWeights.read(str(series)).r2m.halo_px == 24


def test_maps_use_the_halo_that_is_stored(series: Path) -> None:
    edit(series / "m2m", 32)
    weights = SeriesWeights.read(str(series))
    assert (weights.r2m.halo_px, weights.m2m.halo_px) == (24, 32)


def edit(folder: Path, halo_px: object) -> None:
    values = json.loads((folder / "config.json").read_text())
    values["meta"]["halo_px"] = halo_px
    (folder / "config.json").write_text(json.dumps(values))


def test_instance_normalisation_has_no_halo(tmp_path: Path) -> None:
    config = replace(TINY, norm="instance", head="rgb", out_channels=3)
    save(tmp_path / "rgb", config, build(config, "generator"), meta={})
    facts = json.loads(run(tmp_path / "rgb", "--json"))["checkpoints"]["."]
    assert (facts["radius_px"], facts["equal_px"], facts["halo_px"]) == (None, None, 24)
    assert 0 < facts["effective_px"] < facts["window_px"]
    assert "it sees the whole window: no halo keeps bytes equal" in run(tmp_path / "rgb")


def test_what_cannot_be_measured_is_said(series: Path, tmp_path: Path) -> None:
    Image.new("RGB", (300, 90)).save(tmp_path / "low.png")
    with pytest.raises(SourceError, match="low.png: has 300 x 90 px, want at least 112 on each side"):
        run(series, "--image", tmp_path / "low.png")
    with pytest.raises(ModelError, match="pix2pixhd/tiny is a preset without weights"):
        run("pix2pixhd/tiny")
    save(tmp_path / "judge", TINY, build(TINY, "discriminator"), meta={}, network="discriminator")
    with pytest.raises(ModelError, match="judge is a discriminator checkpoint, want a generator"):
        run(tmp_path / "judge")


@pytest.mark.parametrize("part", ["r2m-17", "m2m"])
def test_the_shipped_halo_is_the_one_wanted(part: str) -> None:
    config = json.loads((SHIPPED / "series-small" / part / "config.json").read_text())
    assert config["meta"]["halo_px"] == {"r2m-17": 112, "m2m": 44}[part]
