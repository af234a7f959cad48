import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from earthloom.cartography.style import STYLE
from earthloom.data import build as building
from earthloom.data.packs import PACKS, build_catalog, build_pack
from earthloom.data.pairs import Pair, load_ids, load_image, read_pairs
from earthloom.errors import DataError, UsageError


def _built(packs: dict[str, Path], name: str, out: Path, *, all_train: bool = False) -> dict[str, Pair]:
    build_pack(name, packs[name], out, all_train=all_train)
    return {pair.target.stem: pair for pair in read_pairs(out)}


def test_the_ids_are_those_of_the_style() -> None:
    ids = (building.LAND, building.ROAD, building.BUILDING, building.VEGETATION, building.WATER)
    assert ids == tuple(STYLE.id_of(name) for name in STYLE.names)
    assert len(STYLE.classes) == building.NUM_CLASSES


def test_dubai_parts_become_one_mosaic_a_tile(packs: dict[str, Path], tmp_path: Path) -> None:
    pairs = _built(packs, "dubai", tmp_path / "out")
    assert {name: pair.split for name, pair in pairs.items()} == {"tile1": "train", "tile2": "val"}
    sets, rgb = load_ids(pairs["tile1"].target), load_image(pairs["tile1"].image)
    assert sets.shape == (33, 41)
    assert [sets[0, 0], sets[0, 40], sets[32, 0], sets[32, 40]] == [1, 2, 4, 8]
    assert np.array_equal(rgb[16:, 20:], load_image(packs["dubai"] / "tile1" / "part4.png"))


def test_roads_on_empty_ground_are_unknown(packs: dict[str, Path], tmp_path: Path) -> None:
    pairs = _built(packs, "mass_roads", tmp_path / "out")
    sets = load_ids(pairs["10978945_15"].target)
    assert (sets[:20, 10:14] == 0b00010).all()
    assert (sets[:20, :10] == 0b11101).all()
    assert not sets[20:].any()
    assert pairs["17278960_15"].split == "val"


def test_roads_are_read_as_published_and_white_ground_is_unknown(tmp_path: Path) -> None:
    image, road = np.full((30, 30, 3), 255, np.uint8), np.zeros((30, 30), np.uint8)
    image[:20], road[:, 10:14] = (255, 254, 255), 255
    for name, pixels in (("sat/10978945_15.tiff", image), ("map/10978945_15.tif", road)):
        (tmp_path / "raw" / name).parent.mkdir(parents=True)
        Image.fromarray(pixels).save(tmp_path / "raw" / name)
    sets = load_ids(_built({"mass_roads": tmp_path / "raw"}, "mass_roads", tmp_path / "out")["10978945_15"].target)
    assert (sets[:20, 10:14] == 0b00010).all()
    assert (sets[:20, :10] == 0b11101).all()
    assert not sets[20:].any()


def test_drone_tiles_stitch_by_site_and_zoom_20_is_left_out(packs: dict[str, Path], tmp_path: Path) -> None:
    pairs = _built(packs, "oam", tmp_path / "out")
    assert {name: pair.split for name, pair in pairs.items()} == {"nairobi": "val", "zanzibar_a": "train"}
    sets = load_ids(pairs["zanzibar_a"].target)
    assert sets.shape == (512, 512)
    assert not sets[:256, 256:].any()  # no tile
    assert not sets[256:, 256:356].any()  # no imagery
    assert (sets[256 : 256 + 64, 356:] == 0b00100).all()
    ground = sets[256 + 64 :, 356:]
    assert set(np.unique(ground)) == {0b00010, 0b11001}  # a road is drawn here, and the rest is none
    assert ground[20, 390 - 356] == 0b00010
    assert set(np.unique(load_ids(pairs["nairobi"].target)[64:, :100])) == {0b11011}


def test_vegetation_from_the_near_infrared(packs: dict[str, Path], tmp_path: Path) -> None:
    pairs = _built(packs, "naip", tmp_path / "out")
    sets = load_ids(pairs["chico_2018_1"].target)
    assert [sets[0, 0], sets[10, 0], sets[20, 0]] == [0b01000, 0b10111, 0]
    assert pairs["chico_2020_2"].split == "val"


@pytest.mark.parametrize("name", PACKS)
def test_all_may_train_and_the_credit_comes_along(packs: dict[str, Path], tmp_path: Path, name: str) -> None:
    pairs = _built(packs, name, tmp_path / "out", all_train=True)
    about = json.loads((tmp_path / "out" / "about.json").read_text())
    assert {pair.split for pair in pairs.values()} == {"train"}
    assert about["pack"] == name
    assert about["attribution"]


def test_drawn_roads_are_credited_where_they_are_used(packs: dict[str, Path], tmp_path: Path) -> None:
    build_pack("oam", packs["oam"], tmp_path / "pairs", all_train=False)
    build_catalog(packs["oam"], tmp_path / "catalog", pack="oam", levels_m=(0.3,), size_px=64)
    pairs, catalog = (json.loads((tmp_path / out / "about.json").read_text()) for out in ("pairs", "catalog"))
    assert pairs["attribution"].endswith("; roads drawn for Earthloom over the imagery, CC-BY 4.0")
    assert pairs["licence"].endswith(", roads CC-BY 4.0")
    assert "roads" not in json.dumps(catalog)


def test_what_cannot_be_built_is_refused(packs: dict[str, Path], tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no pack 'berlin'; there are dubai"):
        build_pack("berlin", tmp_path, tmp_path / "out", all_train=False)
    with pytest.raises(DataError, match=r"index\.csv does not exist"):
        build_pack("dubai", tmp_path, tmp_path / "out", all_train=False)
    with pytest.raises(DataError, match="lacks the columns .*mask.* is it the right pack"):
        build_pack("dubai", packs["naip"], tmp_path / "out2", all_train=False)
    with pytest.raises(DataError, match="not an empty folder"):
        build_pack("dubai", packs["dubai"], packs["naip"], all_train=False)
    (tmp_path / "empty" / "sat").mkdir(parents=True)
    (tmp_path / "empty" / "map").mkdir()
    with pytest.raises(DataError, match="no scene of mass_roads was found"):
        build_pack("mass_roads", tmp_path / "empty", tmp_path / "out", all_train=False)
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match="file/out cannot be made: "):
        build_pack("dubai", packs["dubai"], tmp_path / "file" / "out", all_train=False)
    assert not list(tmp_path.glob("out*"))
