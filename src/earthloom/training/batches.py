"""A step's batches, drawn ahead; which samples is decided by seed, step and index alone, not by who draws them."""

import os
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Generator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Generic, TypeVar

from torch.utils.data import DataLoader, Dataset

from earthloom.errors import EarthloomError, TrainingError

AHEAD = 2
"""Steps in flight, of each process that draws."""

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


@dataclass(frozen=True)
class Steps(Dataset[list[Batch] | EarthloomError], Generic[Batch]):
    """This process's batches of each step."""

    draw: Callable[[int, range], Batch]
    """Returns the samples of a step with these indices."""

    shares: Shares
    """Which of them are this process's."""

    first: int
    """First step."""

    last: int
    """Step after the last."""

    def __len__(self) -> int:
        """Count the steps."""
        return max(0, self.last - self.first)

    def __getitem__(self, index: int) -> list[Batch] | EarthloomError:
        """Draw the batches of step `first + index`; an error is handed on, so that a process can tell it to another."""
        try:
            return [self.draw(self.first + index, indices) for indices in self.shares.indices()]
        except EarthloomError as error:
            return error


def drawn(steps: Steps[Batch], *, workers: int) -> Generator[list[Batch], None, None]:
    """Yield the batches step by step, drawn ahead in one thread or in `workers` processes, forks of this one.

    Raises:
        EarthloomError: Whatever drawing raises.
        TrainingError: If such a process is gone.
    """
    for found in _in_processes(steps, workers) if workers else _in_a_thread(steps):
        if isinstance(found, EarthloomError):
            raise found
        yield found


def _in_a_thread(steps: Steps[Batch]) -> Generator[list[Batch] | EarthloomError, None, None]:
    waiting: deque[Future[list[Batch] | EarthloomError]] = deque()
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="batches") as pool:
        try:
            for index in range(len(steps) + AHEAD):
                if index < len(steps):
                    waiting.append(pool.submit(steps.__getitem__, index))
                if index >= AHEAD and waiting:
                    yield waiting.popleft().result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _in_processes(steps: Steps[Batch], workers: int) -> Generator[list[Batch] | EarthloomError, None, None]:
    loader = DataLoader(
        steps,
        batch_size=None,
        collate_fn=_as_it_is,
        num_workers=workers,
        prefetch_factor=AHEAD,
        multiprocessing_context="fork",
        worker_init_fn=partial(_belong_to, os.getpid()),
    )
    try:
        yield from loader
    except RuntimeError as error:
        raise TrainingError(f"a process that draws samples is gone ({error}); --resume with fewer --workers") from error


def _belong_to(parent: int, _: int) -> None:
    """Leave Ctrl-C to the parent; end when it is gone, even if it was killed and a pipe is full."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1.0)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _as_it_is(found: list[Batch] | EarthloomError) -> list[Batch] | EarthloomError:
    return found
