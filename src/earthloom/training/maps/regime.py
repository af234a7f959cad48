"""The adversarial regime: Pix2PixHD on pairs of imagery and map, or of map and coarser map."""

import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from earthloom.cartography.style import STYLE
from earthloom.data.augment import Looks
from earthloom.data.pairs import Pair, read_pairs
from earthloom.data.sampler import Cropping, Sampler
from earthloom.data.scenes import load
from earthloom.data.survey import survey, table
from earthloom.errors import DataError, UsageError
from earthloom.models import weights
from earthloom.models.pix2pixhd.config import Pix2PixHDConfig
from earthloom.models.pix2pixhd.receptive_field import halo_px, stride_px
from earthloom.training.device import wants_bf16
from earthloom.training.inputs import sha256_of_samples
from earthloom.training.maps.batch import Batch, stack
from earthloom.training.maps.card import card
from earthloom.training.maps.config import MapsConfig
from earthloom.training.maps.networks import build, preset
from earthloom.training.maps.objective import Objective, class_weights, perceptual_term
from earthloom.training.maps.predict import Labeller, labeller
from earthloom.training.maps.samples import sample_grid
from earthloom.training.maps.validate import at_resolution, check_select, figure, validate
from earthloom.training.regime import Report, State
from earthloom.training.runtime import Runtime

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Maps:
    """A map generator and the pairs it learns from."""

    config: MapsConfig
    """What decides it."""

    folders: Sequence[Path]
    """Where the pairs are."""

    pairs: Sequence[Pair]
    """To train and to validate on."""

    sampler: Sampler
    """Draws crops."""

    objective: Objective
    """Takes the steps."""

    network: ClassVar[str] = "generator"

    @property
    def architecture(self) -> Pix2PixHDConfig:
        """The preset's configuration."""
        return preset(self.config)

    @property
    def state(self) -> State:
        """The networks and optimisers by their names."""
        networks = self.objective.networks
        return {field.name: getattr(networks, field.name) for field in fields(networks)}

    @property
    def average(self) -> nn.Module:
        """The averaged generator."""
        return self.objective.networks.average.module

    def data_sha256(self) -> str:
        """Identify the pairs; the packs that have a weight of their own by name."""
        return sha256_of_samples(self.pairs, named=dict(self.config.weights))

    def survey(self) -> list[dict[str, Any]]:
        """Decode every pair once."""
        surveys = survey(self.pairs, STYLE.palette, STYLE.names)
        _LOG.info("%s", table(surveys))
        return [asdict(pack) for pack in surveys]

    def draw(self, step: int, indices: range) -> Batch:
        """Draw crops."""
        return stack([self.sampler.crop(step, index) for index in indices])

    def learn(self, batches: Sequence[Batch], step: int) -> dict[str, float]:
        """Take one step of the phase that `step` is in."""
        return self.objective.step([batch.to(self.objective.device) for batch in batches], step)

    def validate(self) -> Report:
        """Measure IoU, pack by pack."""
        return validate(self.pairs, self._labeller(), palette=STYLE.palette, names=STYLE.names, gsd_m=self.config.gsd_m)

    def figure(self, report: Report) -> float:
        """Return the share that `select` names."""
        assert self.config.select is not None
        return figure(report, self.config.select)

    def samples(self) -> dict[str, NDArray[np.uint8]]:
        """Show the first validation scenes, or the first of all."""
        shown = [pair for pair in self.pairs if pair.split == "val"] or self.pairs
        scenes = (at_resolution(load(pair, STYLE.palette), self.config.gsd_m) for pair in shown)
        return {"image | generated | true": sample_grid(scenes, self._labeller())}

    def save(self, folder: Path, recipe: str, step: int, report: Report) -> None:
        """Write the generator with what the map verb wants to know of it."""
        meta = {
            "role": self.config.role,
            "palette": [list(colour) for colour in STYLE.palette],
            "class_names": list(STYLE.names),
            "gsd_m": self.config.gsd_m,
            "halo_px": halo_px(self.architecture),
            "stride_px": stride_px(self.architecture),
            "recipe": recipe,
            "steps": step,
            "licence": self.config.licence,
        }
        text = card(recipe, self.config, self.folders, step, report)
        weights.save(folder, self.architecture, self.average, meta=meta, card=text, overwrite=True)

    def _labeller(self) -> Labeller:
        return labeller(self.average.eval(), self.architecture, STYLE.palette, bf16=self.objective.bf16)


def maps(config: MapsConfig, folders: Sequence[Path], runtime: Runtime, device: torch.device) -> Maps:
    """Read the pairs and draw the networks of a run.

    Raises:
        UsageError: If the settings do not fit each other.
        DataError: If the folders hold nothing to train on.
        ModelError: If weights that were named cannot be used.
    """
    stride = stride_px(preset(config))
    if config.crop_px % stride:
        raise UsageError(f"crop_px={config.crop_px} is no multiple of the stride {stride} of pix2pixhd/{config.model}")
    pairs = [pair for folder in folders for pair in read_pairs(folder)]
    if config.select is not None:
        check_select(config.select, pairs, STYLE.names)
    sampler = _sampler(config, [pair for pair in pairs if pair.split == "train"])
    if runtime.vgg19 is None and config.adversarial_steps:
        _LOG.info("no --vgg19: the adversarial phase uses feature matching only")
    networks = build(config, device)
    objective = Objective(
        config=config,
        networks=networks,
        palette=STYLE.palette,
        class_weights=class_weights(config),
        device=device,
        bf16=wants_bf16(runtime.precision, device),
        perceptual=perceptual_term(runtime.vgg19, device),
    )
    return Maps(config=config, folders=folders, pairs=pairs, sampler=sampler, objective=objective)


def _sampler(config: MapsConfig, pairs: list[Pair]) -> Sampler:
    if not pairs:
        raise DataError("no pair of the folders is in the train split; check the split column of index.csv")
    cropping = Cropping(
        size_px=config.crop_px,
        gsd_m=config.gsd_m,
        scale=config.scale,
        looks=Looks() if config.augment else None,
        surface_id=STYLE.id_of("road"),
        toned_ids=(STYLE.id_of("vegetation"), STYLE.id_of("water")),
    )
    return Sampler(pairs, cropping=cropping, palette=STYLE.palette, weights=dict(config.weights), seed=config.seed)
