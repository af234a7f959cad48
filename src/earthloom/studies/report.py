"""A study as files: `report.json` for machines and `report.md` for people, rewritten after every table."""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, is_dataclass
from pathlib import Path
from typing import Any, Protocol

from earthloom.errors import SinkError, UsageError
from earthloom.io.staging import staged
from earthloom.metrics.interval import Interval

JSON_FILE, MARKDOWN_FILE = "report.json", "report.md"

NOT_REACHED = "not reached: the run was stopped before"


class Table(Protocol):
    """What came out of one table, a frozen value."""

    def facts(self) -> dict[str, Any]:
        """Return it for JSON."""
        ...

    def markdown(self) -> list[str]:
        """Return it as lines of Markdown, the published numbers beside ours."""
        ...


@dataclass(frozen=True, slots=True)
class NotRun:
    """A table that was not made, and why."""

    reason: str
    """One sentence without its full stop."""

    def facts(self) -> dict[str, Any]:
        """Return the reason."""
        return {"not_run": self.reason}

    def markdown(self) -> list[str]:
        """Return the reason."""
        return [f"Not run: {self.reason}."]


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One table of a report."""

    number: int
    """As `--tables` names it."""

    title: str
    """What it asks."""

    table: Table
    """What came out."""

    seconds: float = 0.0
    """What it took."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """All of a study."""

    title: str
    """Of the whole."""

    about: Mapping[str, Any]
    """Model, data, seed, device: whatever decides the figures; JSON values."""

    sections: Sequence[Section]
    """In the order of their numbers."""

    def facts(self) -> dict[str, Any]:
        """Return it for JSON."""
        tables = {
            str(each.number): {"title": each.title, "seconds": round(each.seconds, 1), **each.table.facts()}
            for each in self.sections
        }
        return {"title": self.title, "about": dict(self.about), "tables": tables}

    def markdown(self) -> str:
        """Return it as a page."""
        lines = [f"# {self.title}", "", *(f"- {key}: {_shown(value)}" for key, value in self.about.items())]
        for each in self.sections:
            lines += ["", f"## {each.number}. {each.title}", "", *each.table.markdown()]
            lines += ["", f"Took {each.seconds:.0f} s."] if each.seconds >= 0.5 else []
        return "\n".join(lines) + "\n"

    def write(self, folder: Path) -> list[Path]:
        """Write both files; the old ones stay whole until the new ones are.

        Raises:
            SinkError: If the folder cannot be written.
        """
        texts = {JSON_FILE: json.dumps(plain(self.facts()), indent=1) + "\n", MARKDOWN_FILE: self.markdown()}
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise SinkError(f"{folder} cannot be written: {error}; choose another with --out") from error
        for name, text in texts.items():
            with staged(folder / name) as stage:
                (stage / name).write_text(text, encoding="utf-8")
        return [folder / name for name in texts]


def check_folder(folder: Path, *, overwrite: bool) -> None:
    """Refuse a folder that holds a report already.

    Raises:
        UsageError: If so, and `overwrite` does not allow it.
    """
    if (folder / JSON_FILE).exists() and not overwrite:
        raise UsageError(f"{folder} holds a report: choose another with --out, or replace it with --overwrite")


def plain(value: Any) -> Any:
    """Return JSON values: dataclasses as objects, numbers that are not finite as null."""
    if is_dataclass(value) and not isinstance(value, type):
        value = asdict(value)
    if isinstance(value, Mapping):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def grid_lines(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Return a Markdown table."""
    return [f"| {' | '.join(cells)} |" for cells in (head, ["---"] * len(head), *rows)]


def number(value: float | None, absent: str = "") -> str:
    """Return a figure in four digits."""
    return absent if value is None else f"{value:.4g}"


def interval(found: Interval | None, absent: str = "") -> str:
    """Return a figure and its 95 % interval."""
    return absent if found is None else f"{found.value:.4g} ({found.low:.4g} to {found.high:.4g})"


def _shown(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_shown(each)}" for key, each in value.items())
    return "; ".join(map(_shown, value)) if isinstance(value, list | tuple) else str(value)
