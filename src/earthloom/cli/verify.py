"""`earthloom verify`: weave random blocks of a file again and compare."""

import json
from pathlib import Path
from typing import Annotated

import typer

from earthloom.cli import options


def verify(
    file: Annotated[Path, typer.Argument(help="A map or imagery that Earthloom made.")],
    source: Annotated[
        Path | None, typer.Option("--input", help="The image it was made of; default: the recorded name beside it.")
    ] = None,
    model: Annotated[str | None, typer.Option(help="Weights; default: the recorded ones.")] = None,
    blocks: Annotated[int, typer.Option(min=1, help="How many random blocks.")] = 4,
    seed: Annotated[int, typer.Option(min=0, help="Of the choice of blocks.")] = 0,
    device: options.DeviceName = "auto",
    precision: options.PrecisionName = "auto",
    workers: options.Workers = None,
    as_json: options.Json = False,
) -> None:
    """Weave random blocks of a file again from what its provenance names, and say what differs."""
    from earthloom.pipelines.device import Device
    from earthloom.pipelines.verify import verify as check

    verdict = check(
        file,
        source=source,
        model=model,
        num_blocks=blocks,
        seed=seed,
        device=Device.choose(device, precision),
        workers=workers or options.num_cores(),
    )
    if as_json:
        typer.echo(json.dumps(verdict.facts()))
    else:
        for key, (there, here) in verdict.claims.items():
            typer.echo(" ".join(f"{key}: the file says {there}, here it is {here}".split()))
        for block in verdict.blocks:
            found = f"{block.differing} of {block.pixels} pixels differ" if block.differing else "equal"
            zoom = "" if block.zoom is None else f"zoom {block.zoom}, "
            typer.echo(f"{zoom}block {block.row},{block.col}: {found}")
        typer.echo("the file is what it says" if verdict.holds else "the file is not what it says")
    if not verdict.holds:
        raise typer.Exit(1)
