"""Where an output comes from: said in every file made, read back from any file."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from earthloom.io.describe import describe

__all__ = ["DIGITAL_SOURCE_TYPE", "Provenance", "describe"]

DIGITAL_SOURCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
"""The press's (IPTC) word for media made by a trained model."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """Everything that decides an output's bytes; no time, so that equal runs give equal files."""

    input: str
    """Name of the input file, without its folder."""

    input_sha256: str
    """Hash of the input's bytes."""

    sidecars_sha256: str = ""
    """Hash of the files beside the input that decide its pixels too; empty where there are none."""

    model: str
    """Name of the weights."""

    model_sha256: str
    """Hash of the weights, or several joined by a comma, in the order they are used."""

    licence: str
    """Licence of the weights."""

    seed: int | None
    """The seed; None where nothing is drawn at random."""

    parameters: Mapping[str, Any] = field(default_factory=dict)
    """What the user chose: zooms, strategy, scale; JSON values."""

    device: str
    """Device type, e.g. `cpu`."""

    torch: str
    """Version of torch."""

    precision: str
    """e.g. `fp32`."""

    batch: int
    """Windows a call of the model."""

    version: str
    """Version of Earthloom."""

    def tags(self) -> dict[str, str]:
        """Return the text tags of every output format."""
        facts = {
            "INPUT": self.input,
            "INPUT_SHA256": self.input_sha256,
            **({"INPUT_SIDECARS_SHA256": self.sidecars_sha256} if self.sidecars_sha256 else {}),
            "MODEL": self.model,
            "MODEL_SHA256": self.model_sha256,
            "MODEL_LICENCE": self.licence,
            "SEED": "none" if self.seed is None else str(self.seed),
            "PARAMETERS": json.dumps(dict(self.parameters), sort_keys=True),
            "DEVICE": self.device,
            "TORCH": self.torch,
            "PRECISION": self.precision,
            "BATCH": str(self.batch),
            "VERSION": self.version,
        }
        return {
            "SYNTHETIC": "true",
            "DIGITAL_SOURCE_TYPE": DIGITAL_SOURCE_TYPE,
            **{f"EARTHLOOM_{key}": value for key, value in facts.items()},
        }
