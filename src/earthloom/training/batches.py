"""Batches of crops, drawn one step ahead in a thread; which crops is decided by seed, step and index alone.

Letters: B batch, C channels, H W pixels.
"""

from collections import deque
from collections.abc import Generator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from earthloom.data.pixels import to_unit
from earthloom.data.sampler import Sampler

AHEAD = 2
"""Batches in flight."""


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """One step's crops as tensors."""

    x_BCHW: Tensor
    """Images in [-1, 1], channels last in memory."""

    sets_BHW: Tensor
    """Class sets, uint8."""

    map_BCHW: Tensor
    """Maps in [-1, 1]."""


def batches(
    sampler: Sampler, *, batch: int, first: int, last: int, rank: int, device: torch.device
) -> Generator[Batch, None, None]:
    """Yield the batches of steps `first` .. `last - 1`.

    Args:
        sampler: Where crops come from.
        batch: Crops a step on this process.
        first: First step.
        last: Step after the last.
        rank: Number of this process; process r draws the indices r * batch .. (r + 1) * batch - 1.
        device: Where the tensors go.
    """
    waiting: deque[Future[Batch]] = deque()
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="batches") as pool:
        try:
            for step in range(first, last + AHEAD):
                if step < last:
                    waiting.append(pool.submit(_draw, sampler, step, range(rank * batch, (rank + 1) * batch)))
                if step >= first + AHEAD:
                    yield _to(waiting.popleft().result(), device)
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _draw(sampler: Sampler, step: int, indices: range) -> Batch:
    crops = [sampler.crop(step, index) for index in indices]
    images = torch.from_numpy(np.stack([crop.rgb_HW3 for crop in crops])).permute(0, 3, 1, 2)
    maps = torch.from_numpy(np.stack([crop.map_HW3 for crop in crops])).permute(0, 3, 1, 2)
    return Batch(to_unit(images), torch.from_numpy(np.stack([crop.sets_HW for crop in crops])), to_unit(maps))


def _to(batch: Batch, device: torch.device) -> Batch:
    return Batch(batch.x_BCHW.to(device), batch.sets_BHW.to(device), batch.map_BCHW.to(device))
