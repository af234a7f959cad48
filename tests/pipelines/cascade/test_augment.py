"""Class folders in, class folders out: what is made, what is only copied, and what cannot be."""

import csv
import errno
import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import rasterio
from PIL import Image

from earthloom.cli import main as cli
from earthloom.errors import DataError, EarthloomError, InterruptedRunError, StoreError, UsageError
from earthloom.loom.store import Store
from earthloom.pipelines.augment import augment
from earthloom.pipelines.augment_plan import AugmentOptions
from earthloom.pipelines.denoise import CascadeWeights
from earthloom.pipelines.device import Device
from earthloom.pipelines.stages import Sampling

SMOOTH = (120 + 60 * np.sin(np.add.outer(np.arange(34) / 9, np.arange(51) / 7))).astype(np.uint8)
TRAIN = ["beach/a.png", "beach/b.JPG", "town/c.tif"]
LISTED = (
    "file,label,split\nbeach/a.png,beach,train\nbeach/b.JPG,beach,train\nbeach/d.png,beach,test\ntown/c.tif,t,train\n"
)


@pytest.fixture
def classes(tmp_path: Path) -> Path:
    """Write four images: 13 x 9 and 51 x 34 px without a place, 10 x 7 px with one and a hole, and one to test on."""
    folder = tmp_path / "classes"
    for name in ("beach/inner", "town", "notes"):
        (folder / name).mkdir(parents=True)
    rgb = np.dstack([SMOOTH, SMOOTH[::-1], SMOOTH[:, ::-1]])
    Image.fromarray(rgb[:9, :13]).save(folder / "beach/a.png")
    Image.fromarray(rgb).save(folder / "beach/b.JPG", quality=90)
    Image.fromarray(rgb[:9, :13]).save(folder / "beach/d.png")
    (folder / "beach/about.txt").write_text("sand\n")
    profile = {"driver": "GTiff", "dtype": "uint8", "count": 3, "height": 7, "width": 10, "crs": "EPSG:32633"}
    transform = rasterio.Affine(4, 0, 500_000, 0, -4, 4_200_000)
    with (
        rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True),
        rasterio.open(folder / "town/c.tif", "w", transform=transform, **profile) as file,
    ):
        file.write(rgb[:7, :10].transpose(2, 0, 1))
        file.write_mask(np.arange(70).reshape(7, 10) % 10 != 3)
    (folder / "notes/read.txt").write_text("no images here\n")
    return folder


def make(folder: Path, out: Path, model: Path, *, progress=None, **changes) -> list[str]:
    usual = {"device": Device.choose("cpu"), "workers": 2, "sampling": Sampling(steps=2), "times": 2, "gsd_m": 4.0}
    return augment(folder, out, CascadeWeights.read(str(model)), AugmentOptions(**(usual | changes)), progress)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def pixels(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB")).astype(float)


def averaged(pixels_HWC: np.ndarray) -> np.ndarray:
    """Return means of 4 x 4 px, those that are whole."""
    rows, cols = (size // 4 for size in pixels_HWC.shape[:2])
    return pixels_HWC[: 4 * rows, : 4 * cols].reshape(rows, 4, cols, 4, 3).mean(axis=(1, 3))


def test_images_are_made_again_beside_their_copies(classes: Path, denoiser: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert make(classes, out, denoiser) == []
    before, after = contents(classes), contents(out)
    assert all(after[name] == data for name, data in before.items() if name != "notes/read.txt")
    worlds = {f"{name.split('.')[0]}_world{i}.png" for name in [*TRAIN, "beach/d.png"] for i in (1, 2)}
    assert after.keys() - before.keys() == worlds | {
        f"town/c_world{i}{end}" for i in (1, 2) for end in (".pgw", ".png.aux.xml")
    }
    assert not (tmp_path / "out.parts").exists()
    for name in ("beach/a.png", "beach/b.JPG"):
        first, second = (pixels(out / f"{name.split('.')[0]}_world{i}.png") for i in (1, 2))
        wanted = pixels(classes / name)
        assert first.shape == second.shape == wanted.shape
        assert np.abs(first - second).mean() > 1
        assert np.abs(averaged(first) - averaged(wanted)).mean() < 4
    with rasterio.open(classes / "town/c.tif") as old, rasterio.open(out / "town/c_world2.png") as new:
        assert (new.crs, new.shape) == (old.crs, old.shape)
        np.testing.assert_allclose(new.bounds, old.bounds)
        assert np.array_equal(new.dataset_mask(), old.dataset_mask())
        assert new.tags()["SYNTHETIC"] == "true"
        assert json.loads(new.tags()["EARTHLOOM_PARAMETERS"])["world"] == 2
        assert new.tags()["EARTHLOOM_INPUT"] == "c.tif"


def test_only_the_train_split_is_made_again(classes: Path, denoiser: Path, tmp_path: Path) -> None:
    (classes / "split.csv").write_text(LISTED)
    out = tmp_path / "out"
    make(classes, out, denoiser, times=1)
    assert not list(out.rglob("d_world*"))
    assert (out / "beach/d.png").read_bytes() == (classes / "beach/d.png").read_bytes()
    assert (out / "split.csv").read_text().startswith(LISTED)
    with (out / "split.csv").open(newline="") as file:
        added = list(csv.DictReader(file))[4:]
    assert [tuple(row.values()) for row in added] == [
        ("beach/a_world1.png", "beach", "train"),
        ("beach/b_world1.png", "beach", "train"),
        ("town/c_world1.png", "t", "train"),
    ]
    assert all((out / row["file"]).exists() for row in added)


def test_listed_files_that_are_no_image_are_told(classes: Path, denoiser: Path, tmp_path: Path, caplog) -> None:
    (classes / "split.csv").write_text(LISTED + "town\\e.png,t,train\ntown/gone.png,t,test\n")
    make(classes, tmp_path / "out", denoiser, times=1)
    assert "split.csv lists 2 files that are no image here, such as town/gone.png" in caplog.messages
    assert caplog.messages.count("--gsd 4 is left aside for images that have a place") == 1


def test_bytes_depend_neither_on_workers_nor_on_the_other_images(classes: Path, denoiser: Path, tmp_path: Path) -> None:
    make(classes, tmp_path / "two", denoiser)
    alone = tmp_path / "alone"
    (alone / "other").mkdir(parents=True)
    shutil.copy(classes / "beach/b.JPG", alone / "other")
    make(alone, tmp_path / "one", denoiser, workers=1, times=3)
    for world in ("b_world1.png", "b_world2.png"):
        assert (tmp_path / "one/other" / world).read_bytes() == (tmp_path / "two/beach" / world).read_bytes()


def test_a_killed_run_goes_on_at_its_image(
    classes: Path, denoiser: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(classes, tmp_path / "whole", denoiser)
    out, put, stored = tmp_path / "out", Store.put, []

    def stop(store: Store, *what: object) -> None:
        put(store, *what)  # type: ignore[arg-type]
        stored.append(what)
        if len(stored) == 9:
            raise KeyboardInterrupt

    monkeypatch.setattr(Store, "put", stop)
    with pytest.raises(InterruptedRunError):
        make(classes, out, denoiser)
    made = {path.name: path.stat().st_mtime_ns for path in out.rglob("*_world*.png")}
    assert set(made) == {"a_world1.png", "a_world2.png"}
    with pytest.raises(UsageError, match="go on with --resume"):
        make(classes, out, denoiser)
    with pytest.raises(StoreError, match="its seed is"):
        make(classes, out, denoiser, resume=True, seed=1)
    make(classes, out, denoiser, resume=True)
    assert contents(out) == contents(tmp_path / "whole")
    assert all(path.stat().st_mtime_ns == made[path.name] for path in out.rglob("a_world*.png"))
    stamps = {path: path.stat().st_mtime_ns for path in out.rglob("*")}
    make(classes, out, denoiser, resume=True)
    assert {path: path.stat().st_mtime_ns for path in out.rglob("*")} == stamps
    with pytest.raises(UsageError, match="exists"):
        make(classes, out, denoiser, resume=True, seed=1)
    make(classes, out, denoiser, overwrite=True, seed=1)
    assert contents(out)["beach/a_world1.png"] != contents(tmp_path / "whole")["beach/a_world1.png"]


def run(*words: object) -> int:
    """Run the command line as the program does; give the exit code."""
    with pytest.raises(SystemExit) as left:
        cli.main([str(word) for word in words])
    return int(left.value.code or 0)


def test_the_run_goes_on_past_a_damaged_image(
    classes: Path, denoiser: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = (classes / "beach/b.JPG").read_bytes()
    (classes / "beach/b.JPG").write_bytes(whole[:700])
    (classes / "town/e.png").touch()
    (classes / "split.csv").write_text(LISTED + "town/e.png,t,train\n")
    words = ("augment", classes, tmp_path / "out", "--model", denoiser, "--steps", 2, "--times", 1, "--gsd", 4, "-j", 1)
    assert run(*words) == 3
    said = capsys.readouterr().err.splitlines()
    assert [line.split(": ")[:2] for line in said if "beach/b.JPG" in line or "e.png" in line] == [
        ["earthloom", str(classes / "beach/b.JPG")],
        ["earthloom", str(classes / "town/e.png")],
    ]
    assert said[-1].startswith("earthloom: 2 images could not be made again")
    assert (tmp_path / "out/town/c_world1.png").exists()
    assert "b_world1" not in (tmp_path / "out/split.csv").read_text()
    (classes / "beach/b.JPG").write_bytes(whole)
    (classes / "town/e.png").write_bytes((classes / "beach/d.png").read_bytes())
    assert run(*words, "--resume", "--overwrite") == 0
    assert {"beach/b_world1.png", "town/e_world1.png"} < contents(tmp_path / "out").keys()


def test_verify_weaves_an_image_again(classes: Path, denoiser: Path, tmp_path: Path) -> None:
    make(classes, tmp_path / "out", denoiser, times=1)
    assert run("verify", tmp_path / "out/beach/b_world1.png", "-j", 1) == 0
    with Image.open(tmp_path / "out/beach/b_world1.png") as image:
        text = {key: value for key, value in image.info.items() if isinstance(value, str)}
    assert text["SYNTHETIC"] == "true"


REFUSED = [
    ("beach", "out", {}, DataError, "holds no class folders"),
    ("nowhere", "out", {}, DataError, "no such folder"),
    (".", "out", {"times": 0}, UsageError, "--times 0: want at least 1"),
    (".", "out", {"gsd_m": None}, UsageError, "has no place.*--gsd 0.3"),
    (".", "out", {"gsd_m": -1.0}, UsageError, "--gsd -1"),
    (".", "classes/out", {}, UsageError, "lies in"),
    (".", "classes", {"overwrite": True}, UsageError, "lies in"),
    (".", "deep/out", {}, UsageError, "make it first"),
    (".", "full", {}, UsageError, "exists"),
    (".", "full", {"overwrite": True}, UsageError, "keep.txt: is none of the files of this run"),
]


@pytest.mark.parametrize("number", range(len(REFUSED)))
def test_what_cannot_be_augmented_is_refused(classes: Path, denoiser: Path, tmp_path: Path, number: int) -> None:
    folder, out, options, error, words = REFUSED[number]
    (tmp_path / "full").mkdir()
    (tmp_path / "full/keep.txt").write_text("mine")
    before = contents(tmp_path)
    with pytest.raises(error, match=words):
        make(classes / folder, tmp_path / out, denoiser, **options)
    assert contents(tmp_path) == before


def test_two_images_of_one_name_and_odd_splits_are_refused(classes: Path, denoiser: Path, tmp_path: Path) -> None:
    def refuse(words: str) -> None:
        with pytest.raises(EarthloomError, match=words):
            make(classes, tmp_path / "out", denoiser)
        assert not (tmp_path / "out").exists()

    shutil.copy(classes / "beach/a.png", classes / "beach/a.jpg")
    refuse("a_world1.png: 2 files would get this name")
    (classes / "beach/a.jpg").rename(classes / "beach/b_world2.png")
    refuse("b_world2.png: 2 files would get this name")
    (classes / "split.csv").write_text("name,split\n")
    refuse("lacks the columns file")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "iterdir", _locked)
        refuse("beach: cannot be read: Permission denied")
    (classes / "split.csv").write_text("file,split\nbeach/a.png,train,more\n")
    refuse("more values than columns")
    (classes / "split.csv").write_text("file,split\n./beach/a.png,train\nbeach/b.JPG,Train\n")
    refuse(
        "lists none of the 5 images with split train, so nothing would be made: want lines such as beach/a.png,train"
    )
    (classes / "split.csv").write_bytes(b"\xff\xfe\x00")
    refuse("no table of comma-separated values")


def _locked(folder: Path):
    if folder.name == "beach":
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(folder))
    return (folder / name for name in os.listdir(folder))
