from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from earthloom.data.pairs import load_ids, load_image, read_pairs
from earthloom.errors import DataError, ModelError
from earthloom.models import weights
from earthloom.models.pix2pixhd.config import PRESETS
from earthloom.models.pix2pixhd.generator import build_generator
from earthloom.training.fit import fit
from earthloom.training.maps.mm_pairs import average_2x2, build_mm
from earthloom.training.recipes import Z17_GSD_M, recipe
from earthloom.training.runtime import Runtime

CPU = Runtime(device="cpu", precision="fp32", quiet=True)


@given(hnp.arrays(np.uint8, st.tuples(st.integers(1, 9), st.integers(1, 9), st.just(3))))
def test_averaging_equals_a_loop(rgb: np.ndarray) -> None:
    height, width = rgb.shape[:2]
    small = average_2x2(rgb)
    assert small.shape == ((height + 1) // 2, (width + 1) // 2, 3)
    for row in range(small.shape[0]):
        for col in range(small.shape[1]):
            rows, cols = (min(2 * row + 1, height - 1), 2 * row), (min(2 * col + 1, width - 1), 2 * col)
            total = sum(int(rgb[r, c, 0]) for r in rows for c in cols)
            assert small[row, col, 0] == (total + 2) // 4


def test_stages_go_down_to_zoom_13_and_then_end(pairs: Path, tmp_path: Path) -> None:
    short = {"crop_px": 8, "warm_steps": 2, "adversarial_steps": 0, "weights": (), "model": "tiny"}
    r2m = fit("r2m", replace(recipe("series-r2m"), **(short | {"crop_px": 32})), [pairs], tmp_path / "r2m", CPU)  # type: ignore[arg-type]
    source, generator = pairs, r2m
    for zoom in (16, 15, 14, 13):
        out = tmp_path / f"mm{zoom}"
        assert build_mm(source, out, generator, all_train=False, device="cpu", precision="fp32") == 3
        made = read_pairs(out)
        assert {pair.gsd_m for pair in made} == {Z17_GSD_M * 2 ** (17 - zoom)}
        assert sorted(pair.split for pair in made) == ["train", "train", "val"]
        assert load_ids(made[0].target).shape == load_image(made[0].image).shape[:2]
        if zoom == 16:
            generator = fit(
                "m2m", replace(recipe("series-m2m"), **(short | {"crop_px": 16})), [out], tmp_path / "m2m", CPU
            )  # type: ignore[arg-type]
        source = out
    with pytest.raises(DataError, match="no map step with a coarser one below"):
        build_mm(source, tmp_path / "mm12", generator, all_train=False, device="cpu", precision="fp32")


def test_a_generator_of_another_style_is_refused(pairs: Path, tmp_path: Path) -> None:
    model = PRESETS["tiny"]
    meta = {"role": "r2m", "palette": [[0, 0, 0]]}
    weights.save(tmp_path / "other", model, build_generator(model), meta=meta)
    with pytest.raises(ModelError, match="role 'r2m' and 1 colours; give a generator of the map style"):
        build_mm(pairs, tmp_path / "out", tmp_path / "other", all_train=False)
