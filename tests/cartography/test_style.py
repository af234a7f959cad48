import json
from itertools import combinations

import numpy as np
import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from typer.testing import CliRunner

from earthloom.cartography.style import STYLE, classify, paint
from earthloom.cli.style import style
from earthloom.errors import ShapeError


def test_the_classes_are_the_agreed_ones() -> None:
    assert [(each.id, each.name) for each in STYLE.classes] == list(
        enumerate(("land", "road", "building", "vegetation", "water"), start=1)
    )


def test_colours_are_well_apart() -> None:
    assert all(np.abs(np.subtract(a, b)).sum() >= 70 for a, b in combinations(STYLE.palette, 2))


@given(hnp.arrays(np.uint8, hnp.array_shapes(min_dims=2, max_dims=2), elements=st.integers(1, 5)))
def test_painting_and_reading_back_changes_nothing(ids_HW: np.ndarray) -> None:
    assert np.array_equal(classify(paint(ids_HW)), ids_HW)


def test_unknown_is_black() -> None:
    assert paint(np.zeros((1, 1), np.uint8)).tolist() == [[[0, 0, 0]]]


def test_an_id_without_a_class_is_refused() -> None:
    with pytest.raises(ShapeError, match=r"0 to 5, got 6\.\.6"):
        paint(np.full((2, 2), 6, np.uint8))


def test_the_verb_prints_json_and_a_table() -> None:
    app = typer.Typer()
    app.command()(style)
    printed = json.loads(CliRunner().invoke(app, ["--json"]).stdout)
    assert printed["classes"][1] == {"id": 2, "name": "road", "rgb": list(STYLE.palette[1])}
    assert "vegetation" in CliRunner().invoke(app, []).stdout
