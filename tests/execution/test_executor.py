import threading
import time
from collections.abc import Callable, Iterator

import pytest

from earthloom.execution.executor import Threads


def test_every_task_once_and_few_in_flight() -> None:
    drawn = []

    def tasks() -> Iterator[int]:
        for i in range(200):
            drawn.append(i)
            yield i

    seen = []
    for task, result in Threads(3).run(lambda: lambda x: x * x, tasks()):
        seen.append((task, result))
        assert len(drawn) - len(seen) <= 6
    assert sorted(seen) == [(i, i * i) for i in range(200)]


def test_workers_run_at_once_and_share_what_was_loaded() -> None:
    loads, together = [], threading.Barrier(2, timeout=20)

    def load() -> Callable[[int], int]:
        loads.append(1)
        return lambda _: together.wait()

    assert len(list(Threads(2).run(load, range(2)))) == 2
    assert loads == [1]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_an_error_yields_what_ran_and_then_rises(error: type[BaseException]) -> None:
    def work(x: int) -> int:
        if x == 3:
            raise error
        time.sleep(0.001)
        return x

    results: list[int] = []
    with pytest.raises(error):
        for task, _ in Threads(2).run(lambda: work, range(100)):
            results.append(task)
    assert {0, 1, 2} <= set(results)
    assert len(results) < 20
