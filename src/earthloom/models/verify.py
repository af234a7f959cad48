"""A checkpoint's health: strict loading, the recorded sha256, finite values, and a forward pass."""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from earthloom.errors import ModelError
from earthloom.models.registry import family_of
from earthloom.models.weights import load


def verify(folder: Path) -> dict[str, Any]:
    """Check a checkpoint folder and return what was found as JSON values.

    Raises:
        ModelError: With the first thing that is wrong.
    """
    checkpoint = load(folder)
    header = checkpoint.header
    inputs = family_of(header.config).inputs[header.network](header.config)
    with torch.inference_mode():
        outputs = _tensors(checkpoint.module(*inputs))
    if not all(output.isfinite().all() for output in outputs):
        raise ModelError(f"{folder} gives values that are not finite for an ordinary input; train it again")
    return {
        "model": header.model,
        "network": header.network,
        "sha256": header.sha256,
        "parameters": sum(parameter.numel() for parameter in checkpoint.module.parameters()),
        "output": list(outputs[-1].shape),
    }


def _tensors(answer: Any) -> list[Tensor]:
    return [answer] if isinstance(answer, Tensor) else [tensor for part in answer for tensor in _tensors(part)]
