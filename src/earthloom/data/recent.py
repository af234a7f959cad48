"""Decoded things, as many at a time as memory allows."""

from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

MEMORY_BYTES = 4 << 30
"""What they may take; beyond it the one used longest ago is decoded again when its turn comes."""


class Sized(Protocol):
    """A thing that takes memory."""

    @property
    def nbytes(self) -> int:
        """How much."""
        ...


K = TypeVar("K")
V = TypeVar("V", bound=Sized)


class Recent(Generic[K, V]):
    """Things by key; those used last stay in memory. For one thread."""

    def __init__(self, load: Callable[[K], V], *, memory_bytes: int = MEMORY_BYTES) -> None:
        """Load nothing yet."""
        self._load, self._memory_bytes = load, memory_bytes
        self._kept: OrderedDict[K, V] = OrderedDict()
        self._used_bytes = 0

    def __getitem__(self, key: K) -> V:
        """Return a thing, loading it if it is not at hand; errors are those of `load`."""
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        loaded = self._load(key)
        self._kept[key] = loaded
        self._used_bytes += loaded.nbytes
        while self._used_bytes > self._memory_bytes and len(self._kept) > 1:
            self._used_bytes -= self._kept.popitem(last=False)[1].nbytes
        return loaded
