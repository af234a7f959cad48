"""`earthloom style`: the map style's classes and colours."""

import json
from dataclasses import asdict
from typing import Annotated

import typer

from earthloom.cartography.style import STYLE


def style(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Print the classes and colours of the map style."""
    if as_json:
        typer.echo(json.dumps({"classes": [asdict(each) for each in STYLE.classes]}))
        return
    for each in STYLE.classes:
        red, green, blue = each.rgb
        typer.echo(f"{each.id}  {each.name:<11} #{red:02x}{green:02x}{blue:02x}  ({red}, {green}, {blue})")
