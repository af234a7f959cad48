"""`earthloom evaluate`: figures of what a model makes."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from earthloom.cli import options
from earthloom.cli.progress import shown

if TYPE_CHECKING:
    from earthloom.metrics.seams import SeamRatio

app = typer.Typer(help="Measure what a model makes.", no_args_is_help=True)


@app.command()
def seams(
    image: Annotated[Path, typer.Argument(help="What `earthloom map` takes.")],
    zooms: Annotated[
        str | None, typer.Option(help="Zooms to measure, e.g. 13..17; default: the image's down to 13.")
    ] = None,
    model: options.Model = "series-small",
    gsd: options.Gsd = None,
    bounds: options.BoundsText = None,
    bidx: options.Bidx = None,
    scale: options.Scale = None,
    device: options.DeviceName = "auto",
    precision: options.PrecisionName = "auto",
    workers: options.Workers = None,
    quiet: options.Quiet = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Weave the maps of an image twice, the second lattice shifted by half a block, and say whether joints show."""
    from earthloom.pipelines.device import Device
    from earthloom.pipelines.map import MapOptions
    from earthloom.pipelines.seams import measure_seams
    from earthloom.pipelines.series import SeriesWeights

    chosen = MapOptions(
        zooms=options.parse_zooms(zooms),
        bounds=options.parse_bounds(bounds),
        device=Device.choose(device, precision),
        workers=workers or options.num_cores(),
    )
    weights = SeriesWeights.read(model)
    with shown(quiet=quiet or as_json, as_json=False) as progress:
        report = measure_seams(options.open_imagery(image, bidx, gsd, scale), weights, chosen, progress)
    if as_json:
        typer.echo(json.dumps(report.facts()))
    else:
        for zoom, found in report.zooms.items():
            typer.echo(f"zoom {zoom}: {'no seam to measure' if found is None else _line(found)}")
        typer.echo("no seam shows" if report.is_seamless else "seams show")
    if not report.is_seamless:
        raise typer.Exit(1)


def _line(found: "SeamRatio") -> str:
    interval = f"{found.low:.3f} to {found.high:.3f}"
    verdict = "no seam shows" if found.is_seamless else "seams show"
    return f"ratio {found.ratio:.3f}, 95 % interval {interval}, {found.num_lines} lines: {verdict}"
