"""`earthloom models`: the presets and weights there are, what they hold, and whether they are sound."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from earthloom.cli.options import Overwrite
from earthloom.errors import UsageError

app = typer.Typer(no_args_is_help=True, help="List, describe, verify and convert models.")

WEIGHTS = "Shipped weights, a checkpoint folder, or owner/name on the Hugging Face hub"
Weights = Annotated[str, typer.Argument(help=f"{WEIGHTS}.")]
Name = Annotated[str, typer.Argument(help=f"{WEIGHTS}; or a preset.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


@app.command("list")
def list_models(as_json: AsJson = False) -> None:
    """List the presets and the weights that come with the package."""
    from earthloom.models.names import shipped_names
    from earthloom.models.registry import describe, preset, preset_names

    counts = {name: describe(preset(name))["networks"] for name in preset_names()}
    if as_json:
        typer.echo(json.dumps({"presets": counts, "weights": shipped_names()}))
        return
    typer.echo("presets (parameters):")
    width = max(map(len, counts)) + 2
    for name, networks in counts.items():
        typer.echo(f"  {name:<{width}}{_counts(networks)}")
    typer.echo("weights:")
    for name in shipped_names() or ["none come with this package"]:
        typer.echo(f"  {name}")


@app.command()
def info(name: Name, as_json: AsJson = False) -> None:
    """Describe a preset, or each checkpoint of a model."""
    from earthloom.models.registry import describe, preset, preset_names

    facts = describe(preset(name)) if name in preset_names() and not Path(name).is_dir() else _of_checkpoints(name)
    if as_json:
        typer.echo(json.dumps({"name": name, **facts}))
        return
    typer.echo(name)
    for key, value in facts.items():
        _echo(key, value, indent=2)


@app.command()
def verify(name: Weights, as_json: AsJson = False) -> None:
    """Load a model strictly, check its sha256 and its values, and run each of its networks once."""
    from earthloom.models.names import checkpoint_folders, resolve
    from earthloom.models.verify import verify as verify_folder

    found = {part or ".": verify_folder(folder) for part, folder in checkpoint_folders(resolve(name)).items()}
    if as_json:
        typer.echo(json.dumps({"name": name, "checkpoints": found}))
        return
    for part, facts in found.items():
        typer.echo(f"{name} {part}: sound, {facts['model']} {facts['network']}, sha256 {facts['sha256']}")


@app.command()
def convert(
    file: Annotated[Path, typer.Argument(help="*_net_G.pth or *_net_D.pth of the published Pix2PixHD code.")],
    out: Annotated[Path, typer.Argument(help="Checkpoint folder to write.")],
    overwrite: Overwrite = False,
) -> None:
    """Turn a checkpoint of the published Pix2PixHD code into a folder of Earthloom's own."""
    from earthloom.models.pix2pixhd.published import convert as convert_file

    if out.exists() and not overwrite:
        raise UsageError(f"{out} exists: choose another name, or replace it with --overwrite")
    convert_file(file, out, overwrite=overwrite)
    typer.echo(out)


@app.command()
def halo(
    name: Weights,
    image: Annotated[
        Path | None, typer.Option(help="What it reads, imagery or a map, pixel for pixel; default: random pixels.")
    ] = None,
    write: Annotated[bool, typer.Option("--write", help="Store the halo in config.json.")] = False,
    as_json: AsJson = False,
) -> None:
    """Measure how far each generator of a model sees, and what halo it needs."""
    from earthloom.models.names import CONFIG_FILE, checkpoint_folders, resolve
    from earthloom.pipelines.halo import measure_halo, write_halo

    found = {}
    for part, folder in checkpoint_folders(resolve(name)).items():
        report = found[part or "."] = measure_halo(folder, image)
        lines = [f"{name} {part}".rstrip(), *report.lines()]
        if write:
            write_halo(folder, report)
            lines.append(f"written to {folder / CONFIG_FILE}")
        if not as_json:
            typer.echo("\n  ".join(lines))
    if as_json:
        typer.echo(json.dumps({"name": name, "checkpoints": {part: each.facts() for part, each in found.items()}}))


def _of_checkpoints(name: str) -> dict[str, Any]:
    from earthloom.models.header import read_header
    from earthloom.models.names import checkpoint_folders, resolve
    from earthloom.models.registry import describe

    networks, checkpoints = {}, {}
    for part, folder in checkpoint_folders(resolve(name)).items():
        header = read_header(folder)
        facts = describe(header.config)
        label = f"{part}/{header.network}" if part else header.network
        networks[label] = facts.pop("networks")[header.network]
        checkpoints[part or "."] = {
            **facts,
            "network": header.network,
            "sha256": header.sha256,
            "meta": dict(header.meta),
        }
    return {"networks": networks, "checkpoints": checkpoints}


def _echo(key: str, value: Any, indent: int) -> None:
    """Print nested values one a line, so that a narrow terminal is enough."""
    if isinstance(value, dict):
        typer.echo(f"{'':{indent}}{key}:")
        for inner_key, inner in value.items():
            _echo(inner_key, inner, indent + 2)
        return
    typer.echo(f"{'':{indent}}{key}: {f'{value:,}' if type(value) is int else value}")


def _counts(networks: dict[str, int]) -> str:
    return ", ".join(f"{network} {count:,}" for network, count in networks.items())
