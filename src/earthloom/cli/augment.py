"""`earthloom augment`: a labelled data set made larger."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from earthloom.cli import options
from earthloom.cli.progress import print_outputs, shown
from earthloom.errors import PartlyFailedError


def augment(
    folder: Annotated[Path, typer.Argument(help="Class folders: FOLDER/CLASS/NAME.jpg, .png or .tif.")],
    out: Annotated[Path, typer.Argument(help="The same class folders, each image with NAME_world1.png and on.")],
    times: Annotated[int, typer.Option(help="How often each image is made again.")] = 5,
    steps: Annotated[int, typer.Option(help="Sampling steps.")] = 8,
    consistent: Annotated[
        bool, typer.Option("--consistent/--no-consistent", help="Make each average down to what the image does.")
    ] = True,
    model: options.Model = "metaearth-small",
    gsd: Annotated[
        float | None, typer.Option(help="Ground metres of a pixel of the images; needed without georeference.")
    ] = None,
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
    """Make labelled images again in parallel worlds: class folders in, class folders out."""
    from earthloom.pipelines.augment import augment as run
    from earthloom.pipelines.augment_plan import AugmentOptions
    from earthloom.pipelines.denoise import CascadeWeights
    from earthloom.pipelines.device import Device
    from earthloom.pipelines.stages import Sampling

    bands, ends = options.parse_reading(bidx, scale)
    chosen = AugmentOptions(
        times=times,
        sampling=Sampling(steps=steps, consistent=consistent),
        gsd_m=gsd,
        bidx=bands,
        scale=ends,
        device=Device.choose(device, precision),
        workers=workers or options.num_cores(),
        batch=batch,
        seed=seed,
        overwrite=overwrite,
        resume=resume,
    )
    weights = CascadeWeights.read(model)
    with shown(quiet=quiet, as_json=as_json) as progress:
        failed = run(folder, out, weights, chosen, progress)
    for line in failed:
        if as_json:
            print(json.dumps({"event": "failed", "reason": line}))
        else:
            print(f"earthloom: {line}", file=sys.stderr)
    print_outputs([out], as_json=as_json)
    if failed:
        raise PartlyFailedError(f"{len(failed)} images could not be made again: {out} holds their copies only")
