"""`earthloom train`: every recipe, one machine or many."""

import inspect
import json
import logging
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from earthloom.errors import UsageError


def train(
    recipe: Annotated[str | None, typer.Argument(help="A name from --list.")] = None,
    data: Annotated[
        list[Path] | None, typer.Option("--data", help="Folder or shard of pairs or imagery; again for more.")
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", help="Folder of the run; runs/RECIPE by default.")] = None,
    settings: Annotated[list[str] | None, typer.Option("--set", help="key=value on top of the recipe.")] = None,
    vgg19: Annotated[Path | None, typer.Option("--vgg19", help="VGG19 weights for the perceptual term.")] = None,
    init: Annotated[
        str | None, typer.Option("--init", help="Trained network to start from, as --model names it.")
    ] = None,
    seed: Annotated[int | None, typer.Option("--seed", help="Of weights and samples.")] = None,
    device: Annotated[str, typer.Option("--device", help="auto, cpu or cuda.")] = "auto",
    precision: Annotated[str, typer.Option("--precision", help="auto, fp32 or bf16.")] = "auto",
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the last checkpoint.")] = False,
    workers: Annotated[int, typer.Option("--workers", "-j", help="Processes that draw samples; 0: a thread.")] = 0,
    tensorboard: Annotated[bool, typer.Option("--tensorboard", help="Curves and sample grids in the run.")] = False,
    listed: Annotated[bool, typer.Option("--list", help="List the recipes.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No report and no progress bar.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Train a recipe on folders of pairs or catalogs of imagery."""
    from earthloom.training.config import override
    from earthloom.training.fit import VALIDATION_FILE, fit
    from earthloom.training.recipes import RECIPES
    from earthloom.training.recipes import recipe as recipe_named
    from earthloom.training.runtime import Runtime

    if listed:
        for name, make in RECIPES.items():
            typer.echo(f"{name}: {inspect.getdoc(make)}")
        return
    if recipe is None or not data:
        raise UsageError("name a recipe and its data: earthloom train RECIPE --data FOLDER; --list lists the recipes")
    if not quiet:
        logging.getLogger("earthloom").setLevel(logging.INFO)
    config = override(recipe_named(recipe), settings or ())
    if seed is not None:
        if seed < 0:
            raise UsageError(f"--seed {seed}: a seed is at least 0")
        config = replace(config, seed=seed)
    folder = out or Path("runs") / recipe
    runtime = Runtime(
        device=device,
        precision=precision,
        vgg19=vgg19,
        init=init,
        resume=resume,
        tensorboard=tensorboard,
        workers=workers,
        quiet=quiet,
    )
    checkpoint = fit(recipe, config, data, folder, runtime)
    if as_json:
        report = json.loads((folder / VALIDATION_FILE).read_text())
        typer.echo(json.dumps({checkpoint.name: str(checkpoint), "validation": report}))
    else:
        typer.echo(checkpoint)
