"""Bad input gets one clear line, the right exit code and no half-written output."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from earthloom.cli import main as cli
from earthloom.models.pix2pixhd.config import PRESETS
from earthloom.models.registry import build
from earthloom.models.weights import save

Run = Callable[..., tuple[int, str]]
Refused = Callable[[Sequence[str], int, str], None]
Case = tuple[str, list[str], int, str]

CASES: list[Case] = [
    ("missing.tif", [], 1, "missing.tif"),
    ("empty.tif", [], 1, "empty.tif"),
    ("text.tif", [], 1, "text.tif"),
    ("truncated.tif", [], 1, "truncated.tif"),
    ("truncated.jpg", ["--gsd", "0.6"], 1, "truncated.jpg"),
    ("placeless.png", [], 1, "--gsd"),
    ("placeless.png", ["--gsd", "0"], 2, "gsd"),
    ("placeless.png", ["--gsd", "-1"], 2, "gsd"),
    ("local.tif", [], 1, "without a place on Earth"),
    ("unknown.tif", [], 1, "unknown CRS"),
    ("lost.tif", [], 1, "lost.prj"),
    ("bandless.vrt", ["--gsd", "1"], 1, "bandless.vrt"),
    ("five.tif", [], 1, "--bidx"),
    ("five.tif", ["--bidx", "1,9"], 1, "9"),
    ("five.tif", ["--bidx", "one"], 2, "--bidx"),
    ("deep.tif", [], 1, "--scale"),
    ("deep.tif", ["--scale", "5,5"], 2, "scale"),
    ("deep.tif", ["--scale", "5"], 2, "--scale"),
    ("void.tif", [], 1, "void.tif"),
    ("good.tif", ["--zooms", "13..42"], 2, "zoom 42"),
    ("good.tif", ["--zooms", "high"], 2, "--zooms"),
    ("good.tif", ["--bounds", "0,0,1,1"], 2, "miss"),
    ("good.tif", ["--device", "abacus"], 2, "abacus"),
    ("good.tif", ["--model", "no-such-model"], 1, "no-such-model"),
    ("good.tif", ["--model", "r2m-only"], 1, "m2m"),
    ("good.tif", ["--model", "rgb"], 1, "palette"),
    ("good.tif", ["--model", "swapped"], 1, "role"),
    ("good.tif", ["--model", "weights/m2m"], 1, "role"),
    ("good.tif", ["--model", "damaged"], 1, "sha256"),
    ("good.tif", ["-j", "0"], 2, "workers"),
]


@pytest.fixture(scope="session")
def folder(bad_images: Path, tmp_path_factory: pytest.TempPathFactory, tiny_series: Path) -> Path:
    """Bad images and bad weights."""
    ground = shutil.copytree(bad_images, tmp_path_factory.mktemp("bad-maps"), dirs_exist_ok=True)
    shutil.copytree(tiny_series, ground / "weights")
    for name, parts in {"r2m-only": ["r2m-17"], "swapped": ["m2m", "r2m-17"], "damaged": ["r2m-17", "m2m"]}.items():
        for part, source in zip(["r2m-17", "m2m"], parts, strict=False):
            shutil.copytree(tiny_series / source, ground / name / part)
    file = ground / "damaged/r2m-17/model.safetensors"
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(data)
    rgb = replace(PRESETS["tiny"], head="rgb", out_channels=3)
    for part in ("r2m-17", "m2m"):
        save(ground / "rgb" / part, rgb, build(rgb, "generator"), meta={"role": part[:3]})
    return ground


@pytest.fixture(autouse=True)
def _in_the_folder(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)


@pytest.mark.parametrize(("image", "options", "code", "words"), CASES, ids=[f"{c[0]} {' '.join(c[1])}" for c in CASES])
def test_bad_input(refused: Refused, image: str, options: list[str], code: int, words: str) -> None:
    model = [] if "--model" in options else ["--model", "weights"]
    refused(["map", image, "out.tif", *model, *options], code, words)


@pytest.mark.parametrize(
    ("out", "words"),
    [
        ("out.jpeg2000", "jpeg2000"),
        ("good.tif", "--overwrite"),
        ("nowhere/out.tif", "nowhere"),
        ("placeless.png", "--overwrite"),
    ],
)
def test_bad_output(refused: Refused, out: str, words: str) -> None:
    refused(["map", "five.tif", out, "--model", "weights", "--bidx", "1,2,3"], 2, words)


def test_the_image_itself_is_never_replaced(refused: Refused) -> None:
    refused(["map", "good.tif", "good.tif", "--model", "weights", "--overwrite"], 2, "the image itself")


def test_a_full_disk_is_said_and_the_run_goes_on(tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    words = ["map", "good.tif", str(tmp_path / "out.tif"), "--model", "weights"]
    with monkeypatch.context() as patch:
        patch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=0))
        code, said = run(*words)
    assert (code, said.count("\n")) == (1, 1)
    assert "out.tif: no space left to write it" in said
    assert [path.name for path in tmp_path.iterdir()] == ["out.tif.parts"]
    assert run(*words, "--resume")[0] == 0
    assert not (tmp_path / "out.tif.parts").exists()


@pytest.mark.parametrize("out", ["out.pmtiles", "out.mbtiles", "out"])
def test_an_image_without_a_place_has_no_tiles(refused: Refused, out: str) -> None:
    refused(["map", "placeless.png", out, "--gsd", "0.6", "--model", "weights"], 2, "place")


def test_help_and_unknown_verbs() -> None:
    runner = CliRunner()
    assert runner.invoke(cli.app, ["--help"]).exit_code == 0
    assert runner.invoke(cli.app, ["fly"]).exit_code == 2


@pytest.mark.parametrize("module", ["typer", "numpy", "torch"])
def test_an_interrupt_while_the_program_loads_is_one_line(module: str, tmp_path: Path) -> None:
    (tmp_path / f"{module}.py").write_text("raise KeyboardInterrupt")
    words = [sys.executable, "-m", "earthloom", "map", "good.tif", str(tmp_path / "out.tif")]
    path = os.pathsep.join([str(tmp_path), *filter(None, [os.environ.get("PYTHONPATH")])])
    left = subprocess.run(words, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, check=False)
    assert (left.returncode, left.stdout) == (130, "")
    assert left.stderr.strip().startswith("earthloom: interrupted")
    assert left.stderr.strip().count("\n") == 0


def test_what_no_file_system_takes_is_one_line(refused: Refused, tmp_path: Path) -> None:
    (tmp_path / "out.tif.parts").mkdir()
    words = ["good.tif", str(tmp_path / "out.tif"), "--model", "weights"]
    refused(["map", *words, "--overwrite"], 1, "out.tif.parts: ")
    refused(["map", *words, "--resume"], 1, "is it a file in a folder that may be written to?")
    refused(["map", f"{'a' * 300}.tif", *words[1:]], 1, "File name too long")
    refused(["map", words[0], f"{'a' * 244}.tif", *words[2:]], 2, "want at most 241 bytes")
