from pathlib import Path

import pytest

from earthloom.cartography.style import STYLE
from earthloom.models.names import SHIPPED, shipped_names
from earthloom.models.verify import verify
from earthloom.pipelines.series import SeriesWeights


def test_the_default_weights_are_there_and_small() -> None:
    assert "series-small" in shipped_names()
    size = sum(file.stat().st_size for file in (SHIPPED / "series-small").rglob("*.safetensors"))
    assert size <= 10_000_000


@pytest.mark.parametrize("part", ["r2m-17", "m2m"])
def test_each_part_is_whole_and_has_its_card(part: str) -> None:
    folder = SHIPPED / "series-small" / part
    verify(folder)
    card = (folder / "card.md").read_text()
    assert "## Data" in card
    assert "IoU |" in card


def test_it_draws_in_the_map_style() -> None:
    weights = SeriesWeights.read("series-small")
    assert weights.r2m.palette == STYLE.palette
    assert weights.licence != "not stated"


def test_a_lone_generator_draws_the_finest_zoom_and_the_shipped_one_the_others(tiny_series: Path) -> None:
    shipped, mixed = SeriesWeights.read("series-small"), SeriesWeights.read(str(tiny_series / "r2m-17"))
    assert mixed.r2m.folder == tiny_series / "r2m-17"
    assert mixed.m2m == shipped.m2m
    assert mixed.licence == f"CC0-1.0; {shipped.licence}"
