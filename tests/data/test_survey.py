from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from earthloom.data.pairs import Pair
from earthloom.data.survey import survey, table
from earthloom.errors import DataError

PALETTE = ((255, 255, 255), (0, 0, 0))
NAMES = ("land", "road")


@pytest.fixture
def pairs(tmp_path: Path) -> list[Pair]:
    found = []
    for name, split in (("a", "train"), ("b", "val")):
        Image.fromarray(np.zeros((10, 10, 3), np.uint8)).save(tmp_path / f"{name}.png")
        sets = np.repeat(np.array([[1, 1, 2, 3, 0]], np.uint8), 20, axis=0).reshape(10, 10)
        Image.fromarray(sets).save(tmp_path / f"{name}_sets.png")
        paths = {"image": tmp_path / f"{name}.png", "target": tmp_path / f"{name}_sets.png"}
        found.append(Pair(**paths, gsd_m=0.5 if name == "a" else 1.0, split=split, site=name, pack="p"))
    return found


def test_a_survey_counts_pixels_of_one_class(pairs: list[Pair]) -> None:
    (found,) = survey(pairs, PALETTE, NAMES)
    assert (found.train, found.val, found.sites, found.gsd_m) == (1, 1, 2, (0.5, 1.0))
    assert found.megapixels == pytest.approx(200e-6)
    assert found.shares == pytest.approx({"land": 0.4, "road": 0.2})
    assert table([found]) == "p: 1 to train, 1 to validate, 2 sites, 0.0 Mpx, m/px 0.5-1; land 40.0%, road 20.0%"


def test_a_survey_stops_at_what_a_run_would_stumble_over(pairs: list[Pair]) -> None:
    with pytest.raises(DataError, match="site 'a' is in both splits"):
        survey([*pairs, replace(pairs[0], split="val")], PALETTE, NAMES)
    with pytest.raises(DataError, match="holds set 3; sets of 1 classes are below 2"):
        survey(pairs, PALETTE, ("land",))
    Image.fromarray(np.zeros((10, 11, 3), np.uint8)).save(pairs[1].image)
    with pytest.raises(DataError, match="sizes must agree"):
        survey(pairs, PALETTE, NAMES)
