"""The state of a run in one safetensors file: networks, average, optimisers, and the step in its header.

The file gets its name last, so what is there is whole. Nothing is pickled.
"""

import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from earthloom.errors import TrainingError
from earthloom.training.config import TrainConfig
from earthloom.training.networks import Networks

FILE = "state.safetensors"
OPTIMISERS = ("warm", "adversarial", "judge")


def save(folder: Path, step: int, config: TrainConfig, networks: Networks) -> None:
    """Write the state after `step` steps."""
    tensors = {
        f"{name}.{key}": value.detach().cpu().contiguous()
        for name, module in _modules(networks).items()
        for key, value in module.state_dict().items()
    }
    for name in OPTIMISERS:
        for index, values in getattr(networks, name).state_dict()["state"].items():
            tensors |= {f"{name}.{index}.{key}": value.detach().cpu().contiguous() for key, value in values.items()}
    fresh = folder / f"{FILE}.part"
    save_file(tensors, fresh, {"step": str(step), "config": json.dumps(asdict(config))})
    os.replace(fresh, folder / FILE)


def resume(folder: Path, config: TrainConfig, networks: Networks) -> int:
    """Load the state of a run in place; return how many steps it has done, 0 when there is none.

    Raises:
        TrainingError: If the file is damaged or belongs to a run of another configuration.
    """
    path = folder / FILE
    if not path.is_file():
        return 0
    try:
        with safe_open(path, "pt") as file:
            header = file.metadata()
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise TrainingError(f"{path} cannot be read ({error}); remove it to start anew") from error
    _same_run(path, json.loads(header["config"]), config)
    for name, module in _modules(networks).items():
        module.load_state_dict(_below(tensors, name))
    for name in OPTIMISERS:
        _load_optimiser(getattr(networks, name), _below(tensors, name))
    return int(header["step"])


def _modules(networks: Networks) -> dict[str, nn.Module]:
    return {
        "generator": networks.generator,
        "discriminator": networks.discriminator,
        "average": networks.average,
    }


def _below(tensors: dict[str, Tensor], name: str) -> dict[str, Tensor]:
    return {key.removeprefix(f"{name}."): value for key, value in tensors.items() if key.startswith(f"{name}.")}


def _load_optimiser(optimiser: torch.optim.Optimizer, tensors: dict[str, Tensor]) -> None:
    state: dict[int, dict[str, Tensor]] = {}
    for key, value in tensors.items():
        index, _, field = key.partition(".")
        state.setdefault(int(index), {})[field] = value
    optimiser.load_state_dict(optimiser.state_dict() | {"state": state})


def _same_run(path: Path, saved: dict[str, Any], config: TrainConfig) -> None:
    wanted = json.loads(json.dumps(asdict(config)))
    other = sorted(key for key in saved.keys() | wanted.keys() if saved.get(key) != wanted.get(key))
    if other:
        key = other[0]
        raise TrainingError(
            f"{path} is of a run with {key}={saved.get(key)}, this one has {key}={wanted.get(key)}; "
            "resume with the same settings or choose another --out"
        )
