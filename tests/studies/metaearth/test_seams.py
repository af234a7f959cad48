"""Table II: what is counted is what is called, and seams are measured where they lie."""

from dataclasses import replace
from itertools import islice

import numpy as np
import pytest

from earthloom.metrics.seam_gradients import seam_gradients
from earthloom.studies.metaearth import published, seams
from earthloom.studies.metaearth.remake import read, scratch_loom
from earthloom.studies.metaearth.seams import WAYS, num_calls
from earthloom.studies.metaearth.study import Study
from earthloom.studies.strip import Strip


def strip_of(study: Study) -> Strip:
    _, pictures = seams._pictures(study)
    return Strip(pictures_NHW3=pictures, gap_px=study.window_px)


@pytest.mark.parametrize("way", WAYS)
def test_calls_are_counted_as_they_are_made(study: Study, toy, way: str) -> None:
    strip = strip_of(study)
    ground = seams._ground(strip.window(0), study.window_px)
    layer = seams._layer(study, way, strip, 4.0)
    with scratch_loom(study) as loom:
        counted = num_calls(loom, layer, ground)
        read(loom, layer, ground)
    assert counted == toy.calls > 0


def test_the_ground_lies_on_the_lattice_amid_its_picture(study: Study) -> None:
    strip = strip_of(replace(study, effort=replace(study.effort, seam_pictures=3)))
    for index, place in enumerate(strip.windows()):
        ground = seams._ground(place, 32)
        assert place.scaled(4).contains(ground.pad(64))
        assert (ground.col % 32, ground.row % 32, ground.width, ground.height) == (0, 0, 64, 64)
        assert ground.col == index * 4 * (64 + 32) + 96


def test_held_out_pictures_come_first_and_the_coarsest_full_level_is_taken(study: Study) -> None:
    wanted = {1: 4.0, 4: 4.0, 5: 1.0, 50: 1.0}
    for num, level_m in wanted.items():
        some = replace(study, effort=replace(study.effort, seam_pictures=num))
        found_m, pictures = seams._pictures(some)
        assert (found_m, len(pictures)) == (level_m, min(num, 12))
    (held_out,) = study.held_out()[4.0]
    assert np.array_equal(seams._pictures(study)[1][0], held_out.load())


def test_rows_are_the_figures_of_the_woven_ground(study: Study, toy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seams, "WAYS", dict(islice(WAYS.items(), 4)))
    table = seams.make(study)
    assert [row.way for row in table.rows] == list(WAYS)[:4]
    strip = strip_of(study)
    ground = seams._ground(strip.window(0), 32)
    for row, lines in zip(table.rows, ([32], *[[16, 32, 48]] * 3), strict=True):
        with scratch_loom(study) as loom:
            picture = read(loom, seams._layer(study, row.way, strip, 4.0), ground)
        assert row.steps == seam_gradients([picture], cols=lines, rows=lines)
    side_by_side, *_, canvas = table.rows
    assert (side_by_side.calls_per_block, side_by_side.calls_alone) == (0.5, 2)  # two steps, a call for four blocks
    assert (canvas.calls_per_block, canvas.calls_alone) == (2, 2)
    assert canvas.ratio is not None
    assert canvas.ratio.is_seamless
    assert side_by_side.ratio is not None
    assert (side_by_side.ratio.num_lines, canvas.ratio.num_lines) == (4, 24)
    page = "\n".join(table.markdown())
    assert all(f"| {name} | {row[0]:.2f}, {row[1]:.2f}" in page for name, row in published.SEAMS.items())


@pytest.mark.parametrize("merge", ["crop", "multidiffusion"])
def test_seams_are_measured_where_windows_meet(study: Study, toy, monkeypatch: pytest.MonkeyPatch, merge: str) -> None:
    def grey(x_B3HW, t_B, gsd_B, condition_BCHW):
        return (20 * x_B3HW.mean(dim=(1, 2, 3), keepdim=True)).expand_as(x_B3HW)

    monkeypatch.setattr(toy, "denoise", grey)
    monkeypatch.setattr(seams, "WAYS", {"each its own grey": {"merge": merge, "noise": "independent"}})
    sampling = replace(study.sampling, steps=1, consistent=False)
    (row,) = seams.make(replace(study, sampling=sampling)).rows
    assert row.ratio is not None
    assert row.ratio.low == np.inf
    assert row.steps.interior.value == 0 < row.steps.mean.value
