"""`earthloom train`: every recipe, one machine or many."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from earthloom.errors import UsageError


def train(
    recipe: Annotated[str, typer.Argument(help="series-r2m, series-m2m, series-tiny or pix2pixhd-paper.")],
    data: Annotated[list[Path], typer.Option("--data", help="Folder of pairs; may be given several times.")],
    out: Annotated[Path | None, typer.Option("--out", help="Folder of the run; runs/RECIPE by default.")] = None,
    settings: Annotated[list[str] | None, typer.Option("--set", help="key=value on top of the recipe.")] = None,
    vgg19: Annotated[Path | None, typer.Option("--vgg19", help="VGG19 weights for the perceptual term.")] = None,
    init: Annotated[Path | None, typer.Option("--init", help="Trained generator to start from (fine-tuning).")] = None,
    seed: Annotated[int | None, typer.Option("--seed", help="Of weights and samples.")] = None,
    device: Annotated[str, typer.Option("--device", help="auto, cpu or cuda.")] = "auto",
    precision: Annotated[str, typer.Option("--precision", help="auto, fp32 or bf16.")] = "auto",
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the last checkpoint.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress bar.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Train a recipe on folders of pairs."""
    from earthloom.training.config import override
    from earthloom.training.fit import VALIDATION_FILE, Runtime, fit
    from earthloom.training.recipes import recipe as recipe_named

    config = override(recipe_named(recipe), settings or ())
    if seed is not None:
        if seed < 0:
            raise UsageError(f"--seed {seed}: a seed is at least 0")
        config = replace(config, seed=seed)
    if vgg19 is None and config.adversarial_steps and not quiet:
        typer.echo("no --vgg19: the adversarial phase uses feature matching only", err=True)
    folder = out or Path("runs") / recipe
    runtime = Runtime(device=device, precision=precision, vgg19=vgg19, init=init, resume=resume, quiet=quiet)
    generator = fit(recipe, config, data, folder, runtime)
    if as_json:
        report = json.loads((folder / VALIDATION_FILE).read_text())
        typer.echo(json.dumps({"generator": str(generator), "validation": report}))
    else:
        typer.echo(generator)
