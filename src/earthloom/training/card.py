"""What every model card says alike: where the data came from."""

import json
from collections.abc import Iterable
from pathlib import Path

from earthloom.data.build import ABOUT


def data_section(folders: Iterable[Path], *, unknown: str) -> list[str]:
    """Return the lines of a card's section on the data: licence and credit of every pack.

    Args:
        folders: What the run was given.
        unknown: What a folder without `about.json` holds.
    """
    return ["", "## Data", "", *[f"- {_about(folder, unknown)}" for folder in folders]]


def _about(folder: Path, unknown: str) -> str:
    path = folder / ABOUT
    if not path.is_file():
        return f"{folder.name}: {unknown}"
    about = json.loads(path.read_text())
    return f"{about['pack']}: {about['licence']}. {about['attribution']}"
