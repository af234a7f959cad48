"""Checkpoint folders: `config.json` + `model.safetensors` + `card.md`. Never a pickle, never half written."""

import hashlib
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from safetensors import SafetensorError
from safetensors.torch import load as tensors_from_bytes
from safetensors.torch import save as tensors_to_bytes
from torch import Tensor, nn

from earthloom.errors import ModelError
from earthloom.models.header import Header, read_header
from earthloom.models.names import CONFIG_FILE, checkpoint_folders
from earthloom.models.registry import build

WEIGHTS_FILE = "model.safetensors"
CARD_FILE = "card.md"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Checkpoint:
    """A loaded network with everything its folder says about it."""

    folder: Path
    """Where it was read."""

    header: Header
    """Configuration, network, meta and sha256."""

    module: nn.Module
    """The network on the CPU in float32, in evaluation mode."""

    card: str | None
    """The model card in Markdown, if there is one."""

    @property
    def config(self) -> Any:
        """The configuration that fixes the weights' shapes."""
        return self.header.config

    @property
    def meta(self) -> Mapping[str, Any]:
        """What inference needs or a reader wants, as JSON values."""
        return self.header.meta

    @property
    def sha256(self) -> str:
        """The identity of the weights."""
        return self.header.sha256

    @property
    def licence(self) -> str | None:
        """The licence of the weights, `meta["licence"]`."""
        return self.meta.get("licence")


def save(
    folder: Path,
    config: Any,
    module: nn.Module,
    *,
    meta: Mapping[str, Any],
    card: str | None = None,
    network: str = "generator",
    dtype: torch.dtype = torch.float32,
    overwrite: bool = False,
) -> str:
    """Write a checkpoint folder, whole or not at all.

    Args:
        folder: Written beside its place and renamed into it; its parents are made.
        config: A configuration of a registered model.
        module: The network that `registry.build(config, network)` would build, with its weights.
        meta: JSON values kept in `config.json`.
        card: The model card in Markdown.
        network: Which network of the model it is.
        dtype: Of the stored floating-point tensors: float32, or bfloat16 at half the size.
        overwrite: Whether a checkpoint already there is replaced, as a whole folder.

    Returns:
        The sha256 of the weights.

    Raises:
        ModelError: If the folder exists, the weights do not fit the configuration, or it cannot be written.
    """
    if folder.exists() and not (overwrite and checkpoint_folders(folder).keys() == {""}):
        way_out = (
            f"it has no {CONFIG_FILE}, so it is left alone" if overwrite else "choose another or allow overwriting"
        )
        raise ModelError(f"{folder} exists: {way_out}")
    state = {name: _stored(tensor, dtype) for name, tensor in module.state_dict().items()}
    require_fit(state, _shapes_only(config, network).state_dict(), f"a {network} to be saved in {folder}")
    data = tensors_to_bytes(state)
    header = Header(config=config, network=network, meta=meta, sha256=hashlib.sha256(data).hexdigest())
    try:
        _write(folder, header, data, card)
    except OSError as error:
        raise ModelError(f"{folder} cannot be written: {error}") from error
    return header.sha256


def load(folder: Path, *, model: str | None = None, network: str | None = None) -> Checkpoint:
    """Read a checkpoint folder strictly.

    Args:
        folder: With `config.json` and `model.safetensors`.
        model: The model it has to be of, e.g. `pix2pixhd`; None takes any.
        network: The network it has to hold, e.g. `generator`; None takes any.

    Raises:
        ModelError: If a file is missing, damaged or another than `config.json` says, the checkpoint is of another
            model or network, its tensors are not exactly those of the network, or they are not finite.
    """
    header = read_header(folder)
    _require(folder, "model", header.model, model)
    _require(folder, "network", header.network, network)
    state = {name: _stored(tensor, torch.float32) for name, tensor in _read(folder, header).items()}
    module = _shapes_only(header.config, header.network)
    require_fit(state, module.state_dict(), str(folder))
    module.load_state_dict(state, strict=True, assign=True)
    if wrong := not_finite(module):
        raise ModelError(
            f"{folder} has values that are not finite in {len(wrong)} tensors ({_first(wrong)}): its training "
            "diverged; take weights of before that"
        )
    card = folder / CARD_FILE
    text = card.read_text(encoding="utf-8") if card.is_file() else None
    return Checkpoint(folder=folder, header=header, module=module.eval(), card=text)


def require_fit(state: Mapping[str, Tensor], wanted: Mapping[str, Tensor], where: str) -> None:
    """Compare names and shapes with those wanted.

    Raises:
        ModelError: Listing what is missing, unexpected or of another shape.
    """
    wrong = [
        f"{name} is {tuple(state[name].shape)}, want {tuple(wanted[name].shape)}"
        for name in wanted
        if name in state and state[name].shape != wanted[name].shape
    ]
    problems = {
        "missing": [name for name in wanted if name not in state],
        "unexpected": [name for name in state if name not in wanted],
        "of another shape": wrong,
    }
    report = [f"{len(names)} {kind} ({_first(names)})" for kind, names in problems.items() if names]
    if report:
        raise ModelError(f"the weights do not fit {where}: {'; '.join(report)}")


def not_finite(module: nn.Module) -> list[str]:
    """Return the names of the tensors that hold a NaN or an infinity."""
    return [name for name, tensor in module.state_dict().items() if not bool(tensor.isfinite().all())]


def _stored(tensor: Tensor, dtype: torch.dtype) -> Tensor:
    tensor = tensor.detach().cpu()
    return (tensor.to(dtype) if tensor.is_floating_point() else tensor).contiguous()


def _shapes_only(config: Any, network: str) -> nn.Module:
    with torch.device("meta"):
        return build(config, network)


def _require(folder: Path, what: Literal["model", "network"], found: str, wanted: str | None) -> None:
    if wanted is not None and found != wanted:
        raise ModelError(f"{folder} is a {found} checkpoint, want a {wanted} ({what}): name a folder that holds one")


def _read(folder: Path, header: Header) -> dict[str, Tensor]:
    file = folder / WEIGHTS_FILE
    try:
        data = file.read_bytes()
        tensors = tensors_from_bytes(data)
    except FileNotFoundError as error:
        raise ModelError(f"{folder} has no {WEIGHTS_FILE}; get the checkpoint again") from error
    except (OSError, SafetensorError) as error:
        raise ModelError(f"{file} is damaged: {error}; get the checkpoint again") from error
    found = hashlib.sha256(data).hexdigest()
    if found != header.sha256:
        raise ModelError(f"{file} has sha256 {found}, {CONFIG_FILE} says {header.sha256}; get the checkpoint again")
    return tensors


def _first(names: list[str], count: int = 3) -> str:
    return ", ".join(names[:count]) + (", ..." if len(names) > count else "")


def _write(folder: Path, header: Header, data: bytes, card: str | None) -> None:
    """Write beside the final place, then rename: the old folder aside, the new one in, the old one deleted."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    fresh, aside = (folder.with_name(f".{folder.name}.{os.getpid()}.{kind}") for kind in ("new", "old"))
    for leftover in (fresh, aside):
        shutil.rmtree(leftover, ignore_errors=True)
    fresh.mkdir()
    try:
        (fresh / WEIGHTS_FILE).write_bytes(data)
        header.write(fresh)
        if card is not None:
            (fresh / CARD_FILE).write_text(card, encoding="utf-8")
        if folder.exists():
            folder.rename(aside)
        fresh.rename(folder)
    except OSError:
        if aside.exists():
            aside.rename(folder)
        raise
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    shutil.rmtree(aside, ignore_errors=True)
