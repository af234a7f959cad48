"""The `config.json` of a checkpoint folder: which network the weights belong to, and what was said about them."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from earthloom.errors import ModelError
from earthloom.models.config_json import from_json, to_json
from earthloom.models.names import CONFIG_FILE
from earthloom.models.registry import FAMILIES, family_of

FORMAT = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """What a checkpoint says of itself."""

    config: Any
    """The configuration that fixes the weights' shapes."""

    network: str
    """Which network of the model, e.g. `generator`."""

    meta: Mapping[str, Any]
    """JSON values that inference needs or a reader wants: palette, classes, gsd_m, role, licence."""

    sha256: str
    """Of `model.safetensors`, in hexadecimal: the identity of the weights."""

    @property
    def model(self) -> str:
        """Name of the model's family, e.g. `pix2pixhd`."""
        return family_of(self.config).name

    def write(self, folder: Path) -> None:
        """Write `config.json`, whole or not at all; equal headers give equal bytes."""
        values = {
            "format": FORMAT,
            "model": self.model,
            "network": self.network,
            "config": to_json(self.config),
            "meta": dict(self.meta),
            "sha256": self.sha256,
        }
        fresh = folder / f".{CONFIG_FILE}.{os.getpid()}"
        try:
            fresh.write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")
            fresh.replace(folder / CONFIG_FILE)
        finally:
            fresh.unlink(missing_ok=True)


def read_header(folder: Path) -> Header:
    """Read the `config.json` of a checkpoint folder.

    Raises:
        ModelError: If it is missing, damaged, of another format or of an unknown model.
    """
    file = folder / CONFIG_FILE
    try:
        values = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ModelError(f"{folder} is no checkpoint: it has no {CONFIG_FILE}") from error
    except (OSError, ValueError) as error:
        raise ModelError(f"{file} cannot be read: {error}; get the checkpoint again") from error
    if not isinstance(values, dict) or values.get("format") != FORMAT:
        found = values.get("format") if isinstance(values, dict) else type(values).__name__
        raise ModelError(
            f"{file} has format {found!r}, this version reads {FORMAT}; it is no Earthloom checkpoint or newer"
        )
    model, network = values.get("model"), values.get("network")
    if model not in FAMILIES:
        raise ModelError(f"{folder} is a {model!r} checkpoint; this version knows {', '.join(FAMILIES)}")
    if not isinstance(network, str) or network not in FAMILIES[model].networks:
        raise ModelError(f"{file} names the network {network!r}; {model} has {', '.join(FAMILIES[model].networks)}")
    return Header(
        config=from_json(FAMILIES[model].config_type, values.get("config"), where=f"{file}: config"),
        network=network,
        meta=dict(values.get("meta") or {}),
        sha256=str(values.get("sha256")),
    )
