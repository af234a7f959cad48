import json
import math
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from earthloom.errors import DataError, ModelError, TrainingError, UsageError
from earthloom.models import weights
from earthloom.training import best, log
from earthloom.training.fit import fit
from earthloom.training.maps.config import MapsConfig
from earthloom.training.recipes import recipe
from earthloom.training.runtime import Runtime

CPU = Runtime(device="cpu", precision="fp32", quiet=True)
SHORT = replace(
    recipe("series-tiny"), crop_px=32, warm_steps=4, adversarial_steps=2, checkpoint_every=3, augment=False, weights=()
)


def _losses(out: Path) -> list[dict[str, object]]:
    return [record for record in log.read(out) if "phase" in record]


def test_a_run_learns_and_leaves_a_checkpoint_that_loads(pairs: Path, tmp_path: Path) -> None:
    config = replace(SHORT, warm_steps=80, adversarial_steps=6, warm_lr=5e-3, ema_decay=0.8, scale=(1.0, 1.0))
    folder = fit("series-tiny", config, [pairs], tmp_path / "run", CPU)
    losses = [float(str(record["labels"])) for record in _losses(tmp_path / "run")]
    assert sum(losses[60:80]) / 20 < 0.75 * sum(losses[:10]) / 10
    assert {"discriminator", "adversarial", "features"} <= {
        key for record in _losses(tmp_path / "run") for key in record
    }
    loaded = weights.load(folder, model="pix2pixhd", network="generator")
    assert (loaded.meta["role"], loaded.meta["class_names"][1], len(loaded.meta["palette"])) == ("r2m", "road", 5)
    report = json.loads((tmp_path / "run" / "validation.json").read_text())
    assert report["full"]["n_labelled"] == 72 * 72
    assert report["full"]["accuracy"] > 0.5
    assert loaded.card is not None
    assert "| land |" in loaded.card


@pytest.mark.parametrize(("name", "data"), [("series-tiny", "pairs"), ("metaearth-tiny", "catalog")])
def test_who_draws_the_samples_does_not_matter(
    name: str, data: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    folder = request.getfixturevalue(data)
    short = {"series-tiny": SHORT, "metaearth-tiny": replace(recipe("metaearth-tiny"), crop_px=16, steps=4, judged=1)}
    for workers in (0, 2):
        fit(name, short[name], [folder], tmp_path / str(workers), replace(CPU, workers=workers))
    assert _losses(tmp_path / "0") == _losses(tmp_path / "2")
    with pytest.raises(UsageError, match="--workers -1: want at least 0"):
        replace(CPU, workers=-1)


@pytest.mark.parametrize("stop", [3, 4, 5])
def test_a_resumed_run_has_the_losses_of_an_unbroken_one(pairs: Path, tmp_path: Path, stop: int) -> None:
    config = replace(SHORT, augment=True, checkpoint_every=1)
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    fit("series-tiny", config, [pairs], whole, CPU)
    _stop_after(stop, config, pairs, parts)
    fit("series-tiny", config, [pairs], parts, replace(CPU, resume=True))
    assert _losses(parts) == _losses(whole)
    one, two = (weights.load(out / "generator").module.state_dict() for out in (whole, parts))
    assert all(torch.equal(one[key], two[key]) for key in one)


def _stop_after(steps: int, config: MapsConfig, pairs: Path, out: Path) -> None:
    """Leave what a kill after some steps leaves, and a little more in the log."""
    from earthloom.training.maps import objective

    taken = objective.Objective.step

    def step(self: objective.Objective, batch: object, number: int) -> dict[str, float]:
        if number == steps:
            raise RuntimeError("killed")
        return taken(self, batch, number)  # type: ignore[arg-type]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(objective.Objective, "step", step)
        with pytest.raises(RuntimeError, match="killed"):
            fit("series-tiny", config, [pairs], out, CPU)
    with (out / log.FILE).open("a") as file:
        file.write(json.dumps({"step": steps + 1, "phase": "warm", "labels": -1.0}) + '\n{"step": 9')


def test_the_paper_recipe_learns_from_a_plain_folder(
    plain: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from earthloom.models.pix2pixhd import config as presets

    tiny_rgb = replace(presets.TINY, head="rgb", out_channels=3, norm="instance")
    monkeypatch.setitem(presets.PRESETS, "tiny", tiny_rgb)
    config = replace(recipe("pix2pixhd-paper"), model="tiny", crop_px=32, adversarial_steps=2)
    folder = fit("pix2pixhd-paper", config, [plain], tmp_path / "run", CPU)
    assert weights.load(folder).config.head == "rgb"
    with pytest.raises(UsageError, match="paints RGB and has no classes"):
        fit("x", replace(config, warm_steps=1), [plain], tmp_path / "other", CPU)


def test_a_palette_learns_from_the_discriminator_alone(plain: Path, tmp_path: Path) -> None:
    fit("series-tiny", replace(SHORT, warm_steps=1, label_weight=0.0), [plain], tmp_path / "run", CPU)
    assert set(_losses(tmp_path / "run")[-1]) == {"step", "phase", "lr", "discriminator", "adversarial", "features"}


def test_a_run_is_not_overwritten_and_not_mixed(pairs: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    fit("series-tiny", SHORT, [pairs], out, CPU)
    with pytest.raises(UsageError, match="already holds a run; go on with --resume"):
        fit("series-tiny", SHORT, [pairs], out, CPU)
    with pytest.raises(TrainingError, match="batch=2, this one has batch=3"):
        fit("series-tiny", replace(SHORT, batch=3), [pairs], out, replace(CPU, resume=True))
    (out / "state.safetensors").write_bytes(b"nothing")
    with pytest.raises(TrainingError, match="cannot be read"):
        fit("series-tiny", SHORT, [pairs], out, replace(CPU, resume=True))
    (out / "run.json").unlink()
    with pytest.raises(UsageError, match="generator is there already, and no run of .* made it"):
        fit("series-tiny", SHORT, [pairs], out, CPU)


@pytest.mark.parametrize(
    ("change", "runtime", "error", "words"),
    [
        ({"model": "huge"}, CPU, UsageError, "no pix2pixhd preset 'huge'"),
        ({"crop_px": 33}, CPU, UsageError, "no multiple of the stride"),
        ({"weights": (("full", 0.0), ("partial", 0.0))}, CPU, DataError, "weight above 0"),
        ({}, replace(CPU, device="tpu"), UsageError, "'tpu' is not one of auto, cpu, cuda"),
        ({}, replace(CPU, precision="fp8"), UsageError, "'fp8' is not one of auto, fp32, bf16"),
        ({}, replace(CPU, vgg19=Path("no.pth")), ModelError, "no VGG19 weights at no.pth"),
    ],
)
def test_what_cannot_train_is_refused(
    pairs: Path, tmp_path: Path, change: dict[str, object], runtime: Runtime, error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        fit("series-tiny", replace(SHORT, **change), [pairs], tmp_path / "run", runtime)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "changes", "data", "network"),
    [
        ("series-tiny", "warm_steps=1, adversarial_steps=1, crop_px=32", "plain", "generator"),
        ("metaearth-tiny", "steps=1, judged=1, crop_px=16", "catalog", "denoiser"),
    ],
)
def test_images_train_without_the_geospatial_packages(
    name: str, changes: str, data: str, network: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    folder = request.getfixturevalue(data)
    script = f"""
import sys
class Block:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {{"rasterio", "pyproj", "morecantile", "pydantic", "affine", "rio_cogeo"}}:
            raise ImportError("blocked: " + name)
sys.meta_path.insert(0, Block())
from dataclasses import replace
from pathlib import Path
from earthloom.training.fit import fit
from earthloom.training.recipes import recipe
from earthloom.training.runtime import Runtime
config = replace(recipe({name!r}), {changes})
fit({name!r}, config, [Path({str(folder)!r})], Path({str(tmp_path / "run")!r}), Runtime(device="cpu", quiet=True))
"""
    done = subprocess.run([sys.executable, "-c", script], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "run" / network / "model.safetensors").is_file()


def test_a_run_can_start_from_trained_weights(pairs: Path, tmp_path: Path) -> None:
    trained = fit("series-tiny", SHORT, [pairs], tmp_path / "run", CPU)
    still = replace(SHORT, warm_steps=0, adversarial_steps=0, seed=5)
    again = fit("series-tiny", still, [pairs], tmp_path / "again", replace(CPU, init=str(trained)))
    assert (again / "model.safetensors").read_bytes() == (trained / "model.safetensors").read_bytes()
    with pytest.raises(ModelError, match="another architecture than pix2pixhd/small-m2m"):
        fit("m", replace(still, model="small-m2m"), [pairs], tmp_path / "other", replace(CPU, init=str(trained)))


def test_a_figure_that_is_no_number_is_worse_than_any(tmp_path: Path) -> None:
    module = torch.nn.Linear(1, 1)
    for step, value, kept in ((1, math.nan, 1), (2, 0.5, 2), (3, math.nan, 2), (4, 0.4, 2), (5, 0.6, 5)):
        best.keep(tmp_path, step, value, {}, module)
        assert best.take(tmp_path, module)[0] == kept


def test_the_best_weights_are_kept_and_said(pairs: Path, tmp_path: Path) -> None:
    config = replace(SHORT, warm_steps=8, adversarial_steps=0, validate_every=2, select="full/mean_iou", ema_decay=0.5)
    config = replace(config, warm_lr=0.05, warm_schedule="constant")
    folder = fit("series-tiny", config, [pairs], tmp_path / "run", CPU)
    seen = {r["step"]: r["validation"]["full"]["mean_iou"] for r in log.read(tmp_path / "run") if "validation" in r}
    report = json.loads((tmp_path / "run" / "validation.json").read_text())
    assert report["full"]["mean_iou"] >= max(seen.values())
    step = weights.load(folder).meta["steps"]
    assert report["full"]["mean_iou"] == seen.get(step, report["full"]["mean_iou"])
    assert f"weights of step {step}, best at full/mean_iou" in (folder / "card.md").read_text()
    for select, words in (("none/road", "no pair of 'none' is in the val split"), ("full/roads", "no figure 'roads'")):
        with pytest.raises(UsageError, match=words):
            fit("x", replace(config, select=select), [pairs], tmp_path / "other", CPU)


def test_accumulated_equal_batches_are_one_and_a_clipped_gradient_is_short(pairs: Path, tmp_path: Path) -> None:
    from earthloom.training.maps.batch import Batch
    from earthloom.training.maps.regime import maps

    generator = torch.Generator().manual_seed(0)
    x = torch.rand((2, 3, 32, 32), generator=generator) * 2 - 1
    batch = Batch(x, torch.randint(1, 4, (2, 32, 32), generator=generator).to(torch.uint8), x)
    found = []
    for group, accumulate, clip_norm in (([batch], 1, None), ([batch, batch], 2, None), ([batch], 1, 0.5)):
        config = replace(SHORT, accumulate=accumulate, clip_norm=clip_norm)
        regime = maps(config, [pairs], CPU, torch.device("cpu"))
        regime.learn(group, 0)
        parameters = regime.objective.networks.generator.parameters()
        found.append(torch.cat([p.grad.flatten() for p in parameters if p.grad is not None]))
    torch.testing.assert_close(found[0], found[1], rtol=1e-5, atol=1e-6)
    assert found[0].norm() > 0.5
    torch.testing.assert_close(found[2], found[0] * (0.5 / found[0].norm()), rtol=1e-4, atol=1e-7)


def test_a_run_on_a_board_shows_curves_and_samples(pairs: Path, tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    fit("series-tiny", SHORT, [pairs], tmp_path / "run", replace(CPU, tensorboard=True))
    events = EventAccumulator(str(tmp_path / "run" / "tensorboard")).Reload()
    assert [event.step for event in events.Scalars("train/labels")] == [1, 2, 3, 4, 5, 6]
    assert [event.step for event in events.Scalars("val/full/iou/road")] == [4, 6]
    (first, _) = events.Images("image | generated | true")
    assert (first.width, first.height) == (3 * 256, 256)


def test_shards_train_as_their_folder_does(pairs: Path, tmp_path: Path) -> None:
    from earthloom.data.build import build_shards

    build_shards(pairs, tmp_path / "shards", shard_bytes=10_000)
    for name, data in (("folder", pairs), ("shards", tmp_path / "shards")):
        fit("series-tiny", SHORT, [data], tmp_path / name, CPU)
    assert _losses(tmp_path / "folder") == _losses(tmp_path / "shards")
