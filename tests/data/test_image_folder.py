import csv
import json
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from pyproj import Transformer

from earthloom.data.catalog import read_catalog
from earthloom.data.image_folder import _overlapping, images, split_of
from earthloom.data.packs import build_catalog
from earthloom.errors import DataError, SourceError, UsageError

MakeTiff = Callable[..., None]
LEFT, TOP = 598000.0, 4398000.0
PIXELS = np.random.default_rng(0).integers(1, 256, (64, 64, 3), np.uint8)


def _utm(col: float, row: float) -> Affine:
    return Affine(0.5, 0, LEFT + 0.5 * col, 0, -0.5, TOP - 0.5 * row)


def test_geotiffs_say_where_they_are(tmp_path: Path, tiff: MakeTiff) -> None:
    pixels = PIXELS.copy()
    pixels[5, 7] = 0
    tiff(tmp_path / "deep" / "a.tif", pixels, "EPSG:26910", _utm(0, 0))
    (image,) = images(tmp_path)
    assert (image.name, image.site, image.split) == ("deep/a", "deep/a", split_of("deep/a"))
    assert image.gsd_m == pytest.approx(0.5, rel=1e-3)
    with rasterio.open(tmp_path / "deep" / "a.tif") as file:
        assert np.array_equal(image.rgb_HW3, np.moveaxis(file.read(), 0, -1))
        assert np.array_equal(image.valid_HW, file.dataset_mask() > 0)
        lon, lat = Transformer.from_crs(file.crs, "EPSG:4326", always_xy=True).transform(*file.xy(31.5, 31.5))
    assert image.place is not None
    assert image.place.lon_lat(32, 32) == pytest.approx((lon, lat), abs=1e-9)


def test_sizes_of_pixels_that_are_left_aside_are_told(
    tmp_path: Path, tiff: MakeTiff, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("a", "b"):
        tiff(tmp_path / f"{name}.tif", PIXELS, "EPSG:26910", _utm(900 * (name == "b"), 0))
    (tmp_path / ".trash").mkdir()
    for hidden in ("._a.tif", ".trash/b.tif"):
        (tmp_path / hidden).write_bytes(b"what file managers leave")
    assert len(list(images(tmp_path))) == 2
    own_m = next(images(tmp_path)).gsd_m
    _index(tmp_path, [{"file": "a.tif", "gsd_m": 3 * own_m}, {"file": "b.tif", "gsd_m": 1.01 * own_m}])
    assert [image.gsd_m for image in images(tmp_path)] == pytest.approx([own_m, own_m], rel=1e-4)
    (said,) = caplog.messages
    caplog.clear()
    Image.fromarray(PIXELS).save(tmp_path / "c.png")
    _index(tmp_path, [{"file": "c.png", "gsd_m": 1, "spllit": "val"}])
    list(images(tmp_path))
    (tmp_path / "index.csv").unlink()
    list(images(tmp_path))
    assert [message.partition(": ")[2] for message in caplog.messages] == [
        "left aside what is none of file, gsd_m, lon, lat, site, split: the columns spllit",
        "1 images of other kinds are left aside; an index.csv could list them",
    ]
    assert re.fullmatch(r"gsd_m 1.50\d* in index.csv is left aside: .*a.tif has a place, and pixels of 0.5 m", said)


def test_bands_and_scale_read_any_sensor(tmp_path: Path) -> None:
    values = np.random.default_rng(1).integers(0, 4000, (5, 64, 64), np.uint16)
    facts = {"width": 64, "height": 64, "count": 5, "dtype": "uint16", "crs": "EPSG:26910", "transform": _utm(0, 0)}
    with rasterio.open(tmp_path / "sensor.tif", "w", driver="GTiff", **facts) as file:
        file.write(values)
    with pytest.raises(SourceError, match="has 5 bands: choose one or three with --bidx"):
        list(images(tmp_path))
    with pytest.raises(UsageError, match="--scale"):
        list(images(tmp_path, bidx=(4, 3, 2), scale=(3000.0, 0.0)))
    (image,) = images(tmp_path, bidx=(4, 3, 2), scale=(0.0, 3000.0))
    wanted = np.clip(np.floor(values[[3, 2, 1]] * (255 / 3000) + 0.5), 0, 255).astype(np.uint8)
    assert np.array_equal(image.rgb_HW3, wanted.transpose(1, 2, 0))


def test_pixels_that_are_not_square_on_the_ground_are_refused(tmp_path: Path, tiff: MakeTiff) -> None:
    tiff(tmp_path / "a.tif", PIXELS, "EPSG:4326", Affine(1e-4, 0, 20, 0, -1e-4, 60))
    with pytest.raises(DataError, match=r"a\.tif: pixels are 2 times as high as wide on the ground: warp"):
        list(images(tmp_path))


def test_overlapping_images_are_one_site_and_neighbours_are_not(tmp_path: Path, tiff: MakeTiff) -> None:
    for name, col in (("a_2018", 0), ("b", 64), ("c", 128), ("d", 126)):
        tiff(tmp_path / f"{name}.tif", PIXELS, "EPSG:26910", _utm(col, 0))
    assert [image.site for image in images(tmp_path)] == ["a_2018", "b", "b", "b"]  # c and b touch, d overlaps both
    lon, lat = Transformer.from_crs("EPSG:26910", "EPSG:4326", always_xy=True).transform(LEFT + 8, TOP - 8)
    tiff(tmp_path / "e.tif", PIXELS, "EPSG:4326", Affine(5e-6, 0, lon, 0, -4e-6, lat))
    assert [image.site for image in images(tmp_path)][4] == "a_2018"  # another CRS, the same ground


@given(st.integers(0, 2**32), st.integers(1, 40))
def test_overlaps_are_those_of_every_box_with_every_other(seed: int, num: int) -> None:
    rng = np.random.default_rng(seed)
    low = rng.integers(0, 12, (num, 2)).astype(float)
    boxes = np.concatenate([low, low + rng.integers(0, 5, (num, 2))], axis=1)
    boxes[rng.random(num) < 0.1] = np.inf, np.inf, -np.inf, -np.inf  # without a place
    pairs = _overlapping(boxes)
    found = {frozenset(map(int, pair)) for pair in pairs}
    assert len(found) == len(pairs)
    left, bottom, right, top = boxes.T[:, :, None]
    shared = (left < right.T) & (right > left.T) & (bottom < top.T) & (top > bottom.T)
    assert found == {frozenset((i, j)) for i, j in np.argwhere(shared).tolist() if i != j}


def _index(folder: Path, rows: list[dict[str, object]]) -> None:
    with (folder / "index.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, sorted({column for row in rows for column in row}))
        writer.writeheader()
        writer.writerows(rows)


def test_an_index_says_what_images_do_not(tmp_path: Path) -> None:
    for name in ("a.png", "b.jpg", "c.png"):
        Image.fromarray(PIXELS).save(tmp_path / name)
    there = {"gsd_m": 2, "lon": 36.9, "lat": -1.3}
    _index(
        tmp_path, [{"file": "a.png"} | there, {"file": "b.jpg"} | there, {"file": "c.png", "gsd_m": 1, "split": "val"}]
    )
    (tmp_path / "about.json").write_text(json.dumps({"pack": "mine", "licence": "CC0", "attribution": "me"}))
    a, b, c = images(tmp_path)
    assert (a.site, b.site, a.gsd_m) == ("a", "a", 2)  # the same ground
    assert a.split == b.split == split_of("a")
    assert (c.split, c.place) == ("val", None)
    build_catalog(tmp_path, tmp_path / "out", pack=None, levels_m=(1, 2), size_px=64)
    blocks = read_catalog(tmp_path / "out")
    assert [(block.gsd_m, block.lon, block.pack) for block in blocks] == [
        (2, 36.9, "mine"),
        (2, 36.9, "mine"),
        (1, None, "mine"),
    ]


def test_splits_are_eight_to_one_to_one_and_a_function_of_the_name() -> None:
    counts = Counter(split_of(f"site {number}") for number in range(5000))
    for split, share in (("train", 0.8), ("val", 0.1), ("test", 0.1)):
        assert counts[split] == pytest.approx(5000 * share, abs=4 * (5000 * share * (1 - share)) ** 0.5)
    assert [split_of(name) for name in ("", "nairobi", "Zürich")] == ["val", "train", "train"]  # whatever the process


def test_what_cannot_be_used_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"holds no GeoTIFF and no index\.csv"):
        list(images(tmp_path))
    Image.fromarray(PIXELS).save(tmp_path / "a.tif")
    with pytest.raises(DataError, match=r"a\.tif has no place; say its metres per pixel as gsd_m"):
        list(images(tmp_path))
    for row, error, words in (
        ({"file": "a.tif", "gsd_m": "fine"}, DataError, "gsd_m 'fine' of a.tif in index.csv is not a number"),
        ({"file": "a.tif", "gsd_m": ""}, DataError, "a.tif has no place"),
        ({"file": "a.tif", "gsd_m": 0}, DataError, "gsd_m 0 of a.tif in index.csv is no ground resolution"),
        ({"file": "b.tif", "gsd_m": 1}, SourceError, "b.tif: no such file"),
        ({"file": "a.tif"}, DataError, "lacks the columns gsd_m"),
        ({"file": "a.tif", "gsd_m": 1, "lon": 400, "lat": 0}, DataError, "lon 400, lat 0 of a.tif in index.csv is no"),
        ({"file": "a.tif", "gsd_m": 1, "lon": 4, "lat": 95}, DataError, "lat 95 of a.tif in index.csv is no place"),
        ({"file": "a.tif", "gsd_m": 1, "lon": "nan", "lat": 5}, DataError, "lon nan"),
        ({"file": "a.tif", "gsd_m": 1, "lon": 5}, DataError, "has lon or lat alone; give both or none"),
    ):
        _index(tmp_path, [row])
        with pytest.raises(error, match=words):
            list(images(tmp_path))
    (tmp_path / "index.csv").write_text("file,gsd_m\na.tif,1\n./a.tif,2\n")
    with pytest.raises(DataError, match=r"index\.csv lists a\.tif 2 times; want one line for each image"):
        list(images(tmp_path))
    (tmp_path / "index.csv").write_text("file,gsd_m\n,1\n")
    with pytest.raises(DataError, match=r"index\.csv has a line without a file; want file and gsd_m"):
        list(images(tmp_path))
    (tmp_path / "index.csv").write_text("file,gsd_m\n")
    with pytest.raises(DataError, match=r"index\.csv lists no image"):
        list(images(tmp_path))
    (tmp_path / "index.csv").write_bytes(b"file,gsd_m\n\xe9.tif,1\n")
    with pytest.raises(DataError, match=r"index\.csv is no table of comma-separated values in UTF-8"):
        list(images(tmp_path))
    (tmp_path / "index.csv").write_text("file,gsd_m\na.tif,1\n", encoding="utf-8-sig")  # as spreadsheets write it
    assert [image.name for image in images(tmp_path)] == ["a"]
    _index(tmp_path, [{"file": "a.tif", "gsd_m": 1, "split": "dev"}])
    with pytest.raises(DataError, match="split 'dev' of site 'a' is not one of train, val, test"):
        build_catalog(tmp_path, tmp_path / "out", pack=None, levels_m=(1,), size_px=64)
    (tmp_path / "about.json").write_text('{"pack": "mine"}')
    with pytest.raises(DataError, match=r"about\.json is no object of pack, licence and attribution"):
        build_catalog(tmp_path, tmp_path / "out", pack=None, levels_m=(1,), size_px=64)
