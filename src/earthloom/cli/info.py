"""`earthloom info`: what a file is and where it comes from."""

import json
from pathlib import Path
from typing import Annotated

import typer


def info(
    file: Annotated[Path, typer.Argument(help="An image, a tile archive or a folder of tiles.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Print a file's structure and provenance."""
    from earthloom.io.provenance import describe

    facts = describe(file)
    if as_json:
        typer.echo(json.dumps(facts))
        return
    tags = facts.pop("tags")
    for key, value in {**facts, **tags}.items():
        typer.echo(f"{key:<24}{_text(value)}")
    if not tags:
        typer.echo("no provenance: not made by Earthloom, or its tags were lost")


def _text(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(_text, value)) or "none"
    return "none" if value is None else str(value)
