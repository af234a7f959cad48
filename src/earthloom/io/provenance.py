"""Where an output comes from: said in every file made, read back from any file."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from earthloom.io.describe import describe

__all__ = ["DIGITAL_SOURCE_TYPE", "Provenance", "describe", "differences"]

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


def differences(there: Mapping[str, str], here: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    """Return what each of two provenances says where they differ, by name; `nothing` where one is silent.

    Of a value that is a JSON object, as the parameters are, each part counts by itself, as NAME.PART.
    """
    theirs, ours = dict(_parts(there)), dict(_parts(here))
    pairs = {name: (theirs.get(name, "nothing"), ours.get(name, "nothing")) for name in {**ours, **theirs}}
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


def _parts(said: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for name, value in said.items():
        try:
            parts = json.loads(value)
        except (ValueError, RecursionError):
            parts = None
        if isinstance(parts, dict):
            yield from ((f"{name}.{part}", json.dumps(inner)) for part, inner in parts.items())
        else:
            yield name, value
