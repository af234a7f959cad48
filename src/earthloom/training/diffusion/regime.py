"""The diffusion regime: MetaEarth's denoiser on catalogs of imagery."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, ClassVar, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from earthloom.data.catalog import ImageBlock, read_catalog
from earthloom.data.levels import LevelSampler
from earthloom.errors import UsageError
from earthloom.models import weights
from earthloom.models.metaearth.config import FACTOR, MetaEarthConfig
from earthloom.models.metaearth.denoiser import Denoiser
from earthloom.nn.processes import total
from earthloom.training.device import wants_bf16
from earthloom.training.diffusion.card import card
from earthloom.training.diffusion.config import DiffusionConfig
from earthloom.training.diffusion.networks import Networks, build, preset
from earthloom.training.diffusion.objective import Objective
from earthloom.training.diffusion.samples import Samples, draw, judging_samplers, training_sampler
from earthloom.training.diffusion.show import sample_grid
from earthloom.training.diffusion.survey import survey, table
from earthloom.training.diffusion.validate import check_select, validate
from earthloom.training.inputs import sha256_of_samples
from earthloom.training.optimisers import begin_step, descend, mean_losses
from earthloom.training.regime import Report, State
from earthloom.training.runtime import Runtime

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Diffusion:
    """A denoiser and the imagery it learns from."""

    config: DiffusionConfig
    """What decides it."""

    folders: Sequence[Path]
    """Where the catalogs are."""

    blocks: Sequence[ImageBlock]
    """To train and to validate on."""

    sampler: LevelSampler
    """Draws what it learns from."""

    judges: Mapping[float, LevelSampler]
    """Draws what it is validated on, by level."""

    objective: Objective
    """The loss."""

    networks: Networks
    """What learns."""

    network: ClassVar[str] = "denoiser"

    @property
    def architecture(self) -> MetaEarthConfig:
        """The preset's configuration."""
        return preset(self.config)

    @property
    def state(self) -> State:
        """Denoiser, average, optimiser."""
        return {field.name: getattr(self.networks, field.name) for field in fields(self.networks)}

    @property
    def average(self) -> nn.Module:
        """The averaged denoiser."""
        return self.networks.average.module

    def data_sha256(self) -> str:
        """Identify the blocks."""
        return sha256_of_samples(self.blocks)

    def survey(self) -> list[dict[str, Any]]:
        """Look at the size of every block."""
        surveys = survey(self.blocks, self.config.levels_m, crop_px=self.config.crop_px)
        _LOG.info("%s", table(surveys))
        return [asdict(level) for level in surveys]

    def draw(self, step: int, indices: range) -> Samples:
        """Draw samples with steps and noise."""
        return draw(self.sampler, step, indices)

    def learn(self, batches: Sequence[Samples], step: int) -> dict[str, float]:
        """Take one step of AdamW."""
        optimiser = self.networks.optimiser
        begin_step(optimiser, self.config.learning_rate(step))
        found = [self._learn(samples) for samples in batches]
        descend(optimiser, self.config.clip_norm)
        self.networks.average.update_parameters(self.networks.denoiser)
        return mean_losses(found)

    def validate(self) -> Report:
        """Return the loss of each level."""
        return validate(self.average, self.objective, self.judges, self.config)

    def figure(self, report: Report) -> float:
        """Return the loss that `select` names, turned round."""
        assert self.config.select is not None
        return -float(report["loss"][self.config.select])

    def samples(self) -> dict[str, NDArray[np.uint8]]:
        """Show what becomes of some validation blocks, or of blocks it has learned from."""
        shown = list(self.judges.values()) or [self.sampler]
        grid_HW3 = sample_grid(cast(Denoiser, self.average), shown, bf16=self.objective.bf16)
        return {"coarse | generated | true": grid_HW3}

    def save(self, folder: Path, recipe: str, step: int, report: Report) -> None:
        """Write the denoiser with what the cascade wants to know of it."""
        meta = {
            "role": "cascade",
            "factor": FACTOR,
            "levels_m": list(self.config.levels_m),
            "resolution": self.architecture.resolution,
            "recipe": recipe,
            "steps": step,
            "licence": self.config.licence,
        }
        text = card(recipe, self.config, self.architecture, self.folders, step, report)
        weights.save(
            folder, self.architecture, self.average, meta=meta, card=text, network=self.network, overwrite=True
        )

    def _learn(self, samples: Samples) -> dict[str, float]:
        """Add the gradients of the mean loss over the samples of all processes."""
        loss_B = self.objective.losses(self.networks.denoiser.train(), samples)
        loss = total(loss_B.sum()) / total(torch.ones_like(loss_B).sum())
        (loss / self.config.accumulate).backward()  # type: ignore[no-untyped-call]
        return {"loss": float(loss.detach())}


def diffusion(config: DiffusionConfig, folders: Sequence[Path], runtime: Runtime, device: torch.device) -> Diffusion:
    """Read the catalogs and draw the denoiser of a run.

    Raises:
        UsageError: If the settings do not fit each other.
        DataError: If the folders hold nothing to train on.
    """
    model = preset(config)
    if runtime.vgg19 is not None:
        raise UsageError("--vgg19 is for maps: this recipe has no perceptual term; leave it out")
    objective = Objective(
        noising=model.noising,
        kappa=config.kappa,
        gamma=config.gamma,
        device=device,
        bf16=wants_bf16(runtime.precision, device),
    )
    blocks = [block for folder in folders for block in read_catalog(folder) if block.split in ("train", "val")]
    judges = judging_samplers(config, blocks)
    if config.select is not None:
        check_select(config.select, judges)
    return Diffusion(
        config=config,
        folders=folders,
        blocks=blocks,
        sampler=training_sampler(config, blocks),
        judges=judges,
        objective=objective,
        networks=build(config, device),
    )
