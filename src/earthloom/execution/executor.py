"""Who runs the tasks: a narrow protocol, and threads of one process."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from itertools import islice
from typing import Protocol, TypeVar

Task = TypeVar("Task")
Result = TypeVar("Result")

Worker = Callable[[Task], Result]


class Executor(Protocol):
    """Runs independent tasks; may give their results in any order."""

    def run(
        self, make_worker: Callable[[], Worker[Task, Result]], tasks: Iterable[Task]
    ) -> Iterator[tuple[Task, Result]]:
        """Yield each task with its result as it finishes, holding a bounded number in memory.

        Args:
            make_worker: Builds what does the work (loads weights, say); called once a process.
            tasks: Small picklable values.
        """
        ...


@dataclass(frozen=True, slots=True)
class Threads:
    """Threads of this process, sharing one worker and its weights."""

    num_workers: int
    """How many tasks run at once, at least 1."""

    def run(
        self, make_worker: Callable[[], Worker[Task, Result]], tasks: Iterable[Task]
    ) -> Iterator[tuple[Task, Result]]:
        """Yield results as they finish; on an error or interrupt, what runs is finished and yielded first."""
        queue = iter(tasks)
        worker = make_worker()
        with ThreadPoolExecutor(self.num_workers, thread_name_prefix="earthloom") as pool:
            running: dict[Future[Result], Task] = {}
            failure: BaseException | None = None
            while True:
                try:
                    if failure is None:
                        for task in islice(queue, 2 * self.num_workers - len(running)):
                            running[pool.submit(worker, task)] = task
                    if not running:
                        break
                    finished, _ = wait(running, return_when=FIRST_COMPLETED)
                except KeyboardInterrupt as interrupt:
                    failure = interrupt
                    _forget_unstarted(running)
                    continue
                for future in finished:
                    task = running.pop(future)
                    error = future.exception()
                    if error is None:
                        yield task, future.result()
                    elif failure is None:
                        failure = error
                        _forget_unstarted(running)
            if failure is not None:
                raise failure


def _forget_unstarted(running: dict[Future[Result], Task]) -> None:
    for future in [future for future in running if future.cancel()]:
        del running[future]
