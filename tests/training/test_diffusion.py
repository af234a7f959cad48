import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from earthloom.errors import DataError, EarthloomError, ModelError, TrainingError, UsageError
from earthloom.models import weights
from earthloom.models.metaearth.config import AS_PUBLISHED, FEW_STEPS
from earthloom.nn.diffusion import BETAS, NUM_STEPS, Noising
from earthloom.training import log
from earthloom.training.card import data_section
from earthloom.training.diffusion.config import DiffusionConfig
from earthloom.training.diffusion.objective import Objective
from earthloom.training.diffusion.regime import Diffusion, diffusion
from earthloom.training.diffusion.samples import Samples, draw
from earthloom.training.fit import fit
from earthloom.training.recipes import recipe
from earthloom.training.runtime import Runtime

CPU = Runtime(device="cpu", precision="fp32", quiet=True)
DEVICE = torch.device("cpu")
SHORT = replace(recipe("metaearth-tiny"), crop_px=16, steps=6, rise_steps=2, checkpoint_every=1, judged=2)


def _records(out: Path) -> list[dict[str, object]]:
    return [record for record in log.read(out) if "phase" in record]


def _regime(config: DiffusionConfig, catalog: Path) -> Diffusion:
    return diffusion(config, [catalog], CPU, DEVICE)


@pytest.mark.parametrize("spoiled", ["loss", "weights"])
def test_a_training_that_diverges_stops_and_keeps_what_was_good(
    spoiled: str, catalog: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Diffusion.learn

    def learn(self: Diffusion, batches: list[Samples], step: int) -> dict[str, float]:
        losses = real(self, batches, step)
        if step == 3 and spoiled == "weights":
            next(self.average.parameters()).data.fill_(math.inf)
        return {"loss": math.nan} if step == 3 and spoiled == "loss" else losses

    monkeypatch.setattr(Diffusion, "learn", learn)
    with pytest.raises(TrainingError, match=r"(loss is nan|\w is not finite) in step 4: the training has diverged"):
        fit("metaearth-tiny", SHORT, [catalog], tmp_path / "run", CPU)
    assert weights.load(tmp_path / "run" / "denoiser").meta["steps"] == 3
    monkeypatch.undo()
    fit("metaearth-tiny", SHORT, [catalog], tmp_path / "run", replace(CPU, resume=True))
    assert [record["step"] for record in _records(tmp_path / "run")] == [1, 2, 3, 4, 5, 6]


class Half(nn.Module):
    """Answers half of what it sees."""

    def forward(self, x: torch.Tensor, t: torch.Tensor, gsd: torch.Tensor, lr: torch.Tensor) -> torch.Tensor:
        return x / 2


@pytest.mark.parametrize(
    ("noising", "kappa", "gamma"), [(AS_PUBLISHED, 1.0, 1.0), (AS_PUBLISHED, 2.0, 0.5), (FEW_STEPS, 2.0, 0.5)]
)
def test_losses_are_those_of_a_slow_computation(noising: Noising, kappa: float, gamma: float) -> None:
    rng = np.random.default_rng(0)
    samples = Samples(
        hr_BHW3=rng.integers(0, 256, (3, 4, 4, 3), np.uint8),
        lr_Bhw3=rng.integers(0, 256, (3, 1, 1, 3), np.uint8),
        gsd_B=np.ones(3, np.float32),
        t_B=np.array([0, 400, 999]),
        noise_BHW3=rng.standard_normal((3, 4, 4, 3), np.float32),
    )
    objective = Objective(noising=noising, kappa=kappa, gamma=gamma, device=DEVICE, bf16=False)
    losses = objective.losses(Half(), samples).tolist()
    for index, t in enumerate(samples.t_B):
        abar = _abar(int(t), noising)
        error = 0.0
        for pixel, eps in zip(samples.hr_BHW3[index].ravel(), samples.noise_BHW3[index].ravel(), strict=True):
            x0 = int(pixel) / 127.5 - 1.0
            noisy = math.sqrt(abar) * x0 + math.sqrt(1.0 - abar) * eps
            wanted = eps if noising.prediction == "epsilon" else math.sqrt(abar) * eps - math.sqrt(1.0 - abar) * x0
            error += (noisy / 2 - wanted) ** 2 / 48
        weight = 1.0 if noising.prediction == "v" else 1.0 / (kappa + abar / (1.0 - abar)) ** gamma
        assert losses[index] == pytest.approx(weight * error, rel=1e-5)


def _abar(t: int, noising: Noising) -> float:
    """Multiply up; bring the last step to pure noise by the line through the first and last root, if wanted."""
    products, product = [], 1.0
    for index in range(NUM_STEPS):
        product *= 1.0 - (BETAS[0] + (BETAS[1] - BETAS[0]) * index / (NUM_STEPS - 1))
        products.append(product)
    if not noising.zero_terminal_snr:
        return products[t]
    first, last = math.sqrt(products[0]), math.sqrt(products[-1])
    return ((math.sqrt(products[t]) - last) * first / (first - last)) ** 2


def test_samples_are_a_function_of_seed_step_and_index(catalog: Path) -> None:
    sampler = _regime(SHORT, catalog).sampler
    whole, parts = draw(sampler, 7, range(4)), [draw(sampler, 7, range(2)), draw(sampler, 7, range(2, 4))]
    for name in ("hr_BHW3", "lr_Bhw3", "gsd_B", "t_B", "noise_BHW3"):
        assert np.array_equal(getattr(whole, name), np.concatenate([getattr(part, name) for part in parts]))
    other = draw(_regime(replace(SHORT, seed=1), catalog).sampler, 7, range(4))
    assert not np.array_equal(whole.noise_BHW3, other.noise_BHW3)
    quick = _regime(replace(SHORT, clean_share=1.0), catalog).sampler
    many = [draw(quick, step, range(8)) for step in range(60)]
    t, gsd_m = np.concatenate([each.t_B for each in many]), np.concatenate([each.gsd_B for each in many])
    assert set(gsd_m) == {4.0, 16.0, 64.0}  # the coarse pixels of 1, 4 and 16 m
    for level_m in set(gsd_m):  # steps and levels know nothing of each other
        assert abs(t[gsd_m == level_m].mean() - 499.5) < 4 * 288.7 / math.sqrt(np.count_nonzero(gsd_m == level_m))


def test_clean_pictures_are_averages(catalog: Path) -> None:
    samples = draw(_regime(replace(SHORT, clean_share=1.0), catalog).sampler, 0, range(4))
    averages = samples.hr_BHW3.reshape(4, 4, 4, 4, 4, 3).mean(axis=(2, 4))
    assert np.abs(samples.lr_Bhw3 - averages).max() <= 0.5
    degraded = draw(_regime(replace(SHORT, clean_share=0.0), catalog).sampler, 0, range(4))
    assert (np.abs(degraded.lr_Bhw3 - averages) > 0.5).any(axis=(1, 2, 3)).all()


def test_a_run_learns_and_leaves_a_checkpoint_that_loads(catalog: Path, tmp_path: Path) -> None:
    config = replace(SHORT, steps=60, lr=5e-3, clean_share=1.0, ema_decay=0.9, judged=8, checkpoint_every=60)
    folder = fit("metaearth-tiny", config, [catalog], tmp_path / "run", CPU)
    losses = [float(str(record["loss"])) for record in _records(tmp_path / "run")]
    assert sum(losses[-15:]) < 0.75 * sum(losses[:15])
    loaded = weights.load(folder, model="metaearth", network="denoiser")
    assert (loaded.meta["role"], loaded.meta["factor"], loaded.meta["levels_m"]) == ("cascade", 4, [1.0, 4.0, 16.0])
    assert (loaded.meta["resolution"], loaded.meta["steps"]) == ("input", 60)
    report = json.loads((tmp_path / "run" / "validation.json").read_text())
    assert report["samples"] == {"1m": 8, "4m": 8, "16m": 8}
    assert report["loss"]["mean"] == pytest.approx(sum(report["loss"][f"{level}m"] for level in (1, 4, 16)) / 3)
    assert loaded.card is not None
    assert "patches: CC0-1.0. Drawn by the tests" in loaded.card
    assert f"| 4m | {report['loss']['4m']:.4f} | 8 |" in loaded.card


@pytest.mark.parametrize("catalog", [(64.0,)], indirect=True)
def test_64_m_is_a_level_like_any_other(catalog: Path, tmp_path: Path) -> None:
    fit("x", replace(SHORT, levels_m=(64.0,), steps=2), [catalog], tmp_path / "run", CPU)
    assert [math.isfinite(float(str(record["loss"]))) for record in _records(tmp_path / "run")] == [True, True]
    assert weights.load(tmp_path / "run" / "denoiser").meta["levels_m"] == [64.0]


def test_a_card_credits_a_pack_once_also_by_a_single_shard(catalog: Path) -> None:
    (shard,) = catalog.glob("*.tar")
    expected = "- patches: CC0-1.0. Drawn by the tests"
    assert data_section([catalog, shard], unknown="?") == ["", "## Data", "", expected]


@pytest.mark.parametrize("stop", [1, 4])
def test_a_resumed_run_is_the_unbroken_one_bit_for_bit(
    catalog: Path, tmp_path: Path, stop: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = replace(SHORT, accumulate=2, clip_norm=0.1)
    fit("x", config, [catalog], tmp_path / "whole", CPU)
    learn = Diffusion.learn

    def killed(self: Diffusion, batches: list[Samples], step: int) -> dict[str, float]:
        if step == stop:
            raise RuntimeError("killed")
        return learn(self, batches, step)

    with monkeypatch.context() as patch:
        patch.setattr(Diffusion, "learn", killed)
        with pytest.raises(RuntimeError, match="killed"):
            fit("x", config, [catalog], tmp_path / "parts", CPU)
    fit("x", config, [catalog], tmp_path / "parts", replace(CPU, resume=True))
    assert _records(tmp_path / "parts") == _records(tmp_path / "whole")
    one, two = ((tmp_path / name / "denoiser" / "model.safetensors").read_bytes() for name in ("whole", "parts"))
    assert one == two


def test_accumulated_batches_have_the_gradients_of_one(catalog: Path) -> None:
    found = []
    for parts in ([range(4)], [range(2), range(2, 4)]):
        regime = _regime(replace(SHORT, accumulate=len(parts)), catalog)
        for step in range(2):  # the head begins with zeros: before the first step nothing else has a gradient
            regime.learn([regime.draw(step, part) for part in parts], step)
        gradients = [parameter.grad for parameter in regime.networks.denoiser.parameters()]
        found.append(torch.cat([gradient.flatten() for gradient in gradients if gradient is not None]))
    torch.testing.assert_close(found[0], found[1], rtol=1e-4, atol=1e-6)


def test_the_average_forgets_fast_at_first(catalog: Path) -> None:
    regime = _regime(replace(SHORT, ema_decay=0.3), catalog)
    parameter, average = (next(net.parameters()) for net in (regime.networks.denoiser, regime.average))
    expected = None
    for step in range(5):
        regime.learn([regime.draw(step, range(1))], step)
        keep = min(0.3, (1 + step) / (10 + step))
        now = parameter.detach().clone()
        expected = now if expected is None else keep * expected + (1 - keep) * now
        torch.testing.assert_close(average.detach(), expected)


def test_the_weights_with_the_smallest_loss_are_kept(catalog: Path, tmp_path: Path) -> None:
    config = replace(SHORT, validate_every=1, select="4m", lr=0.3, ema_decay=0.0, clip_norm=None)
    folder = fit("x", config, [catalog], tmp_path / "run", CPU)
    seen = {r["step"]: r["validation"]["loss"]["4m"] for r in log.read(tmp_path / "run") if "validation" in r}
    report = json.loads((tmp_path / "run" / "validation.json").read_text())
    step = weights.load(folder).meta["steps"]
    assert report["loss"]["4m"] <= min(seen.values())
    assert report["loss"]["4m"] == seen.get(step, report["loss"]["4m"])


def test_a_run_can_start_from_a_trained_denoiser(catalog: Path, tmp_path: Path) -> None:
    trained = fit("x", SHORT, [catalog], tmp_path / "run", CPU)
    init = replace(CPU, init=str(trained))
    again = fit("x", replace(SHORT, steps=0, seed=5), [catalog], tmp_path / "again", init)
    assert (again / "model.safetensors").read_bytes() == (trained / "model.safetensors").read_bytes()
    with pytest.raises(ModelError, match="another architecture than metaearth/small"):
        fit("x", replace(SHORT, model="small"), [catalog], tmp_path / "other", init)


def test_a_board_shows_losses_by_level_and_what_is_made(catalog: Path, tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    fit("x", replace(SHORT, steps=1), [catalog], tmp_path / "run", replace(CPU, tensorboard=True))
    events = EventAccumulator(str(tmp_path / "run" / "tensorboard")).Reload()
    assert [event.step for event in events.Scalars("val/loss/16m")] == [1]
    (picture,) = events.Images("coarse | generated | true")
    assert (picture.width, picture.height) == (3 * 16, 3 * 2 * 16)


@pytest.mark.parametrize(
    ("change", "runtime", "error", "words"),
    [
        ({"model": "huge"}, CPU, UsageError, "no metaearth preset 'huge'; there are tiny, small"),
        ({"crop_px": 18}, CPU, UsageError, "crop_px=18 is no multiple of 4, as metaearth/tiny wants it"),
        ({"crop_px": 32}, CPU, DataError, "has 24x24 px, a crop has 32; choose a smaller crop_px"),
        ({"levels_m": (1.0, 64.0)}, CPU, DataError, "no block has about 64 m per pixel"),
        ({"select": "64m"}, CPU, UsageError, "select=64m: no such figure; there are mean, 1m, 4m, 16m"),
        ({}, replace(CPU, vgg19=Path("vgg.pth")), UsageError, "--vgg19 is for maps"),
        ({}, replace(CPU, init="nowhere"), ModelError, "no model 'nowhere': there are metaearth-small"),
        ({}, replace(CPU, init="series-small"), ModelError, "name one of series-small/m2m, series-small/r2m-17"),
        ({}, replace(CPU, init="metaearth-small"), ModelError, "of another architecture than metaearth/tiny"),
    ],
)
def test_what_cannot_train_is_refused(
    catalog: Path,
    tmp_path: Path,
    change: dict[str, object],
    runtime: Runtime,
    error: type[EarthloomError],
    words: str,
) -> None:
    with pytest.raises(error, match=words):
        fit("x", replace(SHORT, **change), [catalog], tmp_path / "run", runtime)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("splits", "words"),
    [
        ({"val": "test"}, "select=mean: no block is in the val split"),
        ({"train": "test"}, "no block of the catalogs is in the train split"),
    ],
)
def test_a_split_without_blocks_is_named(
    catalog: Path, splits: dict[str, str], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from earthloom.data.catalog import read_catalog
    from earthloom.training.diffusion import regime

    moved = [replace(block, split=splits.get(block.split, block.split)) for block in read_catalog(catalog)]
    monkeypatch.setattr(regime, "read_catalog", lambda _: moved)
    with pytest.raises(EarthloomError, match=words):
        _regime(replace(SHORT, select="mean"), catalog)


def test_a_site_on_both_sides_is_refused(catalog: Path) -> None:
    regime = _regime(SHORT, catalog)
    moved = [replace(block, site="everywhere") for block in regime.blocks]
    with pytest.raises(DataError, match="patches: site 'everywhere' is in both splits"):
        replace(regime, blocks=moved).survey()
