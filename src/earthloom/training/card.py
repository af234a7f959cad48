"""What every model card says alike: where the data came from."""

import json
from collections.abc import Iterable
from pathlib import Path

from earthloom.data.build import ABOUT


def data_section(sources: Iterable[Path], *, unknown: str) -> list[str]:
    """Return the lines of a card's section on the data: licence and credit of every pack.

    Args:
        sources: What the run was given: folders, or shards of one.
        unknown: What is there without an `about.json`.
    """
    return ["", "## Data", "", *[f"- {_about(source, unknown)}" for source in sources]]


def _about(source: Path, unknown: str) -> str:
    path = (source if source.is_dir() else source.parent) / ABOUT
    if not path.is_file():
        return f"{source.name}: {unknown}"
    about = json.loads(path.read_text())
    return f"{about['pack']}: {about['licence']}. {about['attribution']}"
