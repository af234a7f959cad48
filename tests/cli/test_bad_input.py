"""Bad input gets one clear line, the right exit code and no half-written output."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import rasterio
from PIL import Image
from rasterio.transform import Affine
from typer.testing import CliRunner

from earthloom.cli import main as cli
from earthloom.models.pix2pixhd.config import PRESETS
from earthloom.models.registry import build
from earthloom.models.weights import save

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


@pytest.fixture
def ground(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny_series: Path) -> Path:
    monkeypatch.chdir(tmp_path)
    profile = {"driver": "GTiff", "dtype": "uint8", "count": 3, "width": 40, "height": 30, "crs": "EPSG:3857"}
    transform = Affine(0.6, 0, 1000.0, 0, -0.6, 1000.0)
    pixels = np.random.default_rng(0).integers(1, 255, (3, 30, 40), dtype=np.uint8)

    def tif(name: str, data: np.ndarray, **changes: object) -> None:
        with rasterio.open(name, "w", **(profile | {"transform": transform, "count": len(data)} | changes)) as file:
            file.write(data)

    tif("good.tif", pixels)
    tif("five.tif", np.concatenate([pixels, pixels[:2]]))
    tif("deep.tif", pixels.astype(np.uint16) * 10, dtype="uint16")
    tif("void.tif", np.zeros_like(pixels), nodata=0)
    Path("empty.tif").touch()
    Path("text.tif").write_text("this is no image\n" * 50)
    tif("long.tif", np.repeat(np.repeat(pixels, 20, 1), 20, 2), width=800, height=600)
    Path("truncated.tif").write_bytes(Path("long.tif").read_bytes()[:200_000])
    Image.fromarray(np.repeat(np.repeat(pixels, 20, 1), 20, 2).transpose(1, 2, 0)).save("long.jpg", quality=95)
    Path("truncated.jpg").write_bytes(Path("long.jpg").read_bytes()[:15_000])
    Image.fromarray(pixels.transpose(1, 2, 0)).save("placeless.png")
    _wrong_weights(tiny_series)
    return tmp_path


def _wrong_weights(series: Path) -> None:
    shutil.copytree(series, "weights")
    for name, parts in {"r2m-only": ["r2m-17"], "swapped": ["m2m", "r2m-17"], "damaged": ["r2m-17", "m2m"]}.items():
        Path(name).mkdir()
        for part, source in zip(["r2m-17", "m2m"], parts, strict=False):
            shutil.copytree(series / source, f"{name}/{part}")
    file = Path("damaged/r2m-17/model.safetensors")
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(data)
    rgb = replace(PRESETS["tiny"], head="rgb", out_channels=3)
    for part in ("r2m-17", "m2m"):
        save(Path("rgb") / part, rgb, build(rgb, "generator"), meta={"role": part[:3]})


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str]]:
    """Run the command line in this process; gives the exit code and what was said on stderr."""

    def call(*words: str) -> tuple[int, str]:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("sys.argv", ["earthloom", *words])
            with pytest.raises(SystemExit) as left:
                cli.main()
        code = left.value.code
        return (code if isinstance(code, int) else 0), capsys.readouterr().err

    return call


@pytest.mark.parametrize(("image", "options", "code", "words"), CASES, ids=[f"{c[0]} {' '.join(c[1])}" for c in CASES])
def test_bad_input(
    ground: Path, run: Callable[..., tuple[int, str]], image: str, options: list[str], code: int, words: str
) -> None:
    before = {path.name for path in ground.iterdir()}
    model = [] if "--model" in options else ["--model", "weights"]
    found, said = run("map", image, "out.tif", *model, *options)
    assert found == code, said
    assert words in said
    assert "Traceback" not in said
    if code == 1:
        assert said.startswith("earthloom: ")
        assert said.count("\n") == 1
    left = {path.name for path in ground.iterdir()} - before
    assert not left


@pytest.mark.parametrize(
    ("out", "code", "words"),
    [
        ("out.jpeg2000", 2, "jpeg2000"),
        ("good.tif", 2, "--overwrite"),
        ("nowhere/out.tif", 2, "nowhere"),
        ("placeless.png", 2, "--overwrite"),
    ],
)
def test_bad_output(ground: Path, run: Callable[..., tuple[int, str]], out: str, code: int, words: str) -> None:
    before = {path.name: path.stat().st_mtime_ns for path in ground.iterdir()}
    found, said = run("map", "five.tif", out, "--model", "weights", "--bidx", "1,2,3")
    assert (found, words in said, said.count("\n")) == (code, True, 1), said
    assert {path.name: path.stat().st_mtime_ns for path in ground.iterdir()} == before


def test_the_image_itself_is_never_replaced(ground: Path, run: Callable[..., tuple[int, str]]) -> None:
    before = Path("good.tif").read_bytes()
    found, said = run("map", "good.tif", "good.tif", "--model", "weights", "--overwrite")
    assert (found, "the image itself" in said) == (2, True), said
    assert Path("good.tif").read_bytes() == before


def test_an_image_without_a_place_has_no_tiles(ground: Path, run: Callable[..., tuple[int, str]]) -> None:
    for out in ("out.pmtiles", "out.mbtiles", "out"):
        found, said = run("map", "placeless.png", out, "--gsd", "0.6", "--model", "weights")
        assert found == 2, said
        assert "Web Mercator" in said or "place" in said
        assert not Path(out).exists()


def test_help_and_unknown_verbs() -> None:
    runner = CliRunner()
    assert runner.invoke(cli.app, ["--help"]).exit_code == 0
    assert runner.invoke(cli.app, ["fly"]).exit_code == 2
