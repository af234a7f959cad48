import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from earthloom.data.blocks import Block
from earthloom.data.build import About
from earthloom.data.catalog import ImageBlock, read_catalog, write_catalog
from earthloom.data.levels import LevelSampler
from earthloom.errors import DataError

SIZE_PX = 8
COUNTS = {0.8: 1, 4.0: 3, 5.0: 2, 16.0: 12, 64.0: 5}
LEVELS_M = (1, 4, 16)


def _coarse(hr_HW3: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return np.asarray(hr_HW3[::4, ::4] // 2 + rng.integers(0, 100, dtype=np.uint8))


@pytest.fixture(scope="module")
def blocks(tmp_path_factory: pytest.TempPathFactory) -> list[ImageBlock]:
    """Write blocks whose pixels are (row, col, number of the block)."""
    rows, cols = np.mgrid[:12, :12]
    sizes = [gsd_m for gsd_m, count in COUNTS.items() for _ in range(count)]
    made = [
        Block(
            rgb_HW3=np.stack([rows, cols, np.full_like(rows, number)], axis=-1).astype(np.uint8),
            gsd_m=gsd_m,
            lon_lat=None,
            site="a",
            split="train",
        )
        for number, gsd_m in enumerate(sizes)
    ]
    out = tmp_path_factory.mktemp("catalog") / "out"
    write_catalog(About(pack="p", licence="", attribution=""), made, out)
    return read_catalog(out)


def _sampler(blocks: list[ImageBlock], seed: int = 0) -> LevelSampler:
    return LevelSampler(blocks, levels_m=LEVELS_M, size_px=SIZE_PX, degrade=_coarse, seed=seed)


def _facts(sampler: LevelSampler, step: int, index: int) -> tuple[bytes, bytes, float]:
    sample = sampler.sample(step, index)
    return sample.hr_HW3.tobytes(), sample.lr_HW3.tobytes(), sample.gsd_m


def test_a_sample_is_a_function_of_seed_step_and_index(blocks: list[ImageBlock]) -> None:
    places = [(step, index) for step in range(6) for index in range(4)]
    sampler, other = _sampler(blocks), _sampler(blocks)
    forward = {place: _facts(sampler, *place) for place in places}
    assert {place: _facts(other, *place) for place in reversed(places)} == forward
    sampler.sample(0, 0).hr_HW3[:] = 0  # whoever gets a sample may spoil it
    assert _facts(sampler, 0, 0) == forward[0, 0]
    assert len(set(forward.values())) == len(places)
    assert _facts(_sampler(blocks, seed=1), 0, 0) != forward[0, 0]


def test_levels_are_even_and_so_are_the_blocks_of_a_level(blocks: list[ImageBlock]) -> None:
    sampler, number = _sampler(blocks), 3000
    drawn = np.bincount([int(sampler.sample(step, 0).hr_HW3[0, 0, 2]) for step in range(number)], minlength=len(blocks))
    expected = np.array([1 / 3] + [1 / 15] * 5 + [1 / 36] * 12 + [0] * 5) * number
    assert (np.abs(drawn - expected) <= 4 * np.sqrt(expected)).all()


def test_a_sample_is_a_turned_crop_of_a_block(blocks: list[ImageBlock]) -> None:
    sampler, looks, corners = _sampler(blocks), set(), set()
    for step in range(300):
        sample = sampler.sample(step, 0)
        rows, cols, numbers = (sample.hr_HW3[..., band].astype(int) for band in range(3))
        assert sample.hr_HW3.shape == (SIZE_PX, SIZE_PX, 3)
        assert sample.gsd_m == blocks[numbers[0, 0]].gsd_m
        assert (np.unique(rows).size, np.unique(cols).size, np.unique(numbers).size) == (SIZE_PX, SIZE_PX, 1)
        corners |= {(rows.min(), cols.min())}
        looks |= {(rows[0, 0] - rows.min(), cols[0, 0] - cols.min(), bool(rows[0, 1] == rows[0, 0]))}
    assert corners == {(row, col) for row in range(5) for col in range(5)}
    assert len(looks) == 8  # four corners, each by row or by column


def test_blocks_that_do_not_fit_are_refused(blocks: list[ImageBlock]) -> None:
    with pytest.raises(DataError, match="no block has about 0.25 m per pixel; leave it out of levels_m"):
        LevelSampler(blocks, levels_m=(0.25, 1), size_px=8, degrade=_coarse, seed=0)
    with pytest.raises(DataError, match="has 12x12 px, a sample has 16"):
        LevelSampler(blocks, levels_m=(1,), size_px=16, degrade=_coarse, seed=0).sample(0, 0)


def test_blocks_are_drawn_without_the_geospatial_packages(blocks: list[ImageBlock]) -> None:
    image = blocks[0].image
    assert not isinstance(image, Path)
    script = f"""
import sys
class Block:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {{"rasterio", "pyproj", "morecantile", "pydantic", "affine", "scipy"}}:
            raise ImportError("blocked: " + name)
sys.meta_path.insert(0, Block())
from pathlib import Path
from earthloom.data.catalog import read_catalog
from earthloom.data.levels import LevelSampler
blocks = read_catalog(Path({str(image.shard)!r}))
LevelSampler(blocks, levels_m=(1, 4), size_px=8, degrade=lambda hr, rng: hr[::4, ::4], seed=0).sample(0, 0)
"""
    done = subprocess.run([sys.executable, "-c", script], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
