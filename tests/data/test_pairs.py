from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import rasterio
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from earthloom.data import class_sets
from earthloom.data.pairs import Pair, load_image, load_sets, nearest, read_pairs, write_index
from earthloom.errors import DataError

PALETTE = ((255, 255, 255), (0, 0, 0), (200, 30, 30))


def _pairs_folder(folder: Path) -> Path:
    for name in ("images", "targets"):
        (folder / name).mkdir(parents=True)
    Image.fromarray(np.zeros((8, 9, 3), np.uint8)).save(folder / "images" / "a.png")
    Image.fromarray(np.full((8, 9), 3, np.uint8)).save(folder / "targets" / "a.png")
    paths = {"image": folder / "images" / "a.png", "target": folder / "targets" / "a.png"}
    write_index(folder, [Pair(**paths, gsd_m=0.5, split="val", site="here", pack="mine")])
    return folder


def _plain_folder(folder: Path) -> Path:
    for name in ("images", "maps"):
        (folder / name).mkdir(parents=True)
    Image.fromarray(np.zeros((8, 9, 3), np.uint8)).save(folder / "images" / "a.jpg")
    Image.fromarray(np.full((8, 9, 3), (190, 40, 20), np.uint8)).save(folder / "maps" / "a.png")
    return folder


def test_the_index_comes_back_as_it_was_written(tmp_path: Path) -> None:
    (pair,) = read_pairs(_pairs_folder(tmp_path))
    assert (pair.gsd_m, pair.split, pair.site, pair.pack, pair.is_map) == (0.5, "val", "here", "mine", False)
    assert (load_sets(pair, PALETTE) == 3).all()


def test_a_plain_folder_of_map_colours_goes_to_the_nearest_class(tmp_path: Path) -> None:
    (pair,) = read_pairs(_plain_folder(tmp_path))
    assert (pair.gsd_m, pair.split, pair.is_map) == (None, "train", True)
    assert (load_sets(pair, PALETTE) == 1 << 2).all()


def test_nearest_equals_a_loop() -> None:
    rgb = np.random.default_rng(0).integers(0, 256, (6, 7, 3), np.uint8)
    slow = [
        min(range(3), key=lambda k: sum((int(a) - b) ** 2 for a, b in zip(p, PALETTE[k], strict=True)))
        for p in rgb.reshape(-1, 3)
    ]
    assert nearest(rgb, PALETTE).ravel().tolist() == [k + 1 for k in slow]


@given(st.lists(st.integers(0, 8), min_size=1))
def test_ids_become_sets_and_come_back(ids: list[int]) -> None:
    assert class_sets.ids(class_sets.exactly(np.array(ids))).tolist() == ids


def _without_image(folder: Path) -> None:
    (folder / "images" / "a.png").unlink()


def _damaged(folder: Path) -> None:
    (folder / "targets" / "a.png").write_bytes(b"nothing")


def _deep(folder: Path) -> None:
    Image.fromarray(np.zeros((8, 9), np.uint16)).save(folder / "images" / "a.png")


def _deep_by_bands(folder: Path) -> None:
    profile = {"driver": "GTiff", "count": 3, "height": 8, "width": 9, "dtype": "uint16", "interleave": "band"}
    path = folder / "images" / "a.tif"
    with rasterio.open(path, "w", transform=rasterio.Affine.scale(2), photometric="RGB", **profile) as file:
        file.write(np.full((3, 8, 9), 700, np.uint16))
    path.rename(folder / "images" / "a.png")


def _deep_in_colour(folder: Path) -> None:
    values = np.full((3, 8, 9), 700, np.uint16)
    profile = {"driver": "PNG", "count": 3, "height": 8, "width": 9, "dtype": "uint16"}
    with rasterio.open(folder / "images" / "a.png", "w", transform=rasterio.Affine.scale(2), **profile) as file:
        file.write(values)


def _in_colour(folder: Path) -> None:
    Image.fromarray(np.zeros((8, 9, 3), np.uint8)).save(folder / "targets" / "a.png")


def _replace(old: str, new: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        index = folder / "index.csv"
        index.write_text(index.read_text().replace(old, new))

    return change


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (_without_image, "missing; build the folder again"),
        (_damaged, "cannot be read as an image"),
        (_deep, "a.png has values of more than 8 bits"),
        (_deep_by_bands, "a.png has values of more than 8 bits"),
        (_deep_in_colour, "a.png has values of more than 8 bits"),
        (_in_colour, "8-bit single-band PNG"),
        (_replace("val", "test"), "split 'test' of .* is not one of train, val"),
        (_replace("0.5", "fine"), "gsd_m 'fine' .* not a number"),
        (_replace("0.5", "-1"), "no ground resolution"),
        (_replace("pack", "packet"), "lacks the columns pack"),
    ],
)
def test_spoilt_folders_are_refused(tmp_path: Path, spoil: Callable[[Path], None], words: str) -> None:
    folder = _pairs_folder(tmp_path)
    spoil(folder)
    with pytest.raises(DataError, match=words):
        [(load_image(pair.image), load_sets(pair, PALETTE)) for pair in read_pairs(folder)]


def test_an_image_that_pillow_takes_for_a_bomb_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (pair, *_) = read_pairs(_pairs_folder(tmp_path))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 8)
    with pytest.raises(DataError, match="cannot be read as an image: Image size"):
        load_sets(pair, PALETTE)


def test_folders_without_pairs_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is not a folder"):
        read_pairs(tmp_path / "nowhere")
    with pytest.raises(DataError, match="has neither index.csv nor maps/"):
        read_pairs(tmp_path)
    plain = _plain_folder(tmp_path / "plain")
    (plain / "maps" / "._a.png").write_bytes(b"what macOS leaves")
    assert len(read_pairs(plain)) == 1
    (plain / "maps" / "a.jpg").touch()
    with pytest.raises(DataError, match=r"maps has a\.jpg and a\.png; keep one"):
        read_pairs(plain)
    (plain / "maps" / "a.jpg").unlink()
    (plain / "maps" / "b.png").write_bytes((plain / "maps" / "a.png").read_bytes())
    with pytest.raises(DataError, match="'b' has an image or a map but not both"):
        read_pairs(plain)
