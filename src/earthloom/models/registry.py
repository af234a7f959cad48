"""Every model by name: `FAMILY/PRESET` -> configuration, networks, parameter counts."""

from typing import Any

import torch
from torch import nn

from earthloom.errors import ModelError
from earthloom.models.config_json import to_json
from earthloom.models.family import Family
from earthloom.models.metaearth.family import METAEARTH
from earthloom.models.pix2pixhd.family import PIX2PIXHD

FAMILIES: dict[str, Family[Any]] = {family.name: family for family in (PIX2PIXHD, METAEARTH)}
"""One entry a paper."""


def preset_names() -> list[str]:
    """Return the names of all presets, e.g. `pix2pixhd/small`."""
    return [f"{family.name}/{preset}" for family in FAMILIES.values() for preset in family.presets]


def preset(name: str) -> Any:
    """Return the configuration of a preset.

    Raises:
        ModelError: If there is none of that name.
    """
    family, _, which = name.partition("/")
    if family not in FAMILIES or which not in FAMILIES[family].presets:
        raise ModelError(f"no preset {name!r}: there are {', '.join(preset_names())}")
    return FAMILIES[family].presets[which]


def family_named(name: str) -> Family[Any]:
    """Return a family.

    Raises:
        ModelError: If there is none of that name.
    """
    if name not in FAMILIES:
        raise ModelError(f"no model {name!r}: this version knows {', '.join(FAMILIES)}")
    return FAMILIES[name]


def family_of(config: Any) -> Family[Any]:
    """Return the family whose configuration this is.

    Raises:
        ModelError: If no family has such configurations.
    """
    for family in FAMILIES.values():
        if isinstance(config, family.config_type):
            return family
    raise ModelError(f"a {type(config).__name__} is no configuration of {', '.join(FAMILIES)}")


def build(config: Any, network: str, *, seed: int = 0) -> nn.Module:
    """Return a fresh network of a configuration; under `torch.device("meta")` it has shapes only.

    Raises:
        ModelError: If the configuration's model has no such network.
    """
    family = family_of(config)
    if network not in family.networks:
        raise ModelError(f"{family.name} has no network {network!r}, it has {', '.join(family.networks)}")
    return family.networks[network](config, seed)


def describe(config: Any) -> dict[str, Any]:
    """Return a configuration's parameter counts and facts as JSON values, without allocating a weight."""
    family = family_of(config)
    return {
        "model": family.name,
        "networks": {network: _num_parameters(config, network) for network in family.networks},
        **family.facts(config),
        "config": to_json(config),
    }


def _num_parameters(config: Any, network: str) -> int:
    with torch.device("meta"):
        module = build(config, network)
    return sum(parameter.numel() for parameter in module.parameters())
