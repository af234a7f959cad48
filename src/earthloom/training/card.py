"""What every model card says alike: where the data came from."""

import json
from collections.abc import Iterable
from pathlib import Path

from earthloom.data.build import ABOUT


def data_section(sources: Iterable[Path], *, unknown: str) -> list[str]:
    """Return the lines of a card's section on the data: licence and credit of every pack, each once.

    Args:
        sources: What the run was given: folders, or shards of one.
        unknown: What is there without an `about.json`.
    """
    return ["", "## Data", "", *dict.fromkeys(f"- {credit(source, unknown=unknown)}" for source in sources)]


def credit(data: Path, *, unknown: str) -> str:
    """Return licence and credit of a folder of data or one of its shards, as its `about.json` says them.

    Args:
        data: The folder or shard.
        unknown: What it holds if there is no `about.json`.
    """
    path = (data.parent if data.is_file() else data) / ABOUT
    if not path.is_file():
        return f"{data.name}: {unknown}"
    about = json.loads(path.read_text(encoding="utf-8"))
    return f"{about['pack']}: {about['licence']}. {about['attribution']}"
