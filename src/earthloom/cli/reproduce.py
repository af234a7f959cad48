"""`earthloom reproduce`: the tables of a paper with the weights at hand, the published numbers beside ours."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, cast

import typer

from earthloom.cli import options
from earthloom.cli.progress import print_outputs, shown
from earthloom.errors import PartlyFailedError

app = typer.Typer(help="Rerun the tables of a paper.", no_args_is_help=True)


@app.callback()
def _papers() -> None:
    """Rerun the tables of a paper."""


@app.command()
def metaearth(
    data: Annotated[list[Path], typer.Option("--data", help="Catalog of imagery, folder or shard; again for more.")],
    model: options.Model = "metaearth-small",
    without: Annotated[str | None, typer.Option(help="Weights trained alike, told no resolution.")] = None,
    inception: Annotated[
        Path | None, typer.Option("--inception", help="InceptionV3 weights of FID and KID, to compare pictures by.")
    ] = None,
    vgg19: Annotated[
        Path | None, typer.Option("--vgg19", help="VGG19 weights, to compare by without --inception.")
    ] = None,
    classes: Annotated[Path | None, typer.Option(help="Folder CLASS/PICTURE with split.csv: file,split.")] = None,
    classes_gsd: Annotated[float, typer.Option(help="Ground metres of a pixel of these.")] = 8.0,
    out: Annotated[Path, typer.Option("--out", help="Folder of the report.")] = Path("reproduce/metaearth"),
    tables: Annotated[str | None, typer.Option(help="Which to make; default: all that the inputs allow.")] = None,
    n: Annotated[int | None, typer.Option("--n", help="Pictures of a table; default: 128, for seams 24.")] = None,
    epochs: Annotated[int | None, typer.Option(help="Passes of a classifier over real pictures; default: 30.")] = None,
    steps: Annotated[int | None, typer.Option(help="Sampling steps; default: 8, 2 with --quick.")] = None,
    sampler: Annotated[
        str, typer.Option(help="dpm (second order, few steps) or ddim (as published, with 50).")
    ] = "dpm",
    consistent: Annotated[
        bool, typer.Option("--consistent/--no-consistent", help="Make results average down to their input.")
    ] = True,
    quick: Annotated[bool, typer.Option("--quick", help="As little as runs everything; figures mean nothing.")] = False,
    seed: options.Seed = 0,
    device: options.DeviceName = "auto",
    precision: options.PrecisionName = "auto",
    workers: options.Workers = None,
    batch: options.Batch = 1,
    overwrite: options.Overwrite = False,
    quiet: options.Quiet = False,
    as_json: options.Json = False,
) -> None:
    """Rerun the tables of MetaEarth and write report.json, report.md and pictures."""
    from earthloom.pipelines.denoise import CascadeWeights
    from earthloom.pipelines.device import Device
    from earthloom.pipelines.run import RunOptions
    from earthloom.pipelines.stages import Sampling
    from earthloom.studies.metaearth.inputs import read_catalogs, read_features
    from earthloom.studies.metaearth.reproduce import reproduce
    from earthloom.studies.metaearth.study import QUICK, Effort, Study
    from earthloom.training.card import credit

    numbers = options.parse_numbers("--tables", tables, int, None)
    run = RunOptions(
        device=Device.choose(device, precision),
        workers=workers or options.num_cores(),
        batch=batch,
        seed=seed,
        overwrite=overwrite,
    )
    effort = QUICK if quick else Effort()
    changes: dict[str, Any] = {"pictures": n, "seam_pictures": n, "epochs": epochs}
    with shown(quiet=quiet, as_json=as_json) as progress:
        study = Study(
            weights=CascadeWeights.read(model),
            without=None if without is None else CascadeWeights.read(without),
            features=read_features(inception, vgg19, run),
            blocks=read_catalogs(data),
            credits=tuple(credit(each, unknown="imagery without an about.json") for each in data),
            classes=classes,
            classes_gsd_m=classes_gsd,
            folder=out,
            options=run,
            sampling=Sampling(
                steps=(2 if quick else 8) if steps is None else steps,
                sampler=cast(Any, sampler),
                consistent=consistent,
            ),
            effort=replace(effort, **{name: value for name, value in changes.items() if value is not None}),
            progress=progress,
        )
        written, failed = reproduce(study, numbers)
    print_outputs(written, as_json=as_json)
    if failed:
        raise PartlyFailedError(f"not made, for the reasons in {written[-1]}: table {', '.join(map(str, failed))}")
