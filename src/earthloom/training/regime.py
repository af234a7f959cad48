"""What a regime of training brings to a run; the steps, checkpoints, logs and processes are the run's."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray
from torch import nn
from torch.optim import Optimizer

from earthloom.training.config import TrainConfig

Report = dict[str, dict[str, Any]]
"""Figures of a validation, as JSON values."""

State = Mapping[str, nn.Module | Optimizer]
"""Everything that changes from step to step, by the name it has in the checkpoint."""

Batch = TypeVar("Batch")


class Regime(Protocol[Batch]):
    """One way of learning, on its data: networks, crops, a step, a validation, a checkpoint folder."""

    @property
    def config(self) -> TrainConfig:
        """What decides the run."""

    @property
    def architecture(self) -> Any:
        """The configuration of its model in `models`, as a checkpoint names it."""

    @property
    def state(self) -> State:
        """Networks, their average and the optimisers."""

    @property
    def average(self) -> nn.Module:
        """The averaged network, which is validated and saved."""

    @property
    def network(self) -> str:
        """Name of that network and of its checkpoint folder."""

    def data_sha256(self) -> str:
        """Identify the data by what it is, not by where it lies (`inputs.sha256_of_samples`)."""

    def survey(self) -> list[dict[str, Any]]:
        """Look at all the data, log what there is and return it as JSON values.

        Raises:
            DataError: If something in it would stop the run later.
        """

    def draw(self, step: int, indices: range) -> Batch:
        """Return samples `indices` of step `step` on the CPU: a pure function, called in a thread or in forks."""

    def learn(self, batches: Sequence[Batch], step: int) -> dict[str, float]:
        """Take one step with this process's batches; return the means of the losses by name."""

    def validate(self) -> Report:
        """Measure the averaged network on the validation split."""

    def figure(self, report: Report) -> float:
        """Return what `config.select` names in a validation, so that more is better."""

    def samples(self) -> dict[str, NDArray[np.uint8]]:
        """Return pictures `(H, W, 3)` of what the averaged network makes, by title."""

    def save(self, folder: Path, recipe: str, step: int, report: Report) -> None:
        """Write the averaged network of step `step` as a checkpoint folder with its card."""
