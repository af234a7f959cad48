"""The main job on the bundled sample: imagery of Banepa becomes a COG, a tile archive and a contact sheet."""

from pathlib import Path

from earthloom.io.inputs import inspect
from earthloom.io.sinks import Level
from earthloom.loom.loom import Progress
from earthloom.pipelines.contact_sheet import contact_sheet
from earthloom.pipelines.device import Device
from earthloom.pipelines.map import MapOptions, draw_map
from earthloom.pipelines.series import SeriesWeights, Zooms, map_grid, map_window

SAMPLE = Path(__file__).parent.parent / "samples" / "banepa_z17.tif"
"""OpenAerialMap / HOT contributors, CC-BY 4.0."""

ZOOMS = Zooms(finest=17, coarsest=13, start=17)


def run_demo(folder: Path, workers: int, progress: Progress | None = None) -> list[Path]:
    """Draw the sample into a folder; what an earlier demo made there is replaced.

    Args:
        folder: Made if it is not there.
        workers: Windows drawn at once.
        progress: Told of every finished block.

    Returns:
        The files made: COGs, the tile archive, the contact sheet.
    """
    folder.mkdir(parents=True, exist_ok=True)
    imagery = inspect(SAMPLE)
    options = MapOptions(
        zooms=(ZOOMS.finest, ZOOMS.coarsest), device=Device.choose("cpu"), workers=workers, overwrite=True
    )
    outputs = [folder / "banepa.tif", folder / "banepa.pmtiles"]
    written = draw_map(imagery, outputs, SeriesWeights.read("series-small"), options, progress)
    sheet = folder / "contact-sheet.png"
    panels = [("image", _level(SAMPLE, ZOOMS.finest))]
    panels += [(f"z{zoom}", _level(folder / _name(zoom), zoom)) for zoom in ZOOMS.written]
    contact_sheet(panels, sheet)
    return [*written, sheet]


def _name(zoom: int) -> str:
    return "banepa.tif" if zoom == ZOOMS.finest else f"banepa_z{zoom}.tif"


def _level(path: Path, zoom: int) -> Level:
    """Return a whole file on the grid of a zoom."""
    imagery = inspect(path)
    return Level(zoom=zoom, source=imagery.on(map_grid(imagery, zoom)), window=map_window(imagery, zoom))
