from pathlib import Path

import numpy as np
import pytest
import rasterio
from PIL import Image
from rasterio.windows import Window

import earthloom
from earthloom.cartography.style import STYLE
from earthloom.data.blocks import average
from earthloom.models.names import SHIPPED, shipped_names
from earthloom.models.verify import verify
from earthloom.pipelines.series import SeriesWeights


@pytest.mark.parametrize(("name", "megabytes"), [("series-small", 10), ("metaearth-small", 12)])
def test_the_default_weights_are_there_and_small(name: str, megabytes: int) -> None:
    assert name in shipped_names()
    size = sum(file.stat().st_size for file in (SHIPPED / name).rglob("*.safetensors"))
    assert size <= megabytes * 1_000_000


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


def test_the_denoiser_is_whole_and_its_card_credits_every_pack() -> None:
    folder = SHIPPED / "metaearth-small" / "denoiser"
    verify(folder)
    card = (folder / "card.md").read_text()
    for credit in ("USDA NAIP", "MassGIS", "MBRSC", "OpenAerialMap", "Planet Labs, Open California, CC-BY-SA 4.0"):
        assert credit in card


def test_what_the_denoiser_makes_of_ground_it_never_saw_is_sharper_than_interpolation_and_as_near() -> None:
    with rasterio.open(SHIPPED.parent / "samples" / "banepa_z17.tif") as file:
        true_HW3 = file.read(window=Window(900, 600, 128, 128)).transpose(1, 2, 0)
    coarse_hw3, _ = average(true_HW3, np.ones((128, 128), np.bool_), 4)
    made_HW3 = earthloom.load("metaearth-small")(coarse_hw3, gsd_m=2.1).image
    smooth_HW3 = np.asarray(Image.fromarray(coarse_hw3).resize((128, 128), Image.Resampling.BICUBIC))
    error, smooth_error = ((each.astype(float) - true_HW3).std() for each in (made_HW3, smooth_HW3))
    assert error < 1.05 * smooth_error
    step, smooth_step = (np.abs(np.diff(each.astype(int), axis=1)).mean() for each in (made_HW3, smooth_HW3))
    assert step > 1.3 * smooth_step
