"""Crops of imagery and map as tensors.

Letters: B batch, C channels, H W pixels.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from earthloom.data.pixels import to_unit
from earthloom.data.sampler import Crop


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Crops that are seen at once."""

    x_BCHW: Tensor
    """Images in [-1, 1]."""

    sets_BHW: Tensor
    """Class sets, uint8."""

    map_BCHW: Tensor
    """Maps in [-1, 1]."""

    def to(self, device: torch.device) -> "Batch":
        """Return the batch on a device."""
        return Batch(self.x_BCHW.to(device), self.sets_BHW.to(device), self.map_BCHW.to(device))


def stack(crops: Sequence[Crop]) -> Batch:
    """Make a batch of crops of one size."""
    images = torch.from_numpy(np.stack([crop.rgb_HW3 for crop in crops])).permute(0, 3, 1, 2)
    maps = torch.from_numpy(np.stack([crop.map_HW3 for crop in crops])).permute(0, 3, 1, 2)
    return Batch(to_unit(images), torch.from_numpy(np.stack([crop.sets_HW for crop in crops])), to_unit(maps))
