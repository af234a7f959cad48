"""The steps of a training run, with checkpoints and validations on the way."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from accelerate import Accelerator

from earthloom.cartography.style import STYLE
from earthloom.data.pairs import Pair
from earthloom.data.sampler import Sampler
from earthloom.data.scenes import load
from earthloom.errors import InterruptedRunError
from earthloom.training import best, checkpoint
from earthloom.training.batches import Shares, batches
from earthloom.training.board import Board, sample_grid
from earthloom.training.config import TrainConfig
from earthloom.training.log import Bar, Log, progress
from earthloom.training.networks import learning_rate, preset
from earthloom.training.objective import Objective
from earthloom.training.predict import Labeller, labeller
from earthloom.training.validate import Report, at_resolution, validate


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Run:
    """One process's view of a run; only the first process writes."""

    config: TrainConfig
    """What decides it."""

    pairs: Sequence[Pair]
    """To train and to validate on."""

    out: Path
    """Its folder."""

    objective: Objective
    """Takes the steps."""

    accelerator: Accelerator
    """Knows the other processes."""

    board: Board | None
    """Curves and pictures, if asked for."""

    def learn(self, sampler: Sampler, done: int, *, quiet: bool) -> None:
        """Take the steps after `done`.

        Raises:
            InterruptedRunError: If the user stopped it; a checkpoint is kept.
        """
        config, step = self.config, done
        log = Log(self.out, done=done) if self.accelerator.is_main_process else None
        source = batches(sampler, self._shares(), first=done, last=config.num_steps, device=self.accelerator.device)
        try:
            with progress(config.num_steps, done, quiet=quiet or log is None) as bar:
                for group in source:
                    losses = self.objective.step(group, step)
                    self._report(log, bar, step, losses)
                    step += 1
                    self._keep(log, step)
        except KeyboardInterrupt as error:
            self._checkpoint(step)
            raise InterruptedRunError(f"stopped after step {step}; the same command with --resume goes on") from error
        finally:
            source.close()
            if log is not None:
                log.close()

    def validate(self, step: int) -> Report:
        """Validate the averaged generator after `step` steps; keep it where it is the best so far."""
        if not self.accelerator.is_main_process:
            return {}
        label = self._labeller()
        report = validate(self.pairs, label, palette=STYLE.palette, names=STYLE.names, gsd_m=self.config.gsd_m)
        if self.config.select is not None:
            average = self.objective.networks.average.module
            best.keep(self.out, step, best.figure(report, self.config.select), report, average)
        if self.board is not None:
            self._show(step, report, label)
        return report

    def _shares(self) -> Shares:
        return Shares(
            batch=self.config.batch,
            accumulate=self.config.accumulate,
            rank=self.accelerator.process_index,
            processes=self.accelerator.num_processes,
        )

    def _report(self, log: Log | None, bar: Bar, step: int, losses: dict[str, float]) -> None:
        phase = "warm" if step < self.config.warm_steps else "adversarial"
        bar.advance(phase, losses)
        values = {"lr": learning_rate(self.config, step), **losses}
        if log is not None:
            log.write(step + 1, phase=phase, **values)
        if self.board is not None:
            self.board.scalars(step + 1, values, prefix="train/")

    def _keep(self, log: Log | None, step: int) -> None:
        """Write a checkpoint and validate where the configuration says so."""
        config = self.config
        regular = config.validate_every and step % config.validate_every == 0
        if (regular or step == config.warm_steps) and step < config.num_steps:
            report = self.validate(step)
            if log is not None:
                log.write(step, validation=report)
        if step % config.checkpoint_every == 0 or step == config.num_steps:
            self._checkpoint(step)
        self.accelerator.wait_for_everyone()

    def _checkpoint(self, step: int) -> None:
        if self.accelerator.is_main_process:
            checkpoint.save(self.out, step, self.config, self.objective.networks)

    def _show(self, step: int, report: Report, label: Labeller) -> None:
        assert self.board is not None
        self.board.scalars(step, report, prefix="val/")
        shown = [pair for pair in self.pairs if pair.split == "val"] or self.pairs
        scenes = (at_resolution(load(pair, STYLE.palette), self.config.gsd_m) for pair in shown)
        self.board.samples(step, sample_grid(scenes, label))

    def _labeller(self) -> Labeller:
        generator = self.objective.networks.average.module.eval()
        return labeller(generator, preset(self.config), STYLE.palette, bf16=self.objective.bf16)
