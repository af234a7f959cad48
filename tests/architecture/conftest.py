"""What the command line offers, read from the program itself."""

from typing import Any

import pytest
import typer


@pytest.fixture(scope="session")
def options_of_verbs() -> dict[str, set[str]]:
    """Return every verb (`map`, `models list`) with its options."""
    from earthloom.cli.main import app

    return dict(_walk(typer.main.get_command(app), ""))


def _walk(command: Any, name: str) -> list[tuple[str, set[str]]]:
    inner = getattr(command, "commands", None)
    if inner is None:
        return [(name, {option for parameter in command.params for option in _spelled(parameter)})]
    return [found for key, child in inner.items() for found in _walk(child, f"{name} {key}".strip())]


def _spelled(parameter: Any) -> list[str]:
    return [option for option in (*parameter.opts, *parameter.secondary_opts) if option.startswith("-")]
