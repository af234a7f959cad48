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
"""Steps in flight."""


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """One step's crops as tensors."""

    x_BCHW: Tensor
    """Images in [-1, 1], channels last in memory."""

    sets_BHW: Tensor
    """Class sets, uint8."""

    map_BCHW: Tensor
    """Maps in [-1, 1]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shares:
    """Which crops of a step are whose: batch k of process r is the run of indices number k * processes + r."""

    batch: int
    """Crops a batch."""

    accumulate: int
    """Batches a step and process."""

    rank: int
    """Number of this process."""

    processes: int
    """How many there are."""

    def indices(self) -> list[range]:
        """Return the indices of this process's batches."""
        firsts = [(k * self.processes + self.rank) * self.batch for k in range(self.accumulate)]
        return [range(first, first + self.batch) for first in firsts]


def batches(
    sampler: Sampler, shares: Shares, *, first: int, last: int, device: torch.device
) -> Generator[list[Batch], None, None]:
    """Yield this process's batches of each of the steps `first` .. `last - 1`.

    Args:
        sampler: Where crops come from.
        shares: Which of them are this process's.
        first: First step.
        last: Step after the last.
        device: Where the tensors go.
    """
    waiting: deque[Future[list[Batch]]] = deque()
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="batches") as pool:
        try:
            for step in range(first, last + AHEAD):
                if step < last:
                    waiting.append(pool.submit(_draw_all, sampler, step, shares.indices()))
                if step >= first + AHEAD:
                    yield [_to(batch, device) for batch in waiting.popleft().result()]
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _draw_all(sampler: Sampler, step: int, parts: list[range]) -> list[Batch]:
    return [_draw(sampler, step, indices) for indices in parts]


def _draw(sampler: Sampler, step: int, indices: range) -> Batch:
    crops = [sampler.crop(step, index) for index in indices]
    images = torch.from_numpy(np.stack([crop.rgb_HW3 for crop in crops])).permute(0, 3, 1, 2)
    maps = torch.from_numpy(np.stack([crop.map_HW3 for crop in crops])).permute(0, 3, 1, 2)
    return Batch(to_unit(images), torch.from_numpy(np.stack([crop.sets_HW for crop in crops])), to_unit(maps))


def _to(batch: Batch, device: torch.device) -> Batch:
    return Batch(batch.x_BCHW.to(device), batch.sets_BHW.to(device), batch.map_BCHW.to(device))
