from typing import Any

from earthloom.studies.metaearth import curve
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
    assert dpm.distances == ddim.distances  # their first step is one and the same
    assert all(point.seconds > 0 for point in found.points)
