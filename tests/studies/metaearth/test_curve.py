from typing import Any

import numpy as np
import pytest
from PIL import Image

from earthloom.studies.metaearth import curve
from earthloom.studies.metaearth.crops import held_out_crops
from earthloom.studies.metaearth.regions import distances
from earthloom.studies.metaearth.study import Study


def test_every_sampler_at_every_number_of_steps(study: Study, toy: Any) -> None:
    found = curve.make(study)
    assert [(point.sampler, point.steps) for point in found.points] == [
        ("dpm", 1),
        ("dpm", 2),
        ("ddim", 1),
        ("ddim", 2),
    ]
    assert (found.level_m, found.num, found.side_px) == (1.0, 12, 32)
    assert toy.calls == 12 * (1 + 2 + 1 + 2)
    dpm, _, ddim, _ = found.points
    assert dpm.quality == ddim.quality  # their first step is one and the same
    assert all(point.seconds > 0 for point in found.points)


def test_bicubic_enlargement_of_the_same_pictures_stands_beside(study: Study, toy: Any) -> None:
    found = curve.make(study)
    crops = held_out_crops(study, 1.0)
    assert crops is not None
    assert study.features is not None
    smooth = [np.array(Image.fromarray(each).resize((32, 32), Image.Resampling.BICUBIC)) for each in crops.coarse()]
    assert found.bicubic.distances == distances(study.features(crops.real_NHW3), study.features(np.stack(smooth)))
    averages = np.stack(smooth).reshape(12, 8, 4, 8, 4, 3).mean(axis=(2, 4))
    assert found.bicubic.inconsistency == pytest.approx(np.abs(averages - crops.coarse()).mean())
    assert all(point.quality.inconsistency > 0 for point in found.points)
    assert any(line.startswith("| bicubic, no network |") for line in found.markdown())
