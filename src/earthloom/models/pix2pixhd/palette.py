"""From class logits to the colours of a map: exact at inference, soft where a gradient is needed.

Letters: B batch, K colours of the palette, C the three colour channels, H W pixels.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from earthloom.errors import ShapeError

Palette = Sequence[tuple[int, int, int]]
"""RGB in 0..255, one for each class in the order of the logits."""


def colours(logits_BKHW: Tensor, palette: Palette) -> Tensor:
    """Return the colour of the likeliest class, uint8 `(B, 3, H, W)`; of equal classes the first.

    Raises:
        ShapeError: If the palette has not one colour for each logit.
    """
    colours_K3 = _rgb(logits_BKHW, palette)
    return colours_K3[logits_BKHW.argmax(dim=1)].permute(0, 3, 1, 2)


def soft_colours(logits_BKHW: Tensor, palette: Palette) -> Tensor:
    """Return the mean colour under softmax, float32 `(B, 3, H, W)` in [-1, 1], with a gradient to the logits.

    Raises:
        ShapeError: If the palette has not one colour for each logit.
    """
    unit_K3 = _rgb(logits_BKHW, palette).float() / 127.5 - 1.0
    return torch.einsum("bkhw,kc->bchw", logits_BKHW.float().softmax(dim=1), unit_K3)


def _rgb(logits_BKHW: Tensor, palette: Palette) -> Tensor:
    if logits_BKHW.ndim != 4 or logits_BKHW.shape[1] != len(palette):
        raise ShapeError(
            f"want logits (B, {len(palette)}, H, W) for {len(palette)} colours, got {tuple(logits_BKHW.shape)}"
        )
    return torch.tensor(palette, dtype=torch.uint8, device=logits_BKHW.device)
