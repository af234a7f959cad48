"""A training run from configuration and folders to weights.

A run's folder holds `run.json` (the configuration), `data.json` (what it was trained on), `log.jsonl`,
`state.safetensors` (for `--resume`), `validation.json` and the averaged network (`generator/`, `denoiser/`), until the
run is done that of the last checkpoint; with `select` also `best.safetensors`, with TensorBoard `tensorboard/`. Several
processes (`torchrun`) make the same steps as one with all their crops.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from earthloom.errors import UsageError
from earthloom.training import best, checkpoint
from earthloom.training.board import Board
from earthloom.training.config import TrainConfig
from earthloom.training.device import accelerator_on, wants_bf16
from earthloom.training.disk import replacing, writing
from earthloom.training.inputs import Inputs, sha256_of_file
from earthloom.training.regimes import regime_of
from earthloom.training.run import Run
from earthloom.training.runtime import Runtime

RUN_FILE = "run.json"
DATA_FILE = "data.json"
VALIDATION_FILE = "validation.json"


def fit(name: str, config: TrainConfig, folders: Sequence[Path], out: Path, runtime: Runtime) -> Path:
    """Train a network and save it.

    Args:
        name: Of the recipe, for the card.
        config: The run; its type decides the regime.
        folders: What the regime learns from: pairs (`data.pairs`) or catalogs (`data.catalog`).
        out: The run's folder; made if missing.
        runtime: Device, precision, resuming.

    Returns:
        The checkpoint folder of the averaged network.

    Raises:
        UsageError: If the settings do not fit, `out` is a file, it holds a run and resuming was not asked for, or it
            holds other weights.
        DataError: If the folders hold nothing to train on.
        ModelError: If weights that were named cannot be used.
        TrainingError: If the checkpoint to resume is damaged or of other settings or inputs, or `out` is not writable.
        InterruptedRunError: If the user stopped it; a checkpoint is kept.
    """
    if found := [path for path in (out, *out.parents) if path.exists() and not path.is_dir()]:
        raise UsageError(f"{found[0]} is a file, and a run is a folder; choose another --out")
    if (out / RUN_FILE).exists() and not runtime.resume:
        raise UsageError(f"{out} already holds a run; go on with --resume or choose another --out")
    accelerator = accelerator_on(runtime.device)
    regime = regime_of(config, folders, runtime, accelerator.device)
    if (out / regime.network).exists() and not (out / RUN_FILE).exists():
        raise UsageError(f"{out / regime.network} is there already, and no run of {out} made it; choose another --out")
    inputs = Inputs(
        data=regime.data_sha256(),
        vgg19=None if runtime.vgg19 is None else sha256_of_file(runtime.vgg19),
        init=None if runtime.init is None else checkpoint.begin_from(runtime.init, regime),
        precision="bf16" if wants_bf16(runtime.precision, accelerator.device) else "fp32",
        processes=accelerator.num_processes,
    )
    done, inputs = checkpoint.resume(out, config, inputs, regime.state) if runtime.resume else (0, inputs)
    board = None
    if accelerator.is_main_process:
        surveys = regime.survey()
        with writing(out):
            out.mkdir(parents=True, exist_ok=True)
        _write(out / RUN_FILE, {"recipe": name, **asdict(config)})
        _write(out / DATA_FILE, surveys)
        board = Board(out, done=done) if runtime.tensorboard else None
    accelerator.wait_for_everyone()
    run = Run(recipe=name, regime=regime, inputs=inputs, out=out, accelerator=accelerator, board=board)
    try:
        run.learn(done, runtime)
        return _finish(run)
    finally:
        if board is not None:
            board.close()


def _finish(run: Run) -> Path:
    """Validate and save the averaged network, or the one that was best."""
    config = run.config
    step, report = config.num_steps, run.validate(config.num_steps) if config.num_steps else {}
    if run.accelerator.is_main_process:
        if config.select is not None and config.num_steps:
            step, report = best.take(run.out, run.regime.average)
        _write(run.out / VALIDATION_FILE, report)
        run.save(step, report)
    run.accelerator.wait_for_everyone()
    return run.folder


def _write(path: Path, value: Any) -> None:
    with replacing(path) as fresh:
        fresh.write_text(json.dumps(value, indent=1) + "\n")
