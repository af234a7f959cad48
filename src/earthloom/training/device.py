"""Where a run computes and how precisely."""

from typing import Literal

import torch
from accelerate import Accelerator

from earthloom.errors import UsageError

Precision = Literal["auto", "fp32", "bf16"]


def accelerator_on(device: str) -> Accelerator:
    """Return accelerate's view of a device: `auto`, `cpu` or `cuda`.

    Raises:
        UsageError: If the device is unknown or not there.
    """
    if device not in ("auto", "cpu", "cuda"):
        raise UsageError(f"--device {device!r} is not one of auto, cpu, cuda")
    if device == "cuda" and not torch.cuda.is_available():
        raise UsageError("--device cuda: torch finds no CUDA device here; use --device cpu")
    return Accelerator(cpu=device == "cpu" or not torch.cuda.is_available(), mixed_precision="no")


def wants_bf16(precision: str, device: torch.device) -> bool:
    """Decide on bfloat16 autocast; `auto` takes it where the hardware has it.

    Raises:
        UsageError: If the precision is unknown.
    """
    if precision not in ("auto", "fp32", "bf16"):
        raise UsageError(f"--precision {precision!r} is not one of auto, fp32, bf16")
    if precision != "auto":
        return precision == "bf16"
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported())
    return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
