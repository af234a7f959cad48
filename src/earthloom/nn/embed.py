"""Numbers as vectors.

Letters: B batch, D width.
"""

import torch
from torch import Tensor, nn

PERIOD = 10000.0
"""M of equation 14; the paper's value is not in our copy of it, this is the Transformer's."""


def sinusoids(values_B: Tensor, width: int) -> Tensor:
    """Return `[sin(w_0 v), cos(w_0 v), sin(w_1 v), ...]` with `w_i = M^(-2i/d)` (MetaEarth equations 13 and 14).

    Args:
        values_B: Any numbers: steps, metres per pixel.
        width: d, even.

    Returns:
        `(B, d)` float32.
    """
    exponents = torch.arange(0, width, 2, device=values_B.device, dtype=torch.float32) / width
    angles = values_B.float()[:, None] * PERIOD**-exponents
    return torch.stack((angles.sin(), angles.cos()), dim=-1).flatten(1)


class NumberEmbedding(nn.Module):
    """`MLP(gamma(v))`: sinusoids, then two linear layers (equations 15 and 16)."""

    def __init__(self, width: int, out: int) -> None:
        """Build the layers: `width` sinusoids to `out` features."""
        super().__init__()
        self.width = width
        self.mlp = nn.Sequential(nn.Linear(width, out), nn.SiLU(), nn.Linear(out, out))

    def forward(self, values_B: Tensor) -> Tensor:
        """Return `(B, out)`."""
        embedded: Tensor = self.mlp(sinusoids(values_B, self.width))
        return embedded
