"""The cascade against a single stage and against no network at all."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from earthloom.errors import DataError
from earthloom.metrics.kid import kid
from earthloom.studies.metaearth import zoom
from earthloom.studies.metaearth.study import Study
from earthloom.studies.metaearth.zoom import BICUBIC, CASCADE, DIRECT, thrice_enlarged


def test_bicubic_passes_are_pillows_one_after_the_other() -> None:
    small = np.random.default_rng(0).integers(0, 256, (2, 2, 3, 3), dtype=np.uint8)
    for picture, found in zip(small, thrice_enlarged(small), strict=True):
        image = Image.fromarray(picture)
        for factor in (4, 16, 64):
            image = image.resize((3 * factor, 2 * factor), Image.Resampling.BICUBIC)
        assert np.array_equal(found, np.array(image))


def test_a_level_with_too_few_pictures_is_passed_over_before_anything_is_made(study: Study, toy: object) -> None:
    few = [block for block in study.blocks if block.gsd_m == 0.8]
    finest = tuple(replace(block, gsd_m=0.5) for block in few)
    level_m, _ = zoom._real(
        replace(study, weights=replace(study.weights, levels_m=(0.5, 1.0)), blocks=study.blocks + finest)
    )
    assert level_m == 1.0
    with pytest.raises(DataError, match="no level gives 10 held-out pictures of 64 px"):
        zoom.make(replace(study, blocks=finest))


def test_three_ways_from_a_single_pixel(study: Study, toy: object) -> None:
    table = zoom.make(study)
    assert (table.level_m, table.side_px, table.num) == (1.0, 64, 12)
    rows = {row.way: row for row in table.rows}
    assert list(rows) == [CASCADE, DIRECT, BICUBIC]
    assert rows[CASCADE].difference is None
    # Of 1 px, bicubic passes make a flat picture of the real one's mean: its figure is known without a loom.
    _, crops = zoom._real(study)
    assert study.features is not None
    means = np.floor(crops.real_NHW3.mean(axis=(1, 2)) + 0.5).astype(np.uint8)
    flat = np.broadcast_to(means[:, None, None], crops.real_NHW3.shape)
    wanted = kid(study.features(crops.real_NHW3), study.features(flat), same_places=True)
    assert rows[BICUBIC].distances.kid == wanted
    assert "64 m" in table.markdown()[0]
