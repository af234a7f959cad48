"""A training run from configuration and folders to weights.

A run's folder holds `run.json` (the configuration), `data.json` (what it was trained on), `log.jsonl`,
`state.safetensors` (for `--resume`), `validation.json` and the finished checkpoint folder `generator/`; with `select`
also `best.safetensors`, with TensorBoard `tensorboard/`. Several processes (`torchrun`) make the same steps as one with
all their crops.
"""

import json
import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from earthloom.cartography.style import STYLE
from earthloom.data.augment import Looks
from earthloom.data.pairs import Pair, read_pairs
from earthloom.data.sampler import Cropping, Sampler
from earthloom.data.survey import survey, table
from earthloom.errors import DataError, ModelError, UsageError
from earthloom.models import weights
from earthloom.models.pix2pixhd.receptive_field import halo_px, stride_px
from earthloom.nn.vgg import load_vgg19, perceptual_loss
from earthloom.training import best, checkpoint
from earthloom.training.board import Board
from earthloom.training.card import card
from earthloom.training.config import TrainConfig
from earthloom.training.device import accelerator_on, wants_bf16
from earthloom.training.networks import Networks, build, preset
from earthloom.training.objective import Objective, Perceptual
from earthloom.training.run import Run

RUN_FILE = "run.json"
DATA_FILE = "data.json"
VALIDATION_FILE = "validation.json"
GENERATOR = "generator"

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Runtime:
    """What may differ between machines without being another run."""

    device: str = "auto"
    """`auto`, `cpu` or `cuda`."""

    precision: str = "auto"
    """`auto`, `fp32` or `bf16`."""

    vgg19: Path | None = None
    """Weights of the perceptual term; None trains with feature matching only."""

    resume: bool = False
    """Go on from the folder's checkpoint if there is one."""

    init: Path | None = None
    """Checkpoint of a generator to start from instead of random weights."""

    tensorboard: bool = False
    """Curves and sample grids in `RUN/tensorboard`."""

    quiet: bool = False
    """No progress bar."""


def fit(name: str, config: TrainConfig, folders: Sequence[Path], out: Path, runtime: Runtime) -> Path:
    """Train a generator and save it.

    Args:
        name: Of the recipe, for the card.
        config: The run.
        folders: Folders of pairs (see `data.pairs`).
        out: The run's folder; made if missing.
        runtime: Device, precision, resuming.

    Returns:
        The checkpoint folder of the averaged generator.

    Raises:
        UsageError: If the settings do not fit, or `out` holds another run and resuming was not asked for.
        DataError: If the folders hold nothing to train on.
        TrainingError: If the checkpoint to resume is damaged or another run's.
        InterruptedRunError: If the user stopped it; a checkpoint is kept.
    """
    _check(config, out, runtime)
    pairs = [pair for folder in folders for pair in read_pairs(folder)]
    if config.select is not None:
        best.check_select(config.select, pairs, STYLE.names)
    sampler = _sampler(config, [pair for pair in pairs if pair.split == "train"])
    accelerator = accelerator_on(runtime.device)
    networks = build(config, accelerator.device)
    if runtime.init is not None:
        _begin_from(runtime.init, config, networks)
    objective = _objective(config, networks, accelerator.device, runtime)
    done = checkpoint.resume(out, config, networks) if runtime.resume else 0
    board = None
    if accelerator.is_main_process:
        surveys = survey(pairs, STYLE.palette, STYLE.names)
        _LOG.info("%s", table(surveys))
        out.mkdir(parents=True, exist_ok=True)
        _write(out / RUN_FILE, {"recipe": name, **asdict(config)})
        _write(out / DATA_FILE, [asdict(pack) for pack in surveys])
        board = Board(out, done=done) if runtime.tensorboard else None
    accelerator.wait_for_everyone()
    run = Run(config=config, pairs=pairs, out=out, objective=objective, accelerator=accelerator, board=board)
    try:
        run.learn(sampler, done, quiet=runtime.quiet)
        return _finish(run, name, folders)
    finally:
        if board is not None:
            board.close()


def _finish(run: Run, name: str, folders: Sequence[Path]) -> Path:
    """Validate and save the averaged generator, or the one that was best."""
    config, folder = run.config, run.out / GENERATOR
    step, report = config.num_steps, run.validate(config.num_steps) if config.num_steps else {}
    if run.accelerator.is_main_process:
        average = run.objective.networks.average.module
        if config.select is not None and config.num_steps:
            step, report = best.take(run.out, average)
        _write(run.out / VALIDATION_FILE, report)
        text = card(name, config, folders, step, report)
        weights.save(folder, preset(config), average, meta=_meta(config, name, step), card=text, overwrite=True)
    run.accelerator.wait_for_everyone()
    return folder


def _meta(config: TrainConfig, name: str, step: int) -> dict[str, Any]:
    model = preset(config)
    return {
        "role": config.role,
        "palette": [list(colour) for colour in STYLE.palette],
        "class_names": list(STYLE.names),
        "gsd_m": config.gsd_m,
        "halo_px": halo_px(model),
        "stride_px": stride_px(model),
        "recipe": name,
        "steps": step,
        "licence": config.licence,
    }


def _check(config: TrainConfig, out: Path, runtime: Runtime) -> None:
    stride = stride_px(preset(config))
    if config.crop_px % stride:
        raise UsageError(f"crop_px={config.crop_px} is no multiple of the stride {stride} of pix2pixhd/{config.model}")
    if (out / RUN_FILE).exists() and not runtime.resume:
        raise UsageError(f"{out} already holds a run; go on with --resume or choose another --out")


def _sampler(config: TrainConfig, pairs: list[Pair]) -> Sampler:
    if not pairs:
        raise DataError("no pair of the folders is in the train split; check the split column of index.csv")
    cropping = Cropping(
        size_px=config.crop_px,
        gsd_m=config.gsd_m,
        scale=config.scale,
        looks=Looks() if config.augment else None,
    )
    return Sampler(pairs, cropping=cropping, palette=STYLE.palette, weights=dict(config.weights), seed=config.seed)


def _objective(config: TrainConfig, networks: Networks, device: torch.device, runtime: Runtime) -> Objective:
    return Objective(
        config=config,
        networks=networks,
        palette=STYLE.palette,
        class_weights=_class_weights(config),
        device=device,
        bf16=wants_bf16(runtime.precision, device),
        perceptual=_perceptual(runtime.vgg19, device),
    )


def _begin_from(folder: Path, config: TrainConfig, networks: Networks) -> None:
    """Put trained weights into the generator and its average.

    Raises:
        ModelError: If the folder holds no generator of the run's architecture.
    """
    start = weights.load(folder, model="pix2pixhd", network="generator")
    if start.config != preset(config):
        raise ModelError(f"{folder} is another architecture than pix2pixhd/{config.model}; choose --set model=...")
    for module in (networks.generator, networks.average.module):
        module.load_state_dict(start.module.state_dict())


def _class_weights(config: TrainConfig) -> tuple[float, ...]:
    given = dict(config.class_weights)
    unknown = given.keys() - set(STYLE.names)
    if unknown:
        raise UsageError(f"class_weights names {sorted(unknown)[0]!r}; the classes are {', '.join(STYLE.names)}")
    return tuple(given.get(name, 1.0) for name in STYLE.names)


def _perceptual(path: Path | None, device: torch.device) -> Perceptual | None:
    if path is None:
        return None
    vgg19: Any = load_vgg19(path).to(device)
    return lambda fake_BCHW, real_BCHW: perceptual_loss(vgg19, fake_BCHW, real_BCHW)


def _write(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, indent=1) + "\n")
