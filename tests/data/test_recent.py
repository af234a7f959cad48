import numpy as np

from earthloom.data.recent import Recent


def test_what_goes_beyond_the_memory_is_loaded_again() -> None:
    loaded: list[int] = []

    def load(number: int) -> np.ndarray:
        loaded.append(number)
        return np.full(300, number, np.uint8)

    for memory_bytes in (10_000, 500):
        recent = Recent(load, memory_bytes=memory_bytes)
        assert [int(recent[number][0]) for number in (0, 0, 1, 1, 0)] == [0, 0, 1, 1, 0]
    assert loaded == [0, 1, 0, 1, 0]


def test_things_of_all_sizes_are_counted_by_their_bytes() -> None:
    recent = Recent(lambda size: np.zeros(size, np.uint8), memory_bytes=1000)
    for size in (100, 200, 300, 900, 50):
        assert recent[size].nbytes == size
    assert list(recent._kept) == [900, 50]
