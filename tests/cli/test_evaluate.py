"""`earthloom evaluate seams`: equal weaves have the ratio 1, a halo too small is caught, and no seam is no verdict."""

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import rasterio
import torch
from typer.testing import CliRunner

from earthloom.cartography.style import STYLE
from earthloom.cli.main import app
from earthloom.errors import SourceError, UsageError
from earthloom.geo.windows import Window
from earthloom.io.inputs import inspect
from earthloom.loom.layer import Layer
from earthloom.loom.loom import Loom
from earthloom.loom.store import Store
from earthloom.metrics.seams import SeamRatio, seam_ratio
from earthloom.models.pix2pixhd.config import PRESETS
from earthloom.models.registry import build
from earthloom.models.weights import save
from earthloom.pipelines.demo import SAMPLE
from earthloom.pipelines.device import Device
from earthloom.pipelines.draw import Draw
from earthloom.pipelines.series import SeriesWeights, choose_zooms, map_window, series_layers

CPU = Device.choose("cpu")


def run(*words: object) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["evaluate", "seams", *(str(word) for word in words)], catch_exceptions=False)
    return result.exit_code, result.stdout


@pytest.fixture(scope="module")
def lively_series(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a tiny series whose weights are drawn as large as keeps the scale, so that all classes occur."""
    folder = tmp_path_factory.mktemp("weights") / "series-lively"
    meta = {"palette": [list(rgb) for rgb in STYLE.palette], "licence": "CC0-1.0"}
    for part, role in (("r2m-17", "r2m"), ("m2m", "m2m")):
        generator: Any = build(PRESETS["tiny"], "generator")
        with torch.no_grad():
            for weight in (each for each in generator.parameters() if each.ndim == 4):
                weight.mul_(50 * math.sqrt(2 / weight[0].numel()))
            generator.head[0].bias.zero_()
        save(folder / part, PRESETS["tiny"], generator, meta=meta | {"role": role})
    return folder


def test_a_local_model_with_its_halo_has_no_seam(image: Path, lively_series: Path) -> None:
    weights = ("--model", lively_series, "--zooms", "15..17", "-j", "1", "--bidx", "1,2,3")
    code, said = run(image, *weights, "--json")
    facts = json.loads(said)
    assert (code, facts["seamless"], set(facts["zooms"])) == (0, True, {"17", "16", "15"})
    found = facts["zooms"]["17"]
    assert (found["ratio"], found["low"], found["high"], found["num_lines"], found["seamless"]) == (1, 1, 1, 4, True)
    assert facts["zooms"]["16"] is None
    code, said = run(image, *weights, "-q")
    assert code == 0
    assert said.splitlines() == [
        "zoom 17: ratio 1.000, 95 % interval 1.000 to 1.000, 4 lines: no seam shows",
        "zoom 16: no seam to measure",
        "zoom 15: no seam to measure",
        "no seam shows",
    ]


@pytest.mark.parametrize(
    ("model", "halo_px", "low"), [("series-small", 0, 1.5), ("lively", 0, 1.02), ("lively", 24, 1)]
)
def test_a_halo_too_small_is_caught_on_a_real_picture(
    lively_series: Path, tmp_path: Path, model: str, halo_px: int, low: float
) -> None:
    weights = SeriesWeights.read(str(lively_series) if model == "lively" else model)
    layers, part = banepa(weights, 17)
    layer = with_halo(layers[17], halo_px)
    found = ratio(tmp_path, layer, layer.shifted(), part)
    assert found.low >= low
    assert found.is_seamless == (halo_px == 24)


def test_seams_of_a_zoom_below_show_above(lively_series: Path, tmp_path: Path) -> None:
    layers, part = banepa(SeriesWeights.read(str(lively_series)), 16)
    layer = replace(layers[16], block_px=64, inputs=(with_halo(layers[17], 0),))
    assert ratio(tmp_path, layer, replace(layer, lattice_px=32), part).ratio == 1
    assert ratio(tmp_path, layer, layer.shifted(), part).ratio != 1


def with_halo(layer: Layer, halo_px: int) -> Layer:
    """Return a layer of small blocks whose generator is shown a halo of so many pixels."""
    assert isinstance(layer.step, Draw)
    drawer = replace(layer.step.drawer, halo_px=halo_px)
    return replace(layer, block_px=64, halo_px=drawer.reach_px, step=replace(layer.step, drawer=drawer))


def banepa(weights: SeriesWeights, zoom: int) -> tuple[dict[int, Layer], Window]:
    """Return the layers over the bundled sample, and a small built-up part of a zoom."""
    imagery = inspect(SAMPLE)
    zooms, whole = choose_zooms(imagery, (17, zoom)), map_window(imagery, zoom)
    finer = zoom - 16
    part = Window(whole.col + whole.width // 3, whole.row + whole.height // 3, 128 << finer, 96 << finer)
    return series_layers(imagery, weights, zooms, CPU), part


def ratio(folder: Path, layer: Layer, shifted: Layer, part: Window) -> SeamRatio:
    with Store(folder / "blocks") as store:
        loom = Loom(store)
        for weave in (layer, shifted):
            loom.make(weave, part)
        found = seam_ratio(loom.open(layer).read, loom.open(shifted).read, part, layer.block_px)
    assert found is not None
    return found


def test_an_image_within_one_block_has_no_seam(image: Path, tiny_series: Path) -> None:
    with rasterio.open(image) as file:
        left, top = file.transform @ (10, 10)
        right, bottom = file.transform @ (200, 150)
    bounds = f"{left},{bottom},{right},{top}"
    with pytest.raises(SourceError, match=r"town.tif: no seam to measure in 190 x 140 px at zoom 17: .* larger image"):
        run(image, "--model", tiny_series, "--bounds", bounds, "--zooms", "17")
    with pytest.raises(UsageError, match="zoom 42"):
        run(image, "--model", tiny_series, "--zooms", "42")
    with pytest.raises(UsageError, match="--bounds '1,2' has 2 numbers"):
        run(image, "--model", tiny_series, "--bounds", "1,2")
