"""The steps of a training run, with checkpoints and validations on the way."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any

from accelerate import Accelerator

from earthloom.errors import InterruptedRunError, TrainingError
from earthloom.models.weights import not_finite
from earthloom.training import best, checkpoint
from earthloom.training.batches import Shares, Steps, drawn
from earthloom.training.board import Board
from earthloom.training.config import TrainConfig
from earthloom.training.inputs import Inputs
from earthloom.training.interrupt import deferred
from earthloom.training.log import Bar, Log, progress
from earthloom.training.regime import Regime, Report
from earthloom.training.runtime import Runtime


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Run:
    """One process's view of a run; only the first process writes."""

    recipe: str
    """Its name, for the card."""

    regime: Regime[Any]
    """What learns."""

    inputs: Inputs
    """From what, as its checkpoints record it."""

    out: Path
    """The run's folder."""

    accelerator: Accelerator
    """Knows the other processes."""

    board: Board | None
    """Curves and pictures, if asked for."""

    @property
    def config(self) -> TrainConfig:
        """What decides it."""
        return self.regime.config

    def learn(self, done: int, runtime: Runtime) -> None:
        """Take the steps after `done`.

        Raises:
            InterruptedRunError: If the user stopped it, by Ctrl-C after the step it comes in, by a second one at once.
            TrainingError: If it diverged; the last checkpoint is kept.
        """
        step, last = done, self.config.num_steps
        log = Log(self.out, done=done) if self.accelerator.is_main_process else None
        source = drawn(Steps(self.regime.draw, self._shares(), done, last), workers=runtime.workers)
        try:
            with deferred() as is_stopped, progress(last, done, quiet=runtime.quiet or log is None) as bar:
                for group in source:
                    losses = self.regime.learn(group, step)
                    wrong = [f"{name} is {value}" for name, value in losses.items() if not isfinite(value)]
                    self._require_finite(step, wrong)
                    self._report(log, bar, step, losses)
                    step += 1
                    self._keep(log, step)
                    if is_stopped():
                        self._checkpoint(step)
                        raise InterruptedRunError(f"stopped after step {step}; the same command with --resume goes on")
        except KeyboardInterrupt as error:
            raise InterruptedRunError(
                f"stopped in step {step + 1}; the same command with --resume goes on from the last checkpoint"
            ) from error
        finally:
            source.close()
            if log is not None:
                log.close()

    def validate(self, step: int) -> Report:
        """Validate the averaged network after `step` steps; keep it where it is the best so far."""
        if not self.accelerator.is_main_process:
            return {}
        report = self.regime.validate()
        if self.config.select is not None:
            best.keep(self.out, step, self.regime.figure(report), report, self.regime.average)
        if self.board is not None:
            self.board.scalars(step, report, prefix="val/")
            self.board.samples(step, self.regime.samples())
        return report

    def _shares(self) -> Shares:
        return Shares(
            batch=self.config.batch,
            accumulate=self.config.accumulate,
            rank=self.accelerator.process_index,
            processes=self.accelerator.num_processes,
        )

    def _report(self, log: Log | None, bar: Bar, step: int, losses: dict[str, float]) -> None:
        phase = self.config.phase(step)
        bar.advance(phase, losses)
        values = {"lr": self.config.learning_rate(step), **losses}
        if log is not None:
            log.write(step + 1, phase=phase, **values)
        if self.board is not None:
            self.board.scalars(step + 1, values, prefix="train/")

    def _keep(self, log: Log | None, step: int) -> None:
        """Write a checkpoint and validate where the configuration says so."""
        config = self.config
        regular = config.validate_every and step % config.validate_every == 0
        turning = config.phase(step) != config.phase(step - 1)
        if (regular or turning) and step < config.num_steps:
            report = self.validate(step)
            if log is not None:
                log.write(step, validation=report)
        if step % config.checkpoint_every == 0 or step == config.num_steps:
            self._checkpoint(step)
        self.accelerator.wait_for_everyone()

    def _checkpoint(self, step: int) -> None:
        """Write what `--resume` goes on from, and the averaged network as it is, for whoever stops here."""
        if self.accelerator.is_main_process:
            self._require_finite(step - 1, [f"{name} is not finite" for name in not_finite(self.regime.average)])
            checkpoint.save(self.out, step, self.config, self.inputs, self.regime.state)
            self.save(step, {})

    def _require_finite(self, step: int, wrong: Sequence[str]) -> None:
        """Stop before anything of a training that diverged is written over what is good."""
        if wrong:
            raise TrainingError(
                f"{wrong[0]} in step {step + 1}: the training has diverged; what {self.out} holds is kept: train anew "
                "with a lower learning rate (--set), from the weights of its last checkpoint (--init) or from none"
            )

    def save(self, step: int, report: Report) -> None:
        """Write the averaged network, weights of `step`, with its validation if there is one."""
        self.regime.save(self.folder, self.recipe, step, report)

    @property
    def folder(self) -> Path:
        """Where the averaged network goes."""
        return self.out / self.regime.network
