"""Pictures that average down to what they were made of, by back-projection.

Letters: B batch, h w low-resolution pixels, H W = 4h 4w.
"""

from torch import Tensor
from torch.nn import functional

from earthloom.models.metaearth.config import FACTOR

ROUNDS = 3
"""Each leaves about a third of what was wrong, more where neighbours differ."""


def consistent(x0_B3HW: Tensor, lr_B3hw: Tensor) -> Tensor:
    """Return the picture with what its box average lacks of `lr_B3hw` spread over it smoothly."""
    for _ in range(ROUNDS):
        missing_B3hw = lr_B3hw - functional.avg_pool2d(x0_B3HW, FACTOR)
        x0_B3HW = x0_B3HW + functional.interpolate(missing_B3hw, scale_factor=FACTOR, mode="bilinear")
    return x0_B3HW
