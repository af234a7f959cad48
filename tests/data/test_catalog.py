import io
import json
import tarfile
from dataclasses import replace
from math import atan, degrees, pi, sinh
from pathlib import Path

import numpy as np
import pytest
import webdataset
from PIL import Image
from pyproj import Transformer

from earthloom.data.blocks import Block
from earthloom.data.build import About, whole_folder
from earthloom.data.catalog import read_catalog, write_catalog
from earthloom.data.packs import IMAGERY, build_catalog
from earthloom.errors import DataError, UsageError

ABOUT = About(pack="mine", licence="CC0", attribution="me")


def _blocks() -> list[Block]:
    rng = np.random.default_rng(0)
    facts = [(0.8, (36.5, -1.25), "a", "train"), (4.0, None, "a", "train"), (4.0, None, "b", "test")]
    return [
        Block(rgb_HW3=rng.integers(0, 256, (16, 16, 3), np.uint8), gsd_m=gsd, lon_lat=where, site=site, split=split)
        for gsd, where, site, split in facts
    ]


def test_what_is_written_is_read(tmp_path: Path) -> None:
    write_catalog(ABOUT, _blocks(), tmp_path / "catalog")
    found = read_catalog(tmp_path / "catalog")
    for before, after in zip(_blocks(), found, strict=True):
        assert np.array_equal(after.load(), before.rgb_HW3)
        assert (after.gsd_m, after.site, after.split, after.pack) == (before.gsd_m, before.site, before.split, "mine")
    assert [(block.lon, block.lat) for block in found] == [(36.5, -1.25), (None, None), (None, None)]
    assert read_catalog(tmp_path / "catalog" / "000000.tar") == found
    write_catalog(ABOUT, _blocks(), tmp_path / "again")
    for name in ("000000.tar", "about.json"):
        assert (tmp_path / "again" / name).read_bytes() == (tmp_path / "catalog" / name).read_bytes()


def test_jpeg_blocks_are_smaller_and_near(tmp_path: Path) -> None:
    ramp_HW3 = np.add.outer(np.arange(64), np.arange(64))[..., None].repeat(3, 2).astype(np.uint8)
    block = replace(_blocks()[0], rgb_HW3=ramp_HW3)
    write_catalog(ABOUT, [block], tmp_path / "catalog", jpeg=90)
    (found,) = read_catalog(tmp_path / "catalog")
    assert str(found.image).endswith(".jpg")
    assert abs(found.load().astype(int) - ramp_HW3).max() <= 4


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # it leaves its file open
def test_webdataset_reads_our_catalog(tmp_path: Path) -> None:
    write_catalog(ABOUT, _blocks(), tmp_path / "catalog")
    samples = list(webdataset.WebDataset(str(tmp_path / "catalog" / "000000.tar"), shardshuffle=False))
    for sample, block in zip(samples, _blocks(), strict=True):
        assert np.array_equal(np.array(Image.open(io.BytesIO(sample["png"]))), block.rgb_HW3)
        assert json.loads(sample["json"])["gsd_m"] == block.gsd_m
    facts = {"lon": None, "lat": None, "gsd_m": 4.0, "site": "b", "split": "test", "pack": "mine"}
    assert json.loads(samples[2]["json"]) == facts


def test_a_failed_catalog_leaves_nothing_behind(tmp_path: Path) -> None:
    first, second, third = _blocks()
    with pytest.raises(DataError, match="site 'a' is in the splits train and val; split by place"):
        write_catalog(ABOUT, [first, third, replace(second, split="val")], tmp_path / "catalog")
    with pytest.raises(DataError, match="mine gives no block; choose smaller blocks"):
        write_catalog(ABOUT, [], tmp_path / "catalog")
    assert not list(tmp_path.iterdir())
    (tmp_path / ".catalog.writing/half").mkdir(parents=True)  # as a killed run leaves it
    write_catalog(ABOUT, [first], tmp_path / "catalog")
    assert [path.name for path in tmp_path.iterdir()] == ["catalog"]
    with whole_folder(tmp_path / "one") as part, pytest.raises(DataError, match="one cannot be made: another run is"):
        (part / "half").touch()
        write_catalog(ABOUT, [first], tmp_path / "one")
    assert [path.name for path in (tmp_path / "one").iterdir()] == ["half"]
    with pytest.raises(DataError, match="not an empty folder"):
        write_catalog(ABOUT, [first], tmp_path / "catalog")


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"a.json": b"{}"}, "its block has no png"),
        ({"a.png": b"x", "a.json": b'{"lon": 1}'}, "a.json lacks gsd_m, lat, pack, site, split"),
        ({"a.png": b"x", "a.json": b"[]"}, "holds list"),
        ({"a.png": b"x", "a.json": b'{"split": "dev", "gsd_m": 1}'}, "split 'dev' of .*a.png is not one of train"),
        ({"a.png": b"x", "a.json": b'{"split": "val", "gsd_m": "1"}'}, "has '1' for gsd_m; want a number"),
        ({"a.png": b"x", "a.json": b'{"split": ["val"], "gsd_m": 1}'}, r"has \['val'\] for split; want text"),
        ({"a.png": b"x", "a.json": b'{"split": "val", "gsd_m": 0}'}, "gsd_m 0 of .*a.png is no ground resolution"),
    ],
)
def test_what_is_no_catalog_is_refused(tmp_path: Path, files: dict[str, bytes], words: str) -> None:
    rest = {"lon": None, "lat": None, "site": "a", "pack": "p"}
    with tarfile.open(tmp_path / "bad.tar", "w") as tar:
        for name, content in files.items():
            if b"split" in content:
                content = json.dumps(json.loads(content) | rest).encode()
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    with pytest.raises(DataError, match=words):
        read_catalog(tmp_path)
    with pytest.raises(DataError, match="nowhere does not exist"):
        read_catalog(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="holds no blocks of imagery"):
        read_catalog(tmp_path / "empty")


@pytest.mark.parametrize("name", IMAGERY)
def test_every_pack_gives_places_on_one_side_each(packs: dict[str, Path], tmp_path: Path, name: str) -> None:
    build_catalog(packs[name], tmp_path / "out", pack=name, levels_m=(0.3, 0.6, 1, 4), size_px=16)
    blocks = read_catalog(tmp_path / "out")
    sites = {block.site: {other.split for other in blocks if other.site == block.site} for block in blocks}
    assert all(len(splits) == 1 for splits in sites.values())
    assert len(sites) == (1 if name == "naip5m" else 2)
    assert all((block.lon is None) == (name in ("dubai", "planet")) for block in blocks)
    assert json.loads((tmp_path / "out" / "about.json").read_text())["attribution"]


@pytest.mark.parametrize(
    ("name", "crs", "x", "y"),
    [
        ("mass_roads", "EPSG:26986", 109_750, 894_550),
        ("naip", "EPSG:26910", 598_000.4 + 16 * 0.6, 4_398_000.8 - 16 * 0.6),
        ("naip5m", "EPSG:26914", 486_000 + 32 * 5, 5_210_000 - 32 * 5),
        ("oam", "EPSG:4326", -180 + 10.5 * 360 / 2**20, degrees(atan(sinh(pi * (1 - 2 * 14.5 / 2**20))))),
    ],
)
def test_packs_lie_where_they_are(packs: dict[str, Path], name: str, crs: str, x: float, y: float) -> None:
    image = next(iter(IMAGERY[name][1](packs[name])))
    assert image.place is not None
    height, width = image.valid_HW.shape
    expected = Transformer.from_crs(crs, "EPSG:4326", always_xy=True).transform(x, y)
    assert image.place.lon_lat(width / 2, height / 2) == pytest.approx(expected, abs=1e-7)


def test_white_margins_are_no_imagery_but_white_aircraft_are(packs: dict[str, Path]) -> None:
    for image in IMAGERY["planet"][1](packs["planet"]):
        assert image.valid_HW[:, :46].all()
        assert not image.valid_HW[:, 46:].any()
    splits = {image.name: image.split for image in IMAGERY["planet"][1](packs["planet"])}
    assert splits == {"planes_scene_2": "val", "planes_scene_3": "train", "planes_scene_3b": "train"}


def test_the_finest_tiles_of_a_site_are_stitched(packs: dict[str, Path]) -> None:
    images = {image.name: image for image in IMAGERY["oam"][1](packs["oam"])}
    assert images["nairobi"].valid_HW.shape == (256, 256)
    assert images["zanzibar_a"].valid_HW.shape == (512, 512)
    assert images["zanzibar_a"].valid_HW.sum() == 256 * 256 + 256 * 156


def test_an_unknown_pack_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no pack 'berlin'; there are dubai"):
        build_catalog(tmp_path, tmp_path / "out", pack="berlin", levels_m=(1,), size_px=8)
