"""Bad input of a cascade gets one clear line, the right exit code and no half-written output; odd input works."""

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
import rasterio

Run = Callable[..., tuple[int, str]]
Refused = Callable[[Sequence[str], int, str], None]

CASES: list[tuple[str, list[str], int, str]] = [
    ("good.tif", ["--res", "0.6"], 1, "m already"),
    ("good.tif", ["--res", "20"], 1, "--res 20"),
    ("good.tif", ["--res", "0.58"], 1, "m already, or nearly"),
    ("good.tif", ["--res", "0.00001"], 1, "at most 6"),
    ("good.tif", ["--res", "0"], 2, "--res 0"),
    ("good.tif", ["--res", "-4"], 2, "--res -4"),
    ("good.tif", ["--res", "nan"], 2, "--res nan"),
    ("good.tif", ["--res", "fine"], 2, "--res"),
    ("good.tif", ["--steps", "0"], 2, "--steps 0"),
    ("good.tif", ["--steps", "2000"], 2, "1 to 1000"),
    ("good.tif", ["--steps", "4", "--phases", "5"], 2, "--phases 5: want 1 to 4"),
    ("good.tif", ["--phases", "0"], 2, "--phases 0"),
    ("good.tif", ["--phases", "2", "--merge", "multidiffusion"], 2, "leave --phases out"),
    ("good.tif", ["--noise", "white"], 2, "shared_tiled"),
    ("good.tif", ["--merge", "mean"], 2, "multidiffusion"),
    ("good.tif", ["--sampler", "euler"], 2, "ddim"),
    ("good.tif", ["--samples", "0"], 2, "--samples 0"),
    ("good.tif", ["--samples", "1001"], 2, "1 to 1000"),
    ("good.tif", ["--uncertainty"], 2, "--samples 4"),
    ("good.tif", ["--bounds", "0,0,1,1"], 2, "miss"),
    ("good.tif", ["--bounds", "1,1,0,0"], 2, "left < right"),
    ("good.tif", ["--bounds", "nan,0,1,1"], 2, "left < right"),
    ("good.tif", ["--device", "abacus"], 2, "abacus"),
    ("good.tif", ["-j", "0"], 2, "workers"),
    ("good.tif", ["--model", "no-such-model"], 1, "no-such-model"),
    ("good.tif", ["--model", ""], 1, "no model ''"),
    ("good.tif", ["--model", "metaearth/small"], 1, "train it"),
    ("good.tif", ["--model", "series"], 1, "holds no denoiser"),
    ("good.tif", ["--model", "series/m2m"], 1, "pix2pixhd generator"),
    ("good.tif", ["--model", "damaged"], 1, "sha256"),
    ("missing.tif", [], 1, "missing.tif"),
    ("empty.tif", [], 1, "empty.tif"),
    ("truncated.tif", [], 1, "truncated.tif"),
    ("placeless.png", [], 1, "--gsd"),
    ("placeless.png", ["--gsd", "nan"], 2, "--gsd"),
    ("placeless.png", ["--gsd", "4", "--bounds", "0,0,1,1"], 2, "--bounds"),
    ("five.tif", [], 1, "--bidx"),
    ("deep.tif", [], 1, "--scale"),
    ("void.tif", [], 1, "every pixel is nodata"),
]


@pytest.fixture(scope="session")
def folder(bad_images: Path, tmp_path_factory: pytest.TempPathFactory, tiny_series: Path, denoiser: Path) -> Path:
    """Bad images and bad weights."""
    ground = shutil.copytree(bad_images, tmp_path_factory.mktemp("bad-cascades"), dirs_exist_ok=True)
    shutil.copytree(tiny_series, ground / "series")
    for name in ("weights", "damaged"):
        shutil.copytree(denoiser, ground / name)
    file = ground / "damaged/model.safetensors"
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(data)
    return ground


@pytest.fixture(autouse=True)
def _in_the_folder(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)


@pytest.mark.parametrize(("image", "options", "code", "words"), CASES, ids=[f"{c[0]} {' '.join(c[1])}" for c in CASES])
def test_bad_input(refused: Refused, image: str, options: list[str], code: int, words: str) -> None:
    model = [] if "--model" in options else ["--model", "weights"]
    refused(["cascade", image, "out.tif", *model, *options], code, words)


@pytest.mark.parametrize(
    ("out", "words"),
    [
        ("out.pmtiles", "NAME.tif or NAME.png"),
        ("out.jpg", "NAME.tif or NAME.png"),
        ("out", "NAME.tif or NAME.png"),
        (".tif", "is no name for an output"),
        (".", "is no name for an output"),
        ("", "is no name for an output"),
        ("grey.tif", "--overwrite"),
        ("nowhere/out.tif", "nowhere"),
        ("good.tif", "the image itself"),
    ],
)
def test_bad_output(refused: Refused, out: str, words: str) -> None:
    refused(["cascade", "good.tif", out, "--model", "weights"], 2, words)


def test_a_world_never_replaces_what_is_there(refused: Refused, folder: Path) -> None:
    shutil.copy("good.tif", "town_world1.tif")
    command = ["cascade", "good.tif", "town.tif", "--model", "weights", "--samples", "2"]
    refused(command, 2, "town_world1.tif: exists")
    refused(["cascade", "town_world1.tif", *command[2:], "--overwrite"], 2, "the image itself")


def test_pixels_that_are_not_square_on_the_ground_are_said(
    run: Run, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    facts = {"driver": "GTiff", "width": 8, "height": 8, "count": 3, "dtype": "uint8", "crs": "EPSG:4326"}
    with rasterio.open(tmp_path / "a.tif", "w", transform=rasterio.Affine(1e-4, 0, 20, 0, -1e-4, 60), **facts) as file:
        file.write(np.full((3, 8, 8), 90, np.uint8))
    words = ["--model", "weights", "--steps", "1", "-j", "1"]
    assert run("cascade", str(tmp_path / "a.tif"), str(tmp_path / "out.tif"), *words)[0] == 0
    assert caplog.messages[0].startswith("pixels are 2 times as high as wide on the ground: warp")


@pytest.mark.parametrize(("image", "options"), [("grey.tif", []), ("holed.tif", ["--scale", "0,255"])])
def test_odd_input_works(run: Run, tmp_path: Path, image: str, options: list[str]) -> None:
    out = tmp_path / "out.tif"
    code, said = run("cascade", image, str(out), "--model", "weights", "--steps", "1", "-j", "1", *options)
    assert code == 0, said
    with rasterio.open(out) as made:
        assert (made.count, made.height, made.width) == (3, 120, 160)
        known = np.ones((120, 160), bool)
        if image == "holed.tif":
            known[20:40, 80:96] = False
        assert np.array_equal(made.dataset_mask() > 0, known)


def test_a_resolution_that_no_stage_makes_is_said(run: Run, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    words = ["--model", "weights", "--steps", "1", "-j", "1", "--gsd", "16", "--res", "6.4"]
    assert run("cascade", "placeless.png", str(tmp_path / "out.png"), *words)[0] == 0
    assert caplog.messages == ["made at 4 m, averaged to 6.4 m: a stage is always 4 times as fine"]


@pytest.mark.parametrize("verb", ["cascade", "map"])
def test_bounds_over_nodata_alone_are_told(
    run: Run, tmp_path: Path, verb: str, caplog: pytest.LogCaptureFixture
) -> None:
    weights = {"cascade": ["--model", "weights", "--steps", "1"], "map": ["--model", "series", "--zooms", "17"]}[verb]
    assert run(verb, "east.tif", str(tmp_path / "out.tif"), "--bounds", "1001,990,1010,999", *weights)[0] == 0
    assert caplog.messages[-1].endswith("hold only nodata of east.tif: the result is empty")
    with rasterio.open(tmp_path / "out.tif") as file:
        assert not file.dataset_mask().any()
    if verb == "map":
        bounds = ["--bounds", "1001,990,1010,999"]
        code, said = run("map", "east.tif", str(tmp_path / "a.tif"), str(tmp_path / "out.pmtiles"), *bounds, *weights)
        assert (code, said.count("\n")) == (2, 1)
        assert "out.pmtiles: no tile would be in it: --bounds" in said
        assert sorted(path.name for path in tmp_path.iterdir()) == ["out.tif", "out.tif.stac.json"]
