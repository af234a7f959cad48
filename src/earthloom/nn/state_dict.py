"""Tensors by name from a file, never as code."""

import pickle
import re
import warnings
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from earthloom.errors import ModelError


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Read a `.safetensors` file, or any other as `read_state_dict` does, onto the CPU.

    Raises:
        ModelError: If the file is missing, damaged, or holds anything but tensors by name. Code in it does not run.
    """
    if path.suffix != ".safetensors":
        return read_state_dict(path)
    try:
        return load_file(path)
    except (SafetensorError, OSError) as error:
        raise ModelError(f"{path} cannot be read as weights: {str(error).splitlines()[0]}") from error


def read_state_dict(path: Path) -> dict[str, Tensor]:
    """Read what `torch.save(network.state_dict(), path)` wrote, in any version of PyTorch, onto the CPU.

    Raises:
        ModelError: If the file is missing, damaged, or holds anything but tensors by name. Code in it does not run.
    """
    loaded = _unpickled(path)
    if not isinstance(loaded, Mapping):
        raise ModelError(f"{path} holds a {type(loaded).__name__}, want a state dict: tensors by name")
    for name, value in loaded.items():
        if not isinstance(value, Tensor):
            raise ModelError(f"{path} has a {type(value).__name__} under {name!r}: save the state dict of one network")
    return {str(name): tensor for name, tensor in loaded.items()}


def _unpickled(path: Path) -> object:
    try:
        file = path.open("rb")
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror}") from error
    with file, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about pickle versions: the outcome says whether it could be read
        try:
            return torch.load(file, map_location="cpu", weights_only=True)
        except Exception as error:  # a damaged file leads the reader anywhere: KeyError, EOFError, OSError, ...
            raise ModelError(f"{path} {_reason(error)}; want a state dict, tensors by name") from error


def _reason(error: Exception) -> str:
    code = re.search(r"GLOBAL ([\w.]+)", str(error)) if isinstance(error, pickle.UnpicklingError) else None
    return f"holds code ({code[1]}), so it is not opened" if code else "is damaged or no PyTorch file"
