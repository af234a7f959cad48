"""The weights that were best on a validation figure, kept in one file beside the run's state."""

import json
from math import isnan
from pathlib import Path

from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import nn

from earthloom.training.disk import replacing
from earthloom.training.regime import Report

FILE = "best.safetensors"


def keep(folder: Path, step: int, value: float, report: Report, module: nn.Module) -> None:
    """Keep weights if they are better than those that are kept; no figure, NaN, is worse than any.

    Raises:
        TrainingError: If they cannot be written; those of before are kept.
    """
    if (folder / FILE).is_file():
        kept = float(_header(folder)["value"])
        if not (value > kept or isnan(kept)):
            return
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in module.state_dict().items()}
    with replacing(folder / FILE) as fresh:
        save_file(tensors, fresh, {"step": str(step), "value": repr(value), "report": json.dumps(report)})


def take(folder: Path, module: nn.Module) -> tuple[int, Report]:
    """Put the kept weights into a module; return their step and validation."""
    module.load_state_dict(load_file(folder / FILE))
    header = _header(folder)
    return int(header["step"]), json.loads(header["report"])


def _header(folder: Path) -> dict[str, str]:
    with safe_open(folder / FILE, "pt") as file:
        return dict(file.metadata())
