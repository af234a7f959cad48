"""Where a pipeline computes, and how precisely: part of every output's identity."""

import platform
from dataclasses import dataclass
from typing import Literal

import torch

from earthloom.errors import UsageError

Precision = Literal["fp32", "bf16"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """A device type with a precision; equal ones give equal bytes under one version of torch."""

    type: Literal["cpu", "cuda"]
    """Kind of device."""

    precision: Precision
    """`fp32`, or `bf16` autocast."""

    @classmethod
    def choose(cls, device: str = "auto", precision: str = "auto") -> "Device":
        """Return what the user asked for; `auto` is CUDA where there is one, in bf16, else the CPU in fp32.

        Raises:
            UsageError: If a name is unknown or there is no CUDA device.
        """
        if device not in ("auto", "cpu", "cuda"):
            raise UsageError(f"--device {device!r} is not one of auto, cpu, cuda")
        if precision not in ("auto", "fp32", "bf16"):
            raise UsageError(f"--precision {precision!r} is not one of auto, fp32, bf16")
        there = torch.cuda.is_available()
        if device == "cuda" and not there:
            raise UsageError("--device cuda: torch finds no CUDA device here; use --device cpu")
        on_cuda = device == "cuda" or (device == "auto" and there)
        usual: Precision = "bf16" if on_cuda else "fp32"
        chosen: Precision = usual if precision == "auto" else "bf16" if precision == "bf16" else "fp32"
        return cls(type="cuda" if on_cuda else "cpu", precision=chosen)

    @property
    def describe(self) -> dict[str, str]:
        """Name everything that bytes are promised for, as it goes into the provenance."""
        return {
            "device": f"{self.type}/{platform.machine()}",
            "precision": self.precision,
            "torch": torch.__version__.split("+")[0],
        }
