"""A training run from configuration and folders to weights.

A run's folder holds `run.json` (the configuration), `log.jsonl`, `state.safetensors` (for `--resume`),
`validation.json` and the finished checkpoint folder `generator/`.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from accelerate import Accelerator

from earthloom.cartography.style import STYLE
from earthloom.data.augment import Looks
from earthloom.data.pairs import Pair, read_pairs
from earthloom.data.sampler import Cropping, Sampler
from earthloom.errors import DataError, InterruptedRunError, ModelError, UsageError
from earthloom.models import weights
from earthloom.models.pix2pixhd.receptive_field import halo_px, stride_px
from earthloom.nn.vgg import load_vgg19, perceptual_loss
from earthloom.training import checkpoint
from earthloom.training.batches import batches
from earthloom.training.card import card
from earthloom.training.config import TrainConfig
from earthloom.training.device import accelerator_on, wants_bf16
from earthloom.training.log import Bar, Log, progress
from earthloom.training.networks import Networks, build, learning_rate, preset
from earthloom.training.objective import Objective, Perceptual
from earthloom.training.predict import labeller
from earthloom.training.validate import Report, validate

RUN_FILE = "run.json"
VALIDATION_FILE = "validation.json"
GENERATOR = "generator"


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
    sampler = _sampler(config, [pair for pair in pairs if pair.split == "train"])
    accelerator = accelerator_on(runtime.device)
    networks = build(config, accelerator)
    if runtime.init is not None:
        _begin_from(runtime.init, config, networks, accelerator)
    out.mkdir(parents=True, exist_ok=True)
    done = checkpoint.resume(out, config, networks, accelerator) if runtime.resume else 0
    (out / RUN_FILE).write_text(json.dumps({"recipe": name, **asdict(config)}, indent=1) + "\n")
    objective = Objective(
        config=config,
        networks=networks,
        accelerator=accelerator,
        palette=STYLE.palette,
        class_weights=_class_weights(config),
        bf16=wants_bf16(runtime.precision, accelerator.device),
        perceptual=_perceptual(runtime.vgg19, accelerator),
    )
    run = _Run(config=config, pairs=pairs, out=out, objective=objective, accelerator=accelerator)
    run.learn(sampler, done, quiet=runtime.quiet)
    return run.finish(name, folders)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Run:
    config: TrainConfig
    pairs: list[Pair]
    out: Path
    objective: Objective
    accelerator: Accelerator

    def learn(self, sampler: Sampler, done: int, *, quiet: bool) -> None:
        """Take the steps that are left, with checkpoints and validations on the way."""
        config, step = self.config, done
        log = Log(self.out, done=done)
        source = batches(
            sampler,
            batch=config.batch,
            first=done,
            last=config.num_steps,
            rank=self.accelerator.process_index,
            device=self.accelerator.device,
        )
        try:
            with progress(config.num_steps, done, quiet=quiet) as bar:
                for batch in source:
                    losses = self.objective.step(batch, step)
                    self._report(log, bar, step, losses)
                    step += 1
                    self._keep(log, step)
        except KeyboardInterrupt as error:
            self._checkpoint(step)
            raise InterruptedRunError(f"stopped after step {step}; the same command with --resume goes on") from error
        finally:
            source.close()
            log.close()

    def finish(self, name: str, folders: Sequence[Path]) -> Path:
        """Validate and save the averaged generator."""
        report = self._validate() if self.config.num_steps else {}
        model = preset(self.config)
        folder = self.out / GENERATOR
        if self.accelerator.is_main_process:
            (self.out / VALIDATION_FILE).write_text(json.dumps(report, indent=1) + "\n")
            meta = {
                "role": self.config.role,
                "palette": [list(colour) for colour in STYLE.palette],
                "class_names": list(STYLE.names),
                "gsd_m": self.config.gsd_m,
                "halo_px": halo_px(model),
                "stride_px": stride_px(model),
                "recipe": name,
                "steps": self.config.num_steps,
                "licence": self.config.licence,
            }
            text = card(name, self.config, folders, report)
            module = self.objective.networks.average.module
            weights.save(folder, model, module, meta=meta, card=text, overwrite=folder.exists())
        return folder

    def _report(self, log: Log, bar: Bar, step: int, losses: dict[str, float]) -> None:
        phase = "warm" if step < self.config.warm_steps else "adversarial"
        bar.advance(phase, losses)
        if self.accelerator.is_main_process:
            log.write(step + 1, phase=phase, lr=learning_rate(self.config, step), **losses)

    def _keep(self, log: Log, step: int) -> None:
        """Write a checkpoint and validate where the configuration says so."""
        config = self.config
        if step % config.checkpoint_every == 0 or step == config.num_steps:
            self._checkpoint(step)
        regular = config.validate_every and step % config.validate_every == 0
        if (regular or step == config.warm_steps) and step < config.num_steps:
            log.write(step, validation=self._validate())

    def _checkpoint(self, step: int) -> None:
        if self.accelerator.is_main_process:
            checkpoint.save(self.out, step, self.config, self._networks, self.accelerator)

    def _validate(self) -> Report:
        if not any(pair.split == "val" for pair in self.pairs):
            return {}
        label = labeller(
            self._networks.average.module.eval(), preset(self.config), STYLE.palette, bf16=self.objective.bf16
        )
        return validate(self.pairs, label, palette=STYLE.palette, names=STYLE.names, gsd_m=self.config.gsd_m)

    @property
    def _networks(self) -> Networks:
        return self.objective.networks


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


def _begin_from(folder: Path, config: TrainConfig, networks: Networks, accelerator: Accelerator) -> None:
    """Put trained weights into the generator and its average.

    Raises:
        ModelError: If the folder holds no generator of the run's architecture.
    """
    start = weights.load(folder, model="pix2pixhd", network="generator")
    if start.config != preset(config):
        raise ModelError(f"{folder} is another architecture than pix2pixhd/{config.model}; choose --set model=...")
    for module in (accelerator.unwrap_model(networks.generator), networks.average.module):
        module.load_state_dict(start.module.state_dict())


def _class_weights(config: TrainConfig) -> tuple[float, ...]:
    given = dict(config.class_weights)
    unknown = given.keys() - set(STYLE.names)
    if unknown:
        raise UsageError(f"class_weights names {sorted(unknown)[0]!r}; the classes are {', '.join(STYLE.names)}")
    return tuple(given.get(name, 1.0) for name in STYLE.names)


def _perceptual(path: Path | None, accelerator: Accelerator) -> Perceptual | None:
    if path is None:
        return None
    vgg19: Any = load_vgg19(path).to(accelerator.device)
    return lambda fake_BCHW, real_BCHW: perceptual_loss(vgg19, fake_BCHW, real_BCHW)
