"""A tiny folder of pairs: sand, a road, a pond; a plain folder of images and maps; a catalog of imagery."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from earthloom.cartography.style import paint
from earthloom.data import class_sets
from earthloom.data.blocks import Block
from earthloom.data.build import About
from earthloom.data.catalog import write_catalog
from earthloom.data.pairs import Pair, write_index


def _ground(seed: int, side: int = 72) -> tuple[np.ndarray, np.ndarray]:
    """An image whose grey tells the class, with noise, and its class ids."""
    rng = np.random.default_rng(seed)
    ids = np.ones((side, side), np.uint8)
    col = int(rng.integers(10, side - 20))
    ids[:, col : col + 8] = 2
    ids[side // 2 :, : col - 4] = 5
    grey = np.array([0, 200, 90, 0, 0, 30], np.uint8)[ids]
    rgb = np.clip(grey[..., None] + rng.normal(0, 8, (side, side, 3)), 0, 255).astype(np.uint8)
    return rgb, ids


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    """Two fully labelled scenes to train on, one to validate, one with a partial label."""
    folder = tmp_path / "pairs"
    for name in ("images", "targets"):
        (folder / name).mkdir(parents=True)
    rows = []
    for seed, split in enumerate(("train", "train", "val", "train")):
        rgb, ids = _ground(seed)
        partial = class_sets.versus(ids == 2, ids != 5, class_id=2, num_classes=5)
        paths = {"image": folder / f"images/{seed}.png", "target": folder / f"targets/{seed}.png"}
        Image.fromarray(rgb).save(paths["image"])
        Image.fromarray(partial if seed == 3 else class_sets.exactly(ids)).save(paths["target"])
        pack = "partial" if seed == 3 else "full"
        rows.append(Pair(**paths, gsd_m=0.6, split=split, site=f"site{seed}", pack=pack))
    write_index(folder, rows)
    return folder


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    """A user's own folder: images/ and maps/."""
    folder = tmp_path / "plain"
    for name in ("images", "maps"):
        (folder / name).mkdir(parents=True)
    for seed in range(2):
        rgb, ids = _ground(seed)
        Image.fromarray(rgb).save(folder / f"images/{seed}.png")
        Image.fromarray(paint(ids)).save(folder / f"maps/{seed}.png")
    return folder


@pytest.fixture
def catalog(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """Blocks of 24 px at 1, 4 and 16 m, or as asked; a level has two training sites, one to validate, one to test."""
    levels_m = getattr(request, "param", (1.0, 4.0, 16.0))
    rng = np.random.default_rng(0)
    blocks = [
        Block(
            rgb_HW3=rng.integers(0, 256, (4, 4, 3), np.uint8).repeat(6, axis=0).repeat(6, axis=1),
            gsd_m=gsd_m,
            lon_lat=None,
            site=f"site{number}",
            split=split,
        )
        for gsd_m in levels_m
        for number, split in enumerate(("train", "train", "val", "test"))
    ]
    about = About(pack="patches", licence="CC0-1.0", attribution="Drawn by the tests")
    write_catalog(about, blocks, tmp_path / "catalog")
    return tmp_path / "catalog"
