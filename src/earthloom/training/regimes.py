"""Which regime a configuration belongs to."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from earthloom.errors import UsageError
from earthloom.training.config import TrainConfig
from earthloom.training.diffusion.config import DiffusionConfig
from earthloom.training.diffusion.regime import diffusion
from earthloom.training.maps.config import MapsConfig
from earthloom.training.maps.regime import maps
from earthloom.training.regime import Regime
from earthloom.training.runtime import Runtime


def regime_of(config: TrainConfig, folders: Sequence[Path], runtime: Runtime, device: torch.device) -> Regime[Any]:
    """Read the data and draw the networks of a run.

    Raises:
        UsageError: If the settings do not fit each other.
        DataError: If the folders hold nothing to train on.
        ModelError: If weights that were named cannot be used.
    """
    match config:
        case MapsConfig():
            return maps(config, folders, runtime, device)
        case DiffusionConfig():
            return diffusion(config, folders, runtime, device)
        case _:
            raise UsageError(f"no regime trains a {type(config).__name__}")
