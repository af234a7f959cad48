"""Items read back by pystac and its extensions."""

import json
import os
from datetime import UTC, datetime
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pystac
import pytest
import rasterio
import rasterio.warp
from pystac.extensions.mlm import MLMExtension
from pystac.extensions.projection import ProjectionExtension
from rasterio.warp import transform_bounds

from earthloom.errors import SourceError, UsageError
from earthloom.geo.grid import Grid
from earthloom.geo.tiles import web_mercator_grid
from earthloom.geo.windows import Window
from earthloom.io.inputs import inspect
from earthloom.io.sinks import Level, check_output, write
from earthloom.io.stac import About, item_of, time_of
from earthloom.io.stac_source import resolve_item

WHEN = datetime(2021, 3, 4, tzinfo=UTC)
ABOUT = About(when=WHEN, architecture="Pix2PixHD", tasks=("generative",))
TAGS = {"EARTHLOOM_MODEL": "runs/1 best", "EARTHLOOM_MODEL_SHA256": "ab,cd", "EARTHLOOM_TORCH": "2.6.0"}
PLACE = Window(6187000, 3523000, 300, 200)


@pytest.fixture
def levels(kit: SimpleNamespace) -> list[Level]:
    return [
        Level(zoom, kit.known(web_mercator_grid(zoom), place), place)
        for zoom, place in ((14, PLACE), (13, PLACE.scaled(Fraction(1, 2))))
    ]


@pytest.mark.parametrize("name", ["map.tif", "map.png", "map.pmtiles"])
def test_a_removed_output_is_made_again_beside_our_item_only(levels: list[Level], tmp_path: Path, name: str) -> None:
    for file in write(tmp_path / name, levels, tags=TAGS, about=ABOUT, overwrite=False):
        file.unlink()
    check_output(tmp_path / name, overwrite=False, zooms=(14, 13))
    for theirs in ('{"properties": {}}', "[]", "no json"):
        item_of(tmp_path / name).write_text(theirs)
        with pytest.raises(UsageError, match=r"stac\.json: is there without .*--overwrite"):
            check_output(tmp_path / name, overwrite=False, zooms=(14, 13))
        check_output(tmp_path / name, overwrite=True, zooms=(14, 13))


def test_the_item_of_two_cogs_says_what_they_are(levels: list[Level], tmp_path: Path) -> None:
    written = write(tmp_path / "map.tif", levels, tags=TAGS, about=ABOUT, overwrite=False)
    item = pystac.Item.from_file(str(item_of(tmp_path / "map.tif")))
    with rasterio.open(written[0]) as file:
        assert item.bbox == pytest.approx(transform_bounds(file.crs, "EPSG:4326", *file.bounds), abs=1e-9)
        projection = ProjectionExtension.ext(item)
        assert (projection.code, projection.shape) == ("EPSG:3857", [file.height, file.width])
        assert projection.transform == pytest.approx(list(file.transform)[:6])
    assert item.datetime == WHEN
    assert item.properties["earthloom:provenance"] == TAGS
    model = MLMExtension.ext(item)
    assert (model.mlm_name, model.architecture, model.framework) == ("runs-1-best", "Pix2PixHD", "PyTorch")
    files = {name: asset for name, asset in item.assets.items() if "data" in (asset.roles or [])}
    assert [Path(str(asset.get_absolute_href())) for asset in files.values()] == written
    assert ProjectionExtension.ext(files["map-z13"]).shape == [100, 150]
    assert [item.assets[f"model-{number}"].href for number in (0, 1)] == ["urn:sha256:ab", "urn:sha256:cd"]


@pytest.mark.parametrize("name", ["map.pmtiles", "map.mbtiles", "map"])
def test_the_item_of_an_archive_has_one_file(levels: list[Level], tmp_path: Path, name: str) -> None:
    write(tmp_path / name, levels, tags=TAGS, about=ABOUT, overwrite=False)
    asset = pystac.Item.from_file(str(item_of(tmp_path / name))).assets["map"]
    assert (asset.href, asset.extra_fields["earthloom:zooms"]) == (f"./{name}", [14, 13])


@pytest.mark.parametrize(
    "turn", [rasterio.Affine.rotation(30), rasterio.Affine.scale(1, -1), rasterio.Affine.identity()]
)
def test_the_geometry_is_the_ground_of_a_grid_however_it_lies(
    kit: SimpleNamespace, tmp_path: Path, turn: rasterio.Affine
) -> None:
    plane = Grid(crs="EPSG:32633", transform=rasterio.Affine(4, 0, 500_000, 0, -4, 4_200_000) @ turn)
    window = Window(0, 0, 18, 14)
    write(tmp_path / "a.tif", [Level(None, kit.known(plane, window), window)], tags=TAGS, about=ABOUT, overwrite=False)
    item = pystac.Item.from_file(str(item_of(tmp_path / "a.tif")))
    corners = [plane.transform @ corner for corner in ((0, 0), (18, 0), (18, 14), (0, 14))]
    lons, lats = rasterio.warp.transform(plane.crs, "EPSG:4326", *zip(*corners, strict=True))
    assert item.bbox == pytest.approx([min(lons), min(lats), max(lons), max(lats)], abs=1e-7)
    assert item.geometry is not None
    (ring,) = item.geometry["coordinates"]
    wanted = zip(lons, lats, strict=True)
    assert np.array(sorted(np.round(ring[:4], 8).tolist())) == pytest.approx(
        np.array(sorted(np.round([*wanted], 8).tolist()))
    )
    area = sum(x0 * y1 - x1 * y0 for (x0, y0), (x1, y1) in pairwise(ring))
    assert area > 0  # counterclockwise
    resolution = item.assets["map"].extra_fields["bands"][0]["raster:spatial_resolution"]
    assert resolution == pytest.approx(4 / 0.9996, rel=1e-4)


def test_an_image_without_a_place_has_no_geometry(kit: SimpleNamespace, tmp_path: Path) -> None:
    plane = Grid(crs=None, transform=rasterio.Affine.scale(0.5, 0.5))
    window = Window(0, 0, 20, 10)
    write(tmp_path / "a.png", [Level(None, kit.known(plane, window), window)], tags=TAGS, about=ABOUT, overwrite=False)
    item = pystac.Item.from_file(str(item_of(tmp_path / "a.png")))
    assert (item.geometry, item.bbox, item.properties["proj:code"]) == (None, None, None)


def test_the_time_is_the_image_s_own(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    options = {"driver": "GTiff", "width": 1, "height": 1, "count": 1, "dtype": "uint8"}
    with rasterio.open(path, "w", transform=rasterio.Affine.scale(2, 2), **options) as file:
        file.write(np.ones((1, 1, 1), np.uint8))
    os.utime(path, (1e9, 1e9))
    assert time_of(path) == datetime.fromtimestamp(1e9, UTC)
    for text in ("2021:03:04 00:00:00", "2021-03-04T01:00:00+01:00"):
        with rasterio.open(path, "r+") as file:
            file.update_tags(TIFFTAG_DATETIME=text)
        assert time_of(path) == WHEN


def test_an_item_is_as_good_as_its_image(levels: list[Level], tmp_path: Path) -> None:
    for name in ("map.tif", "map.pmtiles"):
        write(tmp_path / name, levels, tags=TAGS, about=ABOUT, overwrite=False)
        assert inspect(item_of(tmp_path / name)) == inspect(tmp_path / name)


@pytest.mark.parametrize(
    ("assets", "chosen"),
    [
        ({"b": {"href": "b.tif", "roles": ["data"]}, "a": {"href": "a.tif", "roles": ["visual"]}}, "a.tif"),
        ({"x": {"href": "x.json"}, "b": {"href": "deep/b", "type": "image/png"}}, "deep/b"),
        ({"b": {"href": "https://a.org/b.tif?key=1", "roles": ["data"]}}, "https://a.org/b.tif?key=1"),
    ],
)
def test_of_several_assets_the_visual_image_is_read(tmp_path: Path, assets: dict[str, Any], chosen: str) -> None:
    path = tmp_path / "item.json"
    path.write_text(json.dumps({"type": "Feature", "stac_version": "1.1.0", "assets": assets}))
    assert resolve_item(path) == (Path(chosen) if ":" in chosen else tmp_path / chosen)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "cannot be read as a STAC item"),
        ("[]", "is no STAC item"),
        ('{"type": "FeatureCollection", "features": []}', "is no STAC item"),
        ('{"type": "Feature", "stac_version": "1.1.0"}', "without an image among its assets"),
        ('{"type": "Feature", "stac_version": "1.1.0", "assets": {"m": {"href": "m.json"}}}', "without an image"),
    ],
)
def test_an_item_without_an_image_is_refused(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "item.json"
    path.write_text(text)
    with pytest.raises(SourceError, match=words):
        inspect(path)
