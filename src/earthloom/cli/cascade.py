"""`earthloom cascade`: coarse imagery to fine imagery, without bounds."""

from pathlib import Path
from typing import Annotated, Any, cast

import typer

from earthloom.cli import options
from earthloom.cli.progress import print_outputs, shown


def cascade(
    image: Annotated[Path, typer.Argument(help="What `earthloom map` takes; any resolution.")],
    out: Annotated[Path, typer.Argument(help="NAME.tif (COG) or NAME.png, on the image's own CRS and grid.")],
    res: Annotated[float | None, typer.Option(help="Metres a pixel of the result; default: one stage.")] = None,
    steps: Annotated[int, typer.Option(help="Sampling steps of a stage.")] = 8,
    phases: Annotated[int, typer.Option(help="Parts the steps are cut into; windows are blended in between.")] = 1,
    sampler: Annotated[str, typer.Option(help="dpm (second order, few steps) or ddim (as published).")] = "dpm",
    noise: Annotated[str, typer.Option(help="canvas, shared_tiled, shared or independent.")] = "canvas",
    merge: Annotated[str, typer.Option(help="crop, hann or multidiffusion.")] = "crop",
    consistent: Annotated[
        bool, typer.Option("--consistent/--no-consistent", help="Make the result average down to the image.")
    ] = True,
    samples: Annotated[int, typer.Option(help="Parallel worlds, NAME_world1.tif and on.")] = 1,
    uncertainty: Annotated[bool, typer.Option("--uncertainty", help="NAME_std.tif: the worlds' spread.")] = False,
    model: options.Model = "metaearth-small",
    gsd: options.Gsd = None,
    bounds: options.BoundsText = None,
    bidx: options.Bidx = None,
    scale: options.Scale = None,
    seed: options.Seed = 0,
    device: options.DeviceName = "auto",
    precision: options.PrecisionName = "auto",
    workers: options.Workers = None,
    batch: options.Batch = 1,
    overwrite: options.Overwrite = False,
    resume: options.Resume = False,
    quiet: options.Quiet = False,
    as_json: options.Json = False,
) -> None:
    """Make finer imagery of an image, four times as fine a stage."""
    from earthloom.pipelines.cascade import make_cascade
    from earthloom.pipelines.cascade_plan import CascadeOptions
    from earthloom.pipelines.denoise import CascadeWeights
    from earthloom.pipelines.device import Device
    from earthloom.pipelines.stages import Sampling

    chosen = CascadeOptions(
        res_m=res,
        bounds=options.parse_bounds(bounds),
        sampling=Sampling(
            steps=steps,
            phases=phases,
            sampler=cast(Any, sampler),
            noise=cast(Any, noise),
            merge=cast(Any, merge),
            consistent=consistent,
        ),
        samples=samples,
        uncertainty=uncertainty,
        device=Device.choose(device, precision),
        workers=workers or options.num_cores(),
        batch=batch,
        seed=seed,
        overwrite=overwrite,
        resume=resume,
    )
    weights = CascadeWeights.read(model)
    with shown(quiet=quiet, as_json=as_json) as progress:
        imagery = options.open_imagery(image, bidx, gsd, scale)
        written = make_cascade(imagery, out, weights, chosen, progress)
    print_outputs(written, as_json=as_json)
