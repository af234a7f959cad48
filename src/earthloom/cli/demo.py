"""`earthloom demo`: the main job on the bundled real sample with the bundled weights."""

from pathlib import Path
from typing import Annotated

import typer

from earthloom.cli import options
from earthloom.cli.progress import print_outputs, shown


def demo(
    out: Annotated[Path, typer.Option(help="Folder for what the demo makes.")] = Path("earthloom-demo"),
    workers: options.Workers = None,
    quiet: options.Quiet = False,
    as_json: options.Json = False,
) -> None:
    """Draw the bundled image of Banepa, Nepal as maps of zooms 17 to 13, and say how to look at them."""
    from earthloom.pipelines.demo import run_demo

    with shown(quiet=quiet, as_json=as_json) as progress:
        written = run_demo(out, workers or options.num_cores(), progress)
    print_outputs(written, as_json=as_json)
    if not (quiet or as_json):
        print(f"Look at {out / 'contact-sheet.png'}; open {out / 'banepa.pmtiles'} or {out / 'banepa.tif'} in QGIS.")
