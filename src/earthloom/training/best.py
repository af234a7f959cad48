"""The weights that were best on a validation figure, kept in one file beside the run's state."""

import json
import os
from collections.abc import Iterable
from pathlib import Path

from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import nn

from earthloom.data.pairs import Pair
from earthloom.errors import UsageError
from earthloom.training.validate import Report

FILE = "best.safetensors"
TOTALS = ("mean_iou", "accuracy")


def check_select(select: str, pairs: Iterable[Pair], names: Iterable[str]) -> None:
    """Refuse a figure that no validation of these pairs will give.

    Raises:
        UsageError: If the pack has nothing to validate on, or the figure is unknown.
    """
    pack, _, figure = select.partition("/")
    packs = sorted({pair.pack for pair in pairs if pair.split == "val"})
    if pack not in packs:
        raise UsageError(f"select={select}: no pair of {pack!r} is in the val split; there are {packs or 'none'}")
    if figure not in (known := (*TOTALS, *names)):
        raise UsageError(f"select={select}: no figure {figure!r}; there are {', '.join(known)}")


def figure(report: Report, select: str) -> float:
    """Return a figure of a validation, `PACK/mean_iou`, `PACK/accuracy` or `PACK/CLASS`; a class never seen gives 0."""
    pack, _, name = select.partition("/")
    found = report[pack][name] if name in TOTALS else report[pack]["iou"][name]
    return 0.0 if found is None else float(found)


def keep(folder: Path, step: int, value: float, report: Report, module: nn.Module) -> None:
    """Keep weights if they are better than those that are kept."""
    if (folder / FILE).is_file() and value <= float(_header(folder)["value"]):
        return
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in module.state_dict().items()}
    fresh = folder / f"{FILE}.part"
    save_file(tensors, fresh, {"step": str(step), "value": repr(value), "report": json.dumps(report)})
    os.replace(fresh, folder / FILE)


def take(folder: Path, module: nn.Module) -> tuple[int, Report]:
    """Put the kept weights into a module; return their step and validation."""
    module.load_state_dict(load_file(folder / FILE))
    header = _header(folder)
    return int(header["step"]), json.loads(header["report"])


def _header(folder: Path) -> dict[str, str]:
    with safe_open(folder / FILE, "pt") as file:
        return dict(file.metadata())
