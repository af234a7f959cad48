"""What the registry knows of a family of models: one value a paper."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from torch import Tensor, nn

Config = TypeVar("Config")


@dataclass(frozen=True, slots=True, kw_only=True)
class Family(Generic[Config]):
    """The presets of one paper and how to build their networks."""

    name: str
    """First part of a preset's name and `model` in a checkpoint, e.g. `pix2pixhd`."""

    config_type: type[Config]
    """The frozen dataclass that fixes the weights' shapes."""

    presets: Mapping[str, Config]
    """Second part of a preset's name -> configuration."""

    networks: Mapping[str, Callable[[Config, int], nn.Module]]
    """Name of a network -> builder from configuration and seed; the first one is what inference runs."""

    facts: Callable[[Config], dict[str, Any]]
    """What a user wants to know beside the parameter counts, as JSON values (`halo_px`, `stride_px`)."""

    inputs: Mapping[str, Callable[[Config], tuple[Tensor, ...]]]
    """Name of a network -> small valid inputs of its forward, drawn the same each time."""
