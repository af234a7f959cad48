"""A step's batches, drawn one step ahead in a thread; which samples is decided by seed, step and index alone."""

from collections import deque
from collections.abc import Callable, Generator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

AHEAD = 2
"""Steps in flight."""

Batch = TypeVar("Batch")


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
    draw: Callable[[int, range], Batch], shares: Shares, *, first: int, last: int
) -> Generator[list[Batch], None, None]:
    """Yield this process's batches of each of the steps `first` .. `last - 1`.

    Args:
        draw: Returns the samples of a step with these indices; called in one thread.
        shares: Which of them are this process's.
        first: First step.
        last: Step after the last.
    """
    waiting: deque[Future[list[Batch]]] = deque()
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="batches") as pool:
        try:
            for step in range(first, last + AHEAD):
                if step < last:
                    waiting.append(pool.submit(_draw_all, draw, step, shares.indices()))
                if step >= first + AHEAD:
                    yield waiting.popleft().result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _draw_all(draw: Callable[[int, range], Batch], step: int, parts: list[range]) -> list[Batch]:
    return [draw(step, indices) for indices in parts]
