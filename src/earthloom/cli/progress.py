"""What a person and a machine see of a run: a bar on a terminal's stderr, or JSON lines on stdout."""

import json
import logging
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

Report = Callable[[str, int, int], None]
"""Layer, blocks done, blocks of the plan."""


@contextmanager
def shown(*, quiet: bool, as_json: bool) -> Iterator[Report]:
    """Give the function a loom reports its blocks to; quiet, warnings are silent too."""
    with _silence() if quiet else nullcontext(), _reporting(quiet=quiet, as_json=as_json) as report:
        yield report


@contextmanager
def _reporting(*, quiet: bool, as_json: bool) -> Iterator[Report]:
    if as_json:
        yield _print_event
        return
    console = Console(stderr=True)
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    with Progress(*columns, console=console, disable=quiet or not console.is_terminal) as bars:
        rows: dict[str, TaskID] = {}

        def report(layer: str, done: int, total: int) -> None:
            if layer not in rows:
                rows[layer] = bars.add_task(layer, total=total)
            bars.update(rows[layer], completed=done, total=total)

        yield report


def print_outputs(paths: Sequence[Path], *, as_json: bool) -> None:
    """Print what was made: one path a line, or one JSON event."""
    if as_json:
        print(json.dumps({"event": "done", "outputs": [str(path) for path in paths]}))
    else:
        print(*paths, sep="\n")


@contextmanager
def _silence() -> Iterator[None]:
    logger = logging.getLogger("earthloom")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)


def _print_event(layer: str, done: int, total: int) -> None:
    print(json.dumps({"event": "progress", "layer": layer, "done": done, "total": total}))
    sys.stdout.flush()
