import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable

import pytest

from earthloom.errors import DataError, EarthloomError, TrainingError
from earthloom.training.batches import Shares, Steps, drawn


def _steps(draw: Callable[[int, range], object]) -> Steps[object]:
    return Steps(draw, Shares(batch=2, accumulate=2, rank=1, processes=2), 3, 9)


@pytest.mark.parametrize("workers", [0, 2])
def test_the_batches_of_a_process_come_in_order(workers: int) -> None:
    found = list(drawn(_steps(lambda step, indices: (step, list(indices))), workers=workers))
    assert found == [[(step, [2, 3]), (step, [6, 7])] for step in range(3, 9)]


@pytest.mark.parametrize("workers", [0, 2])
def test_an_error_is_told_in_its_own_words(workers: int) -> None:
    def draw(step: int, indices: range) -> int:
        if step == 5:
            raise DataError("a.png is missing")
        return step

    source = drawn(_steps(draw), workers=workers)
    assert [next(source), next(source)] == [[3, 3], [4, 4]]
    with pytest.raises(EarthloomError, match=r"^a\.png is missing$"):
        next(source)


def test_a_process_that_is_gone_is_said() -> None:
    def draw(step: int, indices: range) -> int:
        os._exit(1)

    with pytest.raises(TrainingError, match="a process that draws samples is gone"):
        list(drawn(_steps(draw), workers=1))


def test_processes_that_draw_end_with_a_killed_run() -> None:
    """Their pipe is full at that time: what they draw is larger than a pipe holds."""
    script = """
import os, time
from earthloom.training.batches import Shares, Steps, drawn
shares = Shares(batch=1, accumulate=1, rank=0, processes=1)
source = drawn(Steps(lambda step, indices: (os.getpid(), bytes(1 << 20)), shares, 0, 99), workers=2)
print(next(source)[0][0], next(source)[0][0], flush=True)
time.sleep(99)
"""
    run = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert run.stdout is not None
    workers = [int(word) for word in run.stdout.readline().split()]
    assert len(set(workers)) == 2
    run.send_signal(signal.SIGKILL)
    run.communicate()
    until = time.monotonic() + 20
    while any(map(_lives, workers)) and time.monotonic() < until:
        time.sleep(0.1)
    assert not [worker for worker in workers if _lives(worker)]


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return not _is_zombie(process)


def _is_zombie(process: int) -> bool:
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(process)], capture_output=True, text=True).stdout
    return state.startswith("Z")
