import os
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
