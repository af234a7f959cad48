import json
from pathlib import Path

import numpy as np
import pytest
import typer
from PIL import Image
from typer.testing import CliRunner

from earthloom.cartography.style import paint
from earthloom.cli.data import app as data_app
from earthloom.cli.train import train
from earthloom.data.blocks import Block
from earthloom.data.build import About
from earthloom.data.catalog import write_catalog
from earthloom.errors import DataError, EarthloomError, UsageError

train_app = typer.Typer()
train_app.command()(train)


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    ids = np.ones((48, 48), np.uint8)
    ids[:, 20:28] = 2
    for name, pixels in (("images", np.repeat(ids[..., None] * np.uint8(90), 3, axis=2)), ("maps", paint(ids))):
        (tmp_path / "plain" / name).mkdir(parents=True)
        Image.fromarray(pixels).save(tmp_path / "plain" / name / "a.png")
    return tmp_path / "plain"


def _words(app: typer.Typer, *words: str) -> str:
    result = CliRunner().invoke(app, list(words), catch_exceptions=False)
    assert result.exit_code == 0
    return result.stdout


def test_training_prints_where_the_generator_is(plain: Path, tmp_path: Path) -> None:
    out = str(tmp_path / "run")
    sets = ["--set", "warm_steps=1", "--set", "adversarial_steps=0", "--set", "crop_px=32"]
    given = ["series-tiny", "--data", str(plain), "--out", out, "--device", "cpu", "--seed", "3", *sets]
    printed = json.loads(_words(train_app, *given, "--json"))
    assert (Path(printed["generator"]) / "config.json").is_file()
    assert json.loads((tmp_path / "run" / "run.json").read_text())["seed"] == 3
    assert _words(train_app, *given, "--resume").strip() == printed["generator"]


def test_training_a_denoiser_prints_where_it_is(tmp_path: Path) -> None:
    blocks = [
        Block(rgb_HW3=np.full((8, 8, 3), 90, np.uint8), gsd_m=4.0, lon_lat=None, site=split, split=split)
        for split in ("train", "val")
    ]
    write_catalog(About(pack="grey", licence="CC0-1.0", attribution=""), blocks, tmp_path / "catalog")
    sets = ["--set", "steps=1", "--set", "crop_px=8", "--set", "levels_m=4", "--set", "judged=1"]
    given = ["metaearth-tiny", "--data", str(tmp_path / "catalog"), "--out", str(tmp_path / "run"), *sets]
    printed = json.loads(_words(train_app, *given, "--device", "cpu", "--json"))
    assert (Path(printed["denoiser"]) / "config.json").is_file()
    assert printed["validation"]["samples"] == {"4m": 1}


def test_recipes_are_listed() -> None:
    assert "metaearth-small: Coarse imagery to imagery four times as fine" in _words(train_app, "--list")
    assert "series-m2m: Map to the next coarser map" in _words(train_app, "--list")
    with pytest.raises(UsageError, match="--list lists the recipes"):
        _words(train_app, "series-tiny")


def test_pairs_go_into_shards(plain: Path, tmp_path: Path) -> None:
    out = tmp_path / "shards"
    assert _words(data_app, "shard", str(plain), str(out)).strip() == f"{out}: 1 shards"
    assert json.loads(_words(data_app, "info", str(out), "--json"))["pairs"] == 1
    with pytest.raises(DataError, match="is not an empty folder"):
        _words(data_app, "shard", str(plain), str(out))


def test_imagery_goes_into_a_catalog(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 96, 3), np.uint8)).save(source / "a.png")
    (source / "index.csv").write_text("file,gsd_m,split\na.png,1.0,val\n")
    words = ["catalog", str(source), "--levels", "4,1,16", "--block", "16"]
    printed = _words(data_app, *words, str(tmp_path / "out"))
    assert printed.splitlines() == [
        f"{tmp_path / 'out'}: 25 blocks of 16 px",
        "1 m/px: 0 train, 24 val, 0 test",
        "4 m/px: 0 train, 1 val, 0 test",
        "16 m/px: 0 train, 0 val, 0 test",
    ]
    facts = json.loads(_words(data_app, *words, str(tmp_path / "json"), "--json"))
    assert facts["block_px"] == 16
    assert facts["blocks"]["4"] == {"train": 0, "val": 1, "test": 0}
    with pytest.raises(DataError, match="source gives no block; choose smaller blocks"):
        _words(data_app, "catalog", str(source), str(tmp_path / "none"))


def test_data_is_checked_and_described(plain: Path) -> None:
    assert "plain: 1 to train, 0 to validate, 1 sites" in _words(data_app, "check", str(plain))
    assert json.loads(_words(data_app, "info", str(plain), "--json"))["splits"] == {"train": 1}
    assert "packs: ['plain']" in _words(data_app, "info", str(plain))


@pytest.mark.parametrize(
    ("app", "words", "error", "says"),
    [
        (train_app, ["series-tiny", "--data", "nowhere", "--out", "x"], DataError, "nowhere is not a folder"),
        (train_app, ["series-tiny", "--data", ".", "--seed", "-1"], UsageError, "a seed is at least 0"),
        (data_app, ["build", "berlin", ".", "out"], UsageError, "no pack 'berlin'"),
        (data_app, ["build", "mm", ".", "out"], UsageError, "--generator CHECKPOINT goes with mm"),
        (data_app, ["catalog", ".", "out", "--levels", "1,0"], UsageError, "--levels 1,0: metres per pixel are above"),
        (data_app, ["catalog", ".", "out", "--pack", "berlin"], UsageError, "no pack 'berlin'; there are dubai"),
        (data_app, ["catalog", ".", "out", "--pack", "oam", "--bidx", "1"], UsageError, "or leave --pack oam out"),
        (data_app, ["check", "nowhere"], DataError, "is not a folder"),
    ],
)
def test_mistakes_are_named(app: typer.Typer, words: list[str], error: type[EarthloomError], says: str) -> None:
    with pytest.raises(error, match=says):
        CliRunner().invoke(app, words, catch_exceptions=False)
