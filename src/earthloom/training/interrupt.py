"""Ctrl-C between steps: what a run keeps is what there is after a whole step, never within one."""

import logging
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

_LOG = logging.getLogger(__name__)


@contextmanager
def deferred() -> Iterator[Callable[[], bool]]:
    """Give what says whether Ctrl-C was pressed inside the block; a second one is a KeyboardInterrupt at once.

    Where Ctrl-C would be no KeyboardInterrupt here (another thread, a caller's own handler), it stays what it is.
    """
    pressed = False

    def press(*_: Any) -> None:
        nonlocal pressed
        if pressed:
            raise KeyboardInterrupt
        pressed = True
        _LOG.warning("stopping after this step; Ctrl-C again stops at once")

    ours = (
        threading.current_thread() is threading.main_thread()
        and signal.getsignal(signal.SIGINT) is signal.default_int_handler
    )
    if ours:
        signal.signal(signal.SIGINT, press)
    try:
        yield lambda: pressed
    finally:
        if ours:
            signal.signal(signal.SIGINT, signal.default_int_handler)
