"""The log of a run: a JSON object a line, and a progress bar for people."""

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TextIO

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from earthloom.training.disk import replacing, writing

FILE = "log.jsonl"


class Log:
    """Appends records; a resumed run first forgets what lies after its checkpoint. A full disk is a TrainingError."""

    def __init__(self, folder: Path, *, done: int) -> None:
        """Open the log of a run that has done `done` steps."""
        self._path = folder / FILE
        kept = [line for line in _lines(self._path) if json.loads(line)["step"] <= done] if done else []
        with replacing(self._path) as fresh:
            fresh.write_text("".join(kept))
        self._file: TextIO = self._path.open("a")

    def write(self, step: int, **values: Any) -> None:
        """Append one record after `step` steps."""
        with writing(self._path):
            self._file.write(json.dumps({"step": step, **values}) + "\n")
            self._file.flush()

    def close(self) -> None:
        """Close the file; only what `write` has complained about can be left to write."""
        with suppress(OSError):
            self._file.close()


def read(folder: Path) -> list[dict[str, Any]]:
    """Read the records of a run."""
    return [json.loads(line) for line in _lines(folder / FILE)]


@contextmanager
def progress(total: int, done: int, *, quiet: bool) -> Iterator["Bar"]:
    """Show a bar on stderr, on a terminal only."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=quiet or not console.is_terminal) as shown:
        yield Bar(shown, total, done)


class Bar:
    """One line of progress."""

    def __init__(self, shown: Progress, total: int, done: int) -> None:
        """Start at `done` of `total` steps."""
        self._shown = shown
        self._task = shown.add_task("training", total=total, completed=done)

    def advance(self, phase: str, losses: dict[str, float]) -> None:
        """Count one step."""
        words = " ".join(f"{name} {value:.3f}" for name, value in losses.items())
        self._shown.update(self._task, advance=1, description=f"{phase}: {words}")


def _lines(path: Path) -> list[str]:
    """Whole lines; a line cut short by a kill is left out."""
    text = path.read_text() if path.is_file() else ""
    return [line for line in text.splitlines(keepends=True) if line.endswith("\n")]
