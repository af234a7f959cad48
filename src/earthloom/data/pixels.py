"""Between pixels outside (uint8) and pixels inside a model (float in [-1, 1]); nowhere else.

Letters: B batch, C channels, H W pixels.
"""

import torch
from torch import Tensor


def to_unit(pixels: Tensor) -> Tensor:
    """Map uint8 0..255 of any shape to float32 in [-1, 1]."""
    return pixels.to(torch.float32) / 127.5 - 1.0


def to_uint8(unit: Tensor) -> Tensor:
    """Map floats in [-1, 1] of any shape to uint8 0..255, rounding to nearest and clipping."""
    return ((unit.float() + 1.0) * 127.5).round().clamp(0, 255).to(torch.uint8)
