import io
import json
import tarfile
from pathlib import Path

import numpy as np
import pytest
import webdataset
from PIL import Image

from earthloom.data.build import build_shards
from earthloom.data.pairs import read_pairs
from earthloom.data.scenes import load
from earthloom.errors import DataError

PALETTE = ((255, 255, 255), (0, 0, 0))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three pairs of an own folder."""
    rng = np.random.default_rng(0)
    for name in ("images", "maps"):
        (tmp_path / "own" / name).mkdir(parents=True)
        for stem in "abc":
            Image.fromarray(rng.integers(0, 255, (8, 9, 3), np.uint8)).save(tmp_path / "own" / name / f"{stem}.png")
    return tmp_path / "own"


def test_shards_hold_what_the_folder_holds(folder: Path, tmp_path: Path) -> None:
    assert build_shards(folder, tmp_path / "shards", shard_bytes=4000) == 2
    for before, after in zip(read_pairs(folder), read_pairs(tmp_path / "shards"), strict=True):
        assert (before.site, before.pack, before.split, before.is_map) == (
            after.site,
            after.pack,
            after.split,
            after.is_map,
        )
        one, two = load(before, PALETTE), load(after, PALETTE)
        assert np.array_equal(one.rgb_HW3, two.rgb_HW3)
        assert np.array_equal(one.sets_HW, two.sets_HW)
    build_shards(tmp_path / "shards", tmp_path / "again", shard_bytes=4000)
    for shard in ("000000.tar", "000001.tar"):
        assert (tmp_path / "again" / shard).read_bytes() == (tmp_path / "shards" / shard).read_bytes()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # it leaves its file open
def test_webdataset_reads_our_shards(folder: Path, tmp_path: Path) -> None:
    build_shards(folder, tmp_path / "shards", shard_bytes=1 << 20)
    samples = list(webdataset.WebDataset(str(tmp_path / "shards" / "000000.tar"), shardshuffle=False))
    assert [json.loads(sample["json"])["site"] for sample in samples] == ["a", "b", "c"]
    for sample, stem in zip(samples, "abc", strict=True):
        assert sample["image.png"] == (folder / "images" / f"{stem}.png").read_bytes()
        assert sample["map.png"] == (folder / "maps" / f"{stem}.png").read_bytes()


def test_we_read_webdataset_s_shards(folder: Path, tmp_path: Path) -> None:
    shard = tmp_path / "theirs" / "train-0.tar"
    shard.parent.mkdir()
    with webdataset.TarWriter(str(shard)) as writer:
        for stem in "ab":
            image = (folder / "images" / f"{stem}.png").read_bytes()
            writer.write({"__key__": f"deep/{stem}", "image.png": image, "map.png": image, "json": {"gsd_m": 0.5}})
    for pairs in (read_pairs(shard), read_pairs(shard.parent)):
        assert [(pair.site, pair.pack, pair.gsd_m, pair.split) for pair in pairs] == [
            ("a", "theirs", 0.5, "train"),
            ("b", "theirs", 0.5, "train"),
        ]


def _tar(path: Path, **files: bytes) -> None:
    with tarfile.open(path, "w") as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(name.replace("_", "."))
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))


def test_what_is_no_shard_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bad.tar"
    path.write_bytes(b"no tar at all" * 100)
    with pytest.raises(DataError, match="no uncompressed tar"):
        read_pairs(path)
    _tar(path, a_image_png=b"x" * 5000, a_map_png=b"x" * 5000)
    path.write_bytes(path.read_bytes()[:8000])
    with pytest.raises(DataError, match="cut short in a.map.png"):
        read_pairs(path)
    _tar(path, a_image_png=b"x", a_json=b"{}")
    with pytest.raises(DataError, match="has no target; name files KEY.target.png"):
        read_pairs(path)
    for facts, words in ((b"{", "is no JSON"), (b"[]", "holds list"), (b'{"split": "dev"}', "split 'dev'")):
        _tar(path, a_image_png=b"x", a_map_png=b"x", a_json=facts)
        with pytest.raises(DataError, match=words):
            read_pairs(path)
    _tar(path, a_image_png=b"x", a_map_png=b"x")
    with pytest.raises(DataError, match="bad.tar:a.image.png cannot be read as an image"):
        load(read_pairs(path)[0], PALETTE)
