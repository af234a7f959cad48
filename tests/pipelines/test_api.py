"""From Python: whatever form a picture has, it gives the map its file gives."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
import xarray
from affine import Affine
from PIL import Image

import earthloom
from earthloom.errors import SourceError, UsageError
from earthloom.io.describe import describe
from earthloom.pipelines.api import MapPipeline

RNG = np.random.default_rng(3)
PIXELS = RNG.integers(1, 255, (37, 45, 3), dtype=np.uint8)
PLACE: dict[str, Any] = {"transform": Affine(0.6, 0, 9.5e6, 0, -0.6, 3.2e6), "crs": "EPSG:3857"}


@pytest.fixture(scope="module")
def pipeline(tiny_series: Path) -> MapPipeline:
    return earthloom.load(str(tiny_series), device="cpu")


def tif(path: Path, **profile: Any) -> Path:
    shape = {"driver": "GTiff", "count": 3, "height": 37, "width": 45, "dtype": "uint8"}
    with rasterio.open(path, "w", **shape, **profile) as file:
        file.write(PIXELS.transpose(2, 0, 1))
    return path


def data_array(order: tuple[str, ...] = ("band", "y", "x"), *, transform: str | None = None) -> xarray.DataArray:
    attrs = {"crs_wkt": rasterio.CRS.from_epsg(3857).to_wkt()} | ({"GeoTransform": transform} if transform else {})
    x, y = 9.5e6 + 0.6 * (np.arange(45) + 0.5), 3.2e6 - 0.6 * (np.arange(37) + 0.5)
    coords = {"band": [1, 2, 3], "y": y, "x": x, "spatial_ref": ((), 0, attrs)}
    return xarray.DataArray(PIXELS.transpose(2, 0, 1), coords, ("band", "y", "x")).transpose(*order)


def test_every_form_of_a_picture_gives_the_same_map(pipeline: MapPipeline, tmp_path: Path) -> None:
    expected = pipeline(tif(tmp_path / "in.tif", **PLACE), zooms=17)
    assert expected.image.shape == (*expected.mask.shape, 3)
    assert expected.mask.any()
    gdal = " ".join(map(str, PLACE["transform"].to_gdal()))
    forms = [
        pipeline(PIXELS, **PLACE, zooms=17),
        pipeline(Image.fromarray(PIXELS), **PLACE, zooms=17),
        pipeline(np.dstack([PIXELS, np.full((37, 45), 255, np.uint8)]), **PLACE, zooms=17),
        pipeline(data_array(), zooms=17),
        pipeline(data_array(("y", "x", "band"), transform=gdal), zooms=17),
    ]
    for result in forms:
        assert np.array_equal(result.image, expected.image)
        assert np.array_equal(result.mask, expected.mask)
        assert result.transform == expected.transform
        assert result.crs == "EPSG:3857"


def test_what_is_saved_is_what_is_seen(pipeline: MapPipeline, tmp_path: Path) -> None:
    result = pipeline(PIXELS, **PLACE, zooms=(16, 17))
    assert result.zooms == (17, 16)
    written = result.save(tmp_path / "map.tif")
    assert [path.name for path in written] == ["map.tif", "map_z16.tif"]
    for path, each in zip(written, (result, result[16]), strict=True):
        with rasterio.open(path) as file:
            assert np.array_equal(file.read().transpose(1, 2, 0), each.image)
            assert np.array_equal(file.dataset_mask() > 0, each.mask)
            assert file.transform == pytest.approx(each.transform)
    assert describe(written[0])["tags"] == dict(result.provenance)
    with pytest.raises(UsageError, match="exists"):
        result.save(tmp_path / "map.tif")


def test_to_xarray_keeps_the_place_and_comes_back(pipeline: MapPipeline) -> None:
    result = pipeline(PIXELS, **PLACE, zooms=17)
    array = result.to_xarray()
    assert array.dims == ("band", "y", "x")
    assert array.attrs["SYNTHETIC"] == "true"
    assert np.array_equal(array.sel(band="alpha").values > 0, result.mask)
    again = pipeline(array, zooms=17)
    assert again.transform == result.transform
    assert np.array_equal(again.mask, result.mask)


def test_masks_and_alpha_hide_ground(pipeline: MapPipeline) -> None:
    hole = np.zeros((37, 45), bool)
    hole[10:20, 5:30] = True
    masked = pipeline(np.ma.MaskedArray(PIXELS, np.dstack([hole] * 3)), gsd_m=0.6, zooms=17)
    alpha = pipeline(np.dstack([PIXELS, np.where(hole, 0, 255).astype(np.uint8)]), gsd_m=0.6, zooms=17)
    assert not masked.mask.all()
    assert np.array_equal(masked.mask, alpha.mask)
    assert masked.crs is None


def test_grey_palette_and_wide_values(pipeline: MapPipeline) -> None:
    grey = pipeline(PIXELS[..., 0], gsd_m=0.6, zooms=17)
    assert grey.mask[:-1, :-1].all()
    palette = pipeline(Image.fromarray(PIXELS[..., 0] // 64).convert("P"), gsd_m=0.6, zooms=17)
    assert palette.mask[:-1, :-1].all()
    wide = pipeline(PIXELS.astype(np.float32), gsd_m=0.6, scale=(0, 255), zooms=17)
    assert np.array_equal(wide.image, pipeline(PIXELS, gsd_m=0.6, zooms=17).image)


REFUSED: list[tuple[Any, dict[str, Any], type[Exception], str]] = [
    (PIXELS, {}, SourceError, "give transform= and crs=, or gsd_m="),
    (PIXELS, {"transform": PLACE["transform"]}, SourceError, "without crs="),
    (PIXELS, {"crs": "EPSG:3857"}, SourceError, "without transform="),
    (PIXELS[..., :0], {"gsd_m": 1}, SourceError, "is no picture"),
    (np.zeros((4, 4, 7)), {"gsd_m": 1}, SourceError, "is no picture"),
    (np.array(["a"]), {"gsd_m": 1}, SourceError, "is no picture"),
    (PIXELS.astype(np.float32), {"gsd_m": 1}, SourceError, "--scale"),
    (data_array().rename(x="lon"), {}, SourceError, "want y, x"),
    (data_array().isel(x=[0, 1, 5]), {}, SourceError, "not evenly spaced"),
    ("there-is-none.tif", {}, SourceError, "no such file"),
    ("in.tif", PLACE, UsageError, "brings its own place"),
    (PIXELS, {**PLACE, "zooms": 99}, UsageError, "zoom 99"),
]


@pytest.mark.parametrize("number", range(len(REFUSED)))
def test_what_cannot_be_drawn_is_refused(pipeline: MapPipeline, number: int) -> None:
    image, options, error, words = REFUSED[number]
    with pytest.raises(error, match=words):
        pipeline(image, **options)


def test_a_zoom_that_was_not_made_and_unknown_names_are_refused(pipeline: MapPipeline) -> None:
    with pytest.raises(UsageError, match="no zoom 3 in this result: it has 17"):
        pipeline(PIXELS, gsd_m=0.6, zooms=17)[3]
    with pytest.raises(AttributeError, match="has no attribute 'unload'"):
        earthloom.unload  # noqa: B018
