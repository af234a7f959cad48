"""What the command line offers, read from the program itself."""

from typing import Any

import build_docs
import pytest


@pytest.fixture(scope="session")
def options_of_verbs() -> dict[str, set[str]]:
    """Return every verb (`map`, `models list`) with its options."""
    return {
        name: {option for parameter in command.params for option in _spelled(parameter)}
        for name, command in build_docs.commands().items()
    }


def _spelled(parameter: Any) -> list[str]:
    return [option for option in (*parameter.opts, *parameter.secondary_opts) if option.startswith("-")]
