"""Cascades from Python: every form of a picture, and what a result offers."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
import xarray
from PIL import Image

import earthloom
from earthloom.errors import UsageError
from earthloom.io.describe import describe
from earthloom.io.inputs import inspect
from earthloom.pipelines.api import CascadePipeline
from earthloom.pipelines.cascade import make_cascade
from earthloom.pipelines.cascade_plan import CascadeOptions
from earthloom.pipelines.device import Device
from earthloom.pipelines.stages import Sampling

QUICK = Sampling(steps=1)
PLACE: dict[str, Any] = {"transform": rasterio.Affine(16, 0, 500_000, 0, -16, 4_200_000), "crs": "EPSG:32633"}
PIXELS = np.random.default_rng(0).integers(60, 200, (7, 9, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def refine(denoiser: Path) -> CascadePipeline:
    pipeline = earthloom.load(str(denoiser), device="cpu")
    assert isinstance(pipeline, CascadePipeline)
    return pipeline


def test_python_gives_what_the_command_line_writes(refine: CascadePipeline, ground: Path, tmp_path: Path) -> None:
    options = CascadeOptions(device=Device.choose("cpu"), workers=2, sampling=QUICK, seed=4)
    (expected,) = make_cascade(inspect(ground), tmp_path / "cli.tif", refine.weights, options)
    result = refine(ground, seed=4, sampling=QUICK)
    (saved,) = result.save(tmp_path / "python.tif")
    assert saved.read_bytes() == expected.read_bytes()
    with rasterio.open(expected) as file:
        assert np.array_equal(file.read().transpose(1, 2, 0), result.image)
        assert np.array_equal(file.dataset_mask() > 0, result.mask)
        assert (file.transform, file.crs) == (result.transform, rasterio.CRS.from_string(result.crs))
    assert describe(expected)["tags"] == dict(result.provenance)


def test_every_form_of_a_picture_gives_the_same_imagery(refine: CascadePipeline, tmp_path: Path) -> None:
    attrs = {"crs_wkt": rasterio.CRS.from_epsg(32633).to_wkt()}
    x, y = 500_000 + 16 * (np.arange(9) + 0.5), 4_200_000 - 16 * (np.arange(7) + 0.5)
    coords = {"band": [1, 2, 3], "y": y, "x": x, "spatial_ref": ((), 0, attrs)}
    array = xarray.DataArray(PIXELS.transpose(2, 0, 1), coords, ("band", "y", "x"))
    forms = [
        refine(PIXELS, **PLACE, sampling=QUICK),
        refine(Image.fromarray(PIXELS), **PLACE, sampling=QUICK),
        refine(array, sampling=QUICK),
        refine(PIXELS, gsd_m=16, sampling=QUICK),
    ]
    assert forms[0].image.shape == (28, 36, 3)
    assert all(np.array_equal(each.image, forms[0].image) for each in forms[1:3])
    assert [each.crs for each in forms] == ["EPSG:32633"] * 3 + [None]
    assert forms[2].transform == forms[0].transform
    turned = refine(
        PIXELS, **PLACE | {"transform": PLACE["transform"] @ rasterio.Affine.rotation(30)}, sampling=QUICK
    ).to_xarray()
    assert set(turned.coords) == {"band", "spatial_ref"}
    again = forms[0].to_xarray()
    assert {"x", "y"} < set(again.coords)
    assert (again.name, again.shape, again.attrs["SYNTHETIC"]) == ("imagery", (4, 28, 36), "true")
    assert np.array_equal(again.values[:3].transpose(1, 2, 0), forms[0].image)


def test_a_part_a_resolution_and_what_does_not_fit(refine: CascadePipeline, tmp_path: Path) -> None:
    whole = refine(PIXELS, gsd_m=16, sampling=QUICK)
    halved = refine(PIXELS, gsd_m=16, res_m=8, sampling=QUICK)
    mean = whole.image.reshape(14, 2, 18, 2, 3).mean(axis=(1, 3))
    assert np.abs(halved.image - mean).max() <= 0.5
    part = refine(PIXELS, **PLACE, bounds=(500_032, 4_199_920, 500_080, 4_199_968), sampling=QUICK)
    assert np.array_equal(part.image, refine(PIXELS, **PLACE, sampling=QUICK).image[8:20, 8:20])
    assert whole.zooms == ()
    with pytest.raises(UsageError, match="no zoom 17 in this result: it has none"):
        whole[17]
    with pytest.raises(UsageError, match="off the web map"):
        part.save(tmp_path / "part.pmtiles")


def test_values_of_any_library_and_none_that_mean_nothing(refine: CascadePipeline, denoiser: Path) -> None:
    loaded = earthloom.load(denoiser, device="cpu")
    assert isinstance(loaded, CascadePipeline)
    one = refine(PIXELS, **PLACE, seed=np.int64(3), sampling=QUICK)
    assert one.provenance == loaded(PIXELS, **PLACE, seed=3, sampling=QUICK).provenance | {
        "EARTHLOOM_MODEL": one.provenance["EARTHLOOM_MODEL"],
        "EARTHLOOM_INPUT_SHA256": one.provenance["EARTHLOOM_INPUT_SHA256"],
    }
    with pytest.raises(TypeError):
        refine(PIXELS, **PLACE, seed=1.5)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="--seed -1: want at least 0"):
        refine(PIXELS, **PLACE, seed=-1)
    with pytest.raises(UsageError, match="workers=0: want at least 1"):
        earthloom.load(denoiser, workers=0)
    assert Sampling(steps=np.int64(8)) == Sampling(steps=8)
    for name, value in (("steps", "8"), ("phases", 1.0), ("consistent", "no")):
        values: dict[str, Any] = {name: value}
        with pytest.raises(UsageError, match=f"--{name} {value!r}: want"):
            Sampling(**values)


def test_a_result_never_replaces_its_image(refine: CascadePipeline, ground: Path, tmp_path: Path) -> None:
    image = tmp_path / "ground.tif"
    image.write_bytes(ground.read_bytes())
    with pytest.raises(UsageError, match="ground.tif: would replace the image itself"):
        refine(image, sampling=QUICK).save(image, overwrite=True)
    assert image.read_bytes() == ground.read_bytes()
