"""Table I: grouping by place, and rows that are the metrics' own figures."""

from dataclasses import replace

import numpy as np
import pytest

from earthloom.metrics.frechet import frechet
from earthloom.metrics.kid import kid, kid_difference
from earthloom.studies.metaearth import regions
from earthloom.studies.metaearth.crops import held_out_crops
from earthloom.studies.metaearth.regions import QUARTERS, REGIONS, regions_of
from earthloom.studies.metaearth.remake import remake
from earthloom.studies.metaearth.study import Study


@pytest.mark.parametrize(
    ("lon", "quarter"),
    [(-180, 0), (-90.001, 0), (-90, 1), (-0.001, 1), (0, 2), (89.999, 2), (90, 3), (179.999, 3), (180, 0)],
)
def test_quarters_include_their_western_edge(lon: float, quarter: int) -> None:
    assert regions_of(lon, 10.0) == (QUARTERS[quarter], "northern", "total")


def test_hemispheres_and_the_unknown() -> None:
    assert regions_of(0.0, 0.0)[1] == "northern"
    assert regions_of(0.0, -0.001)[1] == "southern"
    assert regions_of(None, None) == ("total",)


def test_rows_are_the_metrics_of_each_group(study: Study, toy: object) -> None:
    study = replace(study, effort=replace(study.effort, pictures=48))
    table = regions.make(study)
    rows = {(row.level_m, row.region): row for row in table.rows}
    crops = held_out_crops(study, 1.0)
    assert crops is not None
    assert study.features is not None
    assert study.without is not None
    south = np.array([block.lat is not None and block.lat < 0 for block in crops.blocks])
    real, guided, without = (
        study.features(pictures)[south]
        for pictures in (
            crops.real_NHW3,
            *(remake(study, each, crops.coarse(), crops.gsds_m).made_NHW3 for each in (study.weights, study.without)),
        )
    )
    row = rows[1.0, "southern"]
    assert row.num == south.sum() == 16
    assert row.guided is not None
    assert row.guided.kid == kid(real, guided, same_places=True)
    assert row.guided.frechet == frechet(real, guided)
    assert row.difference == kid_difference(real, guided, without, same_places=True)
    assert rows[1.0, "90 W to 0"].guided == row.guided
    assert rows[1.0, "total"].num == 48
    assert (1.0, "90 E to 180") not in rows


def test_all_levels_together_are_the_metrics_of_all_pictures(study: Study, toy: object) -> None:
    table = regions.make(study)
    found = [held_out_crops(study, level_m) for level_m in (4.0, 1.0)]
    assert study.features is not None
    real = np.concatenate([study.features(crops.real_NHW3) for crops in found if crops])
    guided = np.concatenate(
        [
            study.features(remake(study, study.weights, crops.coarse(), crops.gsds_m).made_NHW3)
            for crops in found
            if crops
        ]
    )
    row = table.rows[-1]
    assert (row.level_m, row.region, row.num) == (None, "total", len(real))
    assert row.guided is not None
    assert row.guided.kid == kid(real, guided, same_places=True)
    assert f"| all | total | {len(real)} |" in "\n".join(table.markdown())


def test_what_is_missing_is_said(study: Study, toy: object) -> None:
    table = regions.make(replace(study, without=None))
    notes = {(row.level_m, row.region): row.note for row in table.rows}
    assert notes[64.0, "total"] == "not run: the weights learned no such level"
    assert notes[16.0, "total"] == "not run: no held-out block of 32 px"
    assert notes[4.0, "total"] == "not run: fewer than 10 pictures"
    page = "\n".join(table.markdown())
    assert "Without resolution: not run: no --without." in page
    assert "| 16 m | total | 0 |  |  |  |  |  | not known | 16.00 | not run: no held-out block of 32 px |" in page
    assert "4 m*" in page
    assert REGIONS[-1] == "total"
