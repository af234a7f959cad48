"""The state of a run in one safetensors file: networks, average, optimisers; in its header step, configuration, inputs.

The file gets its name last, so what is there is whole. Nothing is pickled.
"""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from earthloom.errors import ModelError, TrainingError
from earthloom.models import weights
from earthloom.models.names import resolve_one
from earthloom.models.registry import family_of
from earthloom.training.config import TrainConfig
from earthloom.training.disk import replacing
from earthloom.training.inputs import Inputs, resumed
from earthloom.training.regime import Regime, State

FILE = "state.safetensors"


def save(folder: Path, step: int, config: TrainConfig, inputs: Inputs, state: State) -> None:
    """Write the state after `step` steps.

    Raises:
        TrainingError: If it cannot be written; the state of before is kept.
    """
    tensors = {
        f"{name}.{key}": value.detach().cpu().contiguous()
        for name, part in state.items()
        for key, value in _tensors(part).items()
    }
    header = {"step": str(step), "config": json.dumps(asdict(config)), "inputs": json.dumps(asdict(inputs))}
    with replacing(folder / FILE) as fresh:
        save_file(tensors, fresh, header)


def resume(folder: Path, config: TrainConfig, inputs: Inputs, state: State) -> tuple[int, Inputs]:
    """Load the state of a run in place; return how many steps it has done, 0 when there is none, and with what.

    Raises:
        TrainingError: If the file is damaged or belongs to a run of another configuration or with other inputs.
    """
    path = folder / FILE
    if not path.is_file():
        return 0, inputs
    try:
        with safe_open(path, "pt") as file:
            header = file.metadata()
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise TrainingError(f"{path} cannot be read ({error}); remove it to start anew") from error
    _same_run(path, json.loads(header["config"]), config)
    inputs = resumed(path, json.loads(header.get("inputs", "{}")), inputs)
    for name, part in state.items():
        if isinstance(part, nn.Module):
            part.load_state_dict(_below(tensors, name))
        else:
            _load_optimiser(part, _below(tensors, name))
    return int(header["step"]), inputs


def begin_from(name: str, regime: Regime[Any]) -> str:
    """Put trained weights into the network of a run and its average; return their sha256.

    Args:
        name: A shipped name, a folder or a hub id, of a single network.
        regime: The run.

    Raises:
        ModelError: If there are no such weights, or of another architecture.
    """
    family, folder = family_of(regime.architecture).name, resolve_one(name)
    start = weights.load(folder, model=family, network=regime.network)
    if start.config != regime.architecture:
        wanted = f"{family}/{regime.config.model}"
        raise ModelError(f"{name} is of another architecture than {wanted}; choose --set model=...")
    for module in (regime.state[regime.network], regime.average):
        module.load_state_dict(start.module.state_dict())
    return start.sha256


def _tensors(part: nn.Module | torch.optim.Optimizer) -> dict[str, Tensor]:
    if isinstance(part, nn.Module):
        return part.state_dict()
    by_parameter = part.state_dict()["state"].items()
    return {f"{index}.{key}": value for index, values in by_parameter for key, value in values.items()}


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
