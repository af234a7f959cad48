"""The cascade as a user runs it: place, mask, equal bytes, resuming, worlds, resolutions."""

import sqlite3
from dataclasses import replace
from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pytest
import rasterio
from affine import Affine
from PIL import Image
from rio_cogeo import cog_validate

from earthloom.errors import InterruptedRunError, SinkError, StoreError, UsageError
from earthloom.io.inputs import inspect
from earthloom.loom.noise import derive_key
from earthloom.pipelines.cascade import make_cascade
from earthloom.pipelines.cascade_plan import CascadeOptions
from earthloom.pipelines.denoise import CascadeWeights
from earthloom.pipelines.device import Device
from earthloom.pipelines.stages import Sampling

CPU = Device.choose("cpu")
QUICK = Sampling(steps=2)


def make(image: Path, out: Path, model: Path, *, progress=None, **changes) -> list[Path]:
    options = CascadeOptions(**({"device": CPU, "workers": 2, "sampling": QUICK} | changes))
    return make_cascade(inspect(image), out, CascadeWeights.read(str(model)), options, progress)


def pixels(path: Path):
    with rasterio.open(path) as file:
        return file.read(), file.dataset_mask() > 0


def test_two_stages_lie_where_the_image_lies(ground, denoiser, tmp_path):
    (out,) = make(ground, tmp_path / "fine.tif", denoiser, res_m=1.0)
    assert cog_validate(out, strict=True, quiet=True)[0]
    with rasterio.open(ground) as coarse, rasterio.open(out) as fine:
        assert (fine.width, fine.height) == (16 * coarse.width, 16 * coarse.height)
        assert fine.crs == coarse.crs
        assert fine.bounds == coarse.bounds
        assert fine.res == (1.0, 1.0)
        mask = coarse.dataset_mask().repeat(16, 0).repeat(16, 1)
        assert np.array_equal(fine.dataset_mask(), mask)
        assert fine.tags()["SYNTHETIC"] == "true"


PLANES = [
    ("EPSG:32633", Affine(16, 0, 500_000, 0, -16, 4_200_000)),
    ("EPSG:3857", Affine(16_000, 0, 1_600_000, 0, -16_000, 8_960_000)),  # 14 % more ground a pixel at its lower edge
    ("EPSG:4326", Affine(0.125, 0, 20, 0, -0.125, 60)),
]


def cut(image: Path, out: Path, window: rasterio.windows.Window, crs: str, plane: Affine) -> Path:
    """Write a part of an image as if it lay elsewhere."""
    with rasterio.open(image) as file:
        place = {"crs": crs, "transform": plane @ Affine.translation(window.col_off, window.row_off)}
        profile = file.profile | {"width": window.width, "height": window.height} | place
        with rasterio.open(out, "w", **profile) as part:
            part.write(file.read(window=window))
            part.write_mask(file.dataset_mask(window=window))
    return out


@pytest.mark.parametrize(("crs", "plane"), PLANES)
def test_a_file_cut_from_another_has_its_pixels_where_no_window_sees_the_cut(ground, denoiser, tmp_path, crs, plane):
    windows = {"whole": rasterio.windows.Window(0, 0, 28, 20), "part": rasterio.windows.Window(3, 1, 25, 19)}
    whole, part = (
        pixels(make(cut(ground, tmp_path / f"{name}0.tif", window, crs, plane), tmp_path / f"{name}.tif", denoiser)[0])[
            0
        ]
        for name, window in windows.items()
    )
    edge = 24  # a block of 16 px and a halo of 8
    inside = part[:, edge : 4 * 19 - edge, edge : 4 * 25 - edge]
    assert inside.size
    assert np.array_equal(inside, whole[:, 4 + edge : 4 * 20 - edge, 12 + edge : 4 * 28 - edge])
    assert not np.array_equal(part, whole[:, 4:, 12:])  # at the cut they see other ground


def test_the_result_averages_down_to_the_image(ground, denoiser, tmp_path):
    wanted, mask = pixels(ground)
    errors = {}
    for consistent in (True, False):
        (out,) = make(ground, tmp_path / f"{consistent}.tif", denoiser, sampling=replace(QUICK, consistent=consistent))
        made = pixels(out)[0].reshape(3, wanted.shape[1], 4, wanted.shape[2], 4).mean(axis=(2, 4))
        errors[consistent] = np.abs(made - wanted)[:, mask].mean()
    assert errors[True] < 8 < errors[False]


@pytest.mark.parametrize(
    "sampling",
    [
        QUICK,
        replace(QUICK, merge="hann"),
        replace(QUICK, steps=3, phases=2),
        replace(QUICK, merge="multidiffusion"),
        replace(QUICK, sampler="ddim", noise="shared_tiled"),
    ],
    ids=lambda sampling: f"{sampling.merge}-{sampling.phases}-{sampling.noise}",
)
def test_bytes_do_not_depend_on_workers_and_a_part_equals_the_whole(ground, denoiser, tmp_path, sampling):
    whole = make(ground, tmp_path / "two.tif", denoiser, sampling=sampling)[0]
    assert (
        make(ground, tmp_path / "one.tif", denoiser, sampling=sampling, workers=1)[0].read_bytes() == whole.read_bytes()
    )
    bounds = (500_000 + 16 * 7.1, 4_200_000 - 16 * 15, 500_000 + 16 * 21, 4_200_000 - 16 * 4)
    part = make(ground, tmp_path / "part.tif", denoiser, sampling=sampling, bounds=bounds)[0]
    (all_pixels, all_mask), (some_pixels, some_mask) = pixels(whole), pixels(part)
    rows, cols = slice(4 * 4, 4 * 15), slice(int(4 * 7.1), 4 * 21)
    assert np.array_equal(some_pixels, all_pixels[:, rows, cols])
    assert np.array_equal(some_mask, all_mask[rows, cols])


@pytest.mark.parametrize("factor", [16, 8], ids=["two stages", "averaged"])
def test_a_part_of_several_stages_equals_the_whole(ground, denoiser, tmp_path, factor):
    res_m = inspect(ground).gsd_m / factor

    def part(name, col, row, last_col, last_row):
        bounds = (500_000 + 16 * col, 4_200_000 - 16 * last_row, 500_000 + 16 * last_col, 4_200_000 - 16 * row)
        return pixels(make(ground, tmp_path / f"{name}.tif", denoiser, res_m=res_m, bounds=bounds)[0])[0]

    rows, cols = slice(factor, 3 * factor), slice(2 * factor, 4 * factor)
    assert np.array_equal(part("small", 18, 12, 20, 14), part("large", 16, 11, 21, 15)[:, rows, cols])


def test_an_interrupted_cascade_goes_on_where_it_stopped(ground, denoiser, tmp_path, monkeypatch):
    whole = make(ground, tmp_path / "whole.tif", denoiser)[0]
    made: list[int] = []

    def stop(layer: str, done: int, total: int) -> None:
        made.append(total)
        if done == 5:
            raise KeyboardInterrupt

    out = tmp_path / "out.tif"
    with pytest.raises(InterruptedRunError, match="go on with --resume"):
        make(ground, out, denoiser, progress=stop)
    assert not out.exists()
    with pytest.raises(UsageError, match="holds an unfinished run"):
        make(ground, out, denoiser)
    make(ground, tmp_path / "other.tif", denoiser, seed=1)[0].rename(out)
    with pytest.raises(StoreError, match="belongs to another run: its EARTHLOOM_SEED is"):
        make(ground, out, denoiser, resume=True, seed=1)
    out.unlink()
    with monkeypatch.context() as patch, pytest.raises(StoreError, match="cannot use the block store"):
        patch.setattr("sqlite3.connect", Mock(side_effect=sqlite3.OperationalError("disk I/O error")))
        make(ground, out, denoiser, resume=True)
    left: list[int] = []
    make(ground, out, denoiser, resume=True, progress=lambda layer, done, total: left.append(total))
    assert len(left) <= made[0] - 5
    assert out.read_bytes() == whole.read_bytes()
    assert not (tmp_path / "out.tif.parts").exists()
    assert make(ground, out, denoiser, resume=True) == [out]


def test_two_runs_never_weave_one_output(ground, denoiser, tmp_path):
    out, refused = tmp_path / "out.tif", []

    def again(layer: str, done: int, total: int) -> None:
        for options in ({}, {"overwrite": True}, {"resume": True}):
            with pytest.raises(SinkError, match="out.tif: cannot be made: another run is weaving it"):
                make(ground, out, denoiser, **options)
            refused.append(options)

    make(ground, out, denoiser, progress=again)
    assert refused
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.tif", "out.tif.stac.json"]


def test_a_cascade_killed_before_its_file_gets_its_name_goes_on(ground, denoiser, tmp_path, monkeypatch):
    out, names = tmp_path / "out.png", ("out.pgw", "out.png.aux.xml", "out.png.stac.json")

    def replace_but_the_file(made: Path, final: Path) -> None:
        if final == out:
            raise SystemExit
        made.rename(final)

    with monkeypatch.context() as patch, pytest.raises(SystemExit):
        patch.setattr("os.replace", replace_but_the_file)
        make(ground, out, denoiser)
    assert all((tmp_path / name).exists() for name in names)
    item = (tmp_path / names[-1]).read_bytes()
    (tmp_path / names[-1]).write_text("{}")
    with pytest.raises(UsageError, match="is there without out.png"):
        make(ground, out, denoiser, resume=True)
    (tmp_path / names[-1]).write_bytes(item)
    make(ground, out, denoiser, resume=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([out.name, *names])


@pytest.mark.parametrize("between", [1.0, 2.0, 1.6])
def test_parallel_worlds_and_their_spread(ground, denoiser, tmp_path, between):
    options = {"samples": 3, "uncertainty": True, "seed": 7, "sampling": replace(QUICK, consistent=False)}
    options["res_m"] = between * inspect(ground).gsd_m / 4
    files = make(ground, tmp_path / "w.tif", denoiser, **options)
    assert [file.name for file in files] == ["w.tif", "w_world1.tif", "w_world2.tif", "w_std.tif"]
    worlds = np.stack([pixels(file)[0] for file in files[:3]]).astype(float)
    std, mask = pixels(files[3])
    assert std.shape[0] == 1
    expected = worlds.std(axis=0, ddof=1).mean(axis=0)
    assert np.abs(std[0] - expected)[mask].max() <= 0.5 + 1e-4
    assert expected[mask].mean() > 1
    alone = make(
        ground,
        tmp_path / "alone.tif",
        denoiser,
        **(options | {"seed": derive_key(7, 1), "samples": 1, "uncertainty": False}),
    )
    assert np.array_equal(pixels(alone[0])[0], worlds[1])


def test_a_resolution_between_two_stages_is_the_average_of_the_finer(ground, denoiser, tmp_path):
    gsd_m = inspect(ground).gsd_m
    finest = pixels(make(ground, tmp_path / "4.tif", denoiser)[0])[0]
    (out,) = make(ground, tmp_path / "8.tif", denoiser, res_m=gsd_m / 2)
    made, mask = pixels(out)
    halved = finest.reshape(3, 40, 2, 56, 2).mean(axis=(2, 4))
    assert np.abs(made - halved)[:, mask].max() <= 0.5
    (between,) = make(ground, tmp_path / "6.tif", denoiser, res_m=0.4 * gsd_m)
    with rasterio.open(between) as file:
        assert file.res == pytest.approx((6.4, 6.4))
        assert (file.width, file.height) == (70, 50)


@pytest.mark.parametrize(("crs", "pixel"), [("EPSG:32633", 16), ("EPSG:3857", 16), ("EPSG:4326", 2e-4)])
def test_neighbours_lie_on_one_grid_at_a_resolution_between_two_stages(ground, denoiser, tmp_path, crs, pixel):
    windows = rasterio.windows.Window(0, 0, 14, 20), rasterio.windows.Window(14, 3, 14, 17)
    plane = Affine(pixel, 0, 100_000 * pixel, 0, -pixel, 300_000 * pixel)
    tiles = [cut(ground, tmp_path / f"{index}.tif", window, crs, plane) for index, window in enumerate(windows)]
    res_m = 0.4 * inspect(tiles[0]).gsd_m
    made = [make(tile, tmp_path / f"fine{index}.tif", denoiser, res_m=res_m)[0] for index, tile in enumerate(tiles)]
    transforms = [rasterio.open(file).transform for file in made]
    col, row = ~transforms[0] @ (transforms[1].c, transforms[1].f)
    assert transforms[1].a == transforms[0].a == pytest.approx(0.4 * pixel, rel=5e-3)
    assert (col, row) == pytest.approx((round(col), round(row)), abs=1e-3)


def test_a_place_in_degrees_and_an_image_without_a_place(ground, denoiser, tmp_path):
    degrees = tmp_path / "degrees.tif"
    with rasterio.open(ground) as file:
        profile = file.profile | {"crs": "EPSG:4326", "transform": rasterio.Affine(1e-4, 0, 20, 0, -1e-4, 60)}
        with rasterio.open(degrees, "w", **profile) as copy:
            copy.write(file.read())
        Image.fromarray(file.read().transpose(1, 2, 0)).save(tmp_path / "plain.png")
    (out,) = make(degrees, tmp_path / "fine.tif", denoiser)
    with rasterio.open(out) as fine, rasterio.open(degrees) as coarse:
        np.testing.assert_allclose(fine.bounds, coarse.bounds)
        assert (fine.width, fine.height) == (112, 80)
    options = CascadeOptions(device=CPU, workers=1, sampling=QUICK)
    plain = inspect(tmp_path / "plain.png", gsd_m=16.0)
    (out,) = make_cascade(plain, tmp_path / "fine.png", CascadeWeights.read(str(denoiser)), options)
    with Image.open(out) as made:
        assert made.size == (112, 80)


@pytest.mark.parametrize("size", [(1, 1), (1, 30), (13, 7)])
def test_rasters_smaller_than_a_window(denoiser, tmp_path, size):
    path = tmp_path / "small.tif"
    profile = {"driver": "GTiff", "dtype": "uint8", "count": 3, "height": size[0], "width": size[1]}
    transform = rasterio.Affine(16, 0, 500_000, 0, -16, 4_200_000)
    with rasterio.open(path, "w", crs="EPSG:32633", transform=transform, **profile) as file:
        file.write(np.full((3, *size), 90, np.uint8))
    made, mask = pixels(make(path, tmp_path / "fine.tif", denoiser)[0])
    assert made.shape == (3, 4 * size[0], 4 * size[1])
    assert mask.all()


def test_a_sampling_of_unknown_names_is_refused():
    with pytest.raises(UsageError, match="--noise 'sharedtiled' is not one of canvas, shared_tiled, shared, indep"):
        Sampling(noise="sharedtiled")
