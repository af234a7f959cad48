"""`earthloom map`: imagery to a multi-scale map pyramid."""

from pathlib import Path
from typing import Annotated

import typer

from earthloom.cli import options
from earthloom.cli.progress import print_outputs, shown


def draw(
    image: Annotated[
        Path, typer.Argument(help="GeoTIFF, COG, PNG, JPEG (also https://, s3://), MBTiles, PMTiles, tile folder.")
    ],
    out: Annotated[
        list[Path],
        typer.Argument(help="NAME.tif (COG), .pmtiles, .mbtiles, .png, or a folder (XYZ tiles); several may be given."),
    ],
    zooms: Annotated[
        str | None, typer.Option(help="Zooms to write, e.g. 13..17; default: the image's down to 13.")
    ] = None,
    model: options.Model = "series-small",
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
    """Draw the maps of an image, zoom by zoom."""
    from earthloom.pipelines.device import Device
    from earthloom.pipelines.map import MapOptions, draw_map
    from earthloom.pipelines.series import SeriesWeights

    chosen = MapOptions(
        zooms=options.parse_zooms(zooms),
        bounds=options.parse_bounds(bounds),
        device=Device.choose(device, precision),
        workers=workers or options.num_cores(),
        batch=batch,
        seed=seed,
        overwrite=overwrite,
        resume=resume,
    )
    weights = SeriesWeights.read(model)
    with shown(quiet=quiet, as_json=as_json) as progress:
        imagery = options.open_imagery(image, bidx, gsd, scale)
        written = draw_map(imagery, out, weights, chosen, progress)
    print_outputs(written, as_json=as_json)
