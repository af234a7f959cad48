"""The main job on the bundled sample: imagery of Banepa becomes a COG, a tile archive and a contact sheet."""

from collections.abc import Sequence
from pathlib import Path

from earthloom.errors import InterruptedRunError, SourceError, UsageError
from earthloom.io.describe import describe
from earthloom.io.inputs import inspect
from earthloom.io.sinks import Level, strangers
from earthloom.io.sinks import outputs as files_of
from earthloom.io.stac import item_of
from earthloom.loom.loom import Progress
from earthloom.pipelines.contact_sheet import contact_sheet
from earthloom.pipelines.device import Device
from earthloom.pipelines.map import MapOptions, draw_map
from earthloom.pipelines.series import SeriesWeights, Zooms, map_grid, map_window

SAMPLE = Path(__file__).parent.parent / "samples" / "banepa_z17.tif"
"""OpenAerialMap / HOT contributors, CC-BY 4.0."""

ZOOMS = Zooms(finest=17, coarsest=13, start=17)


def run_demo(folder: Path, workers: int, progress: Progress | None = None) -> list[Path]:
    """Draw the sample into a folder; what an earlier demo made there is replaced, anything else is not.

    Args:
        folder: Made if it is not there.
        workers: Windows drawn at once.
        progress: Told of every finished block.

    Returns:
        The files made: COGs, the tile archive, the contact sheet.

    Raises:
        UsageError: If there is no such folder to be had, or it holds another's file of such a name.
        InterruptedRunError: On Ctrl-C.
        SinkError: If writing fails.
    """
    cogs = files_of(folder / "banepa.tif", ZOOMS.written)
    archive, sheet = folder / "banepa.pmtiles", folder / "contact-sheet.png"
    _prepare(folder, [*cogs, archive, sheet])
    try:
        _draw([cogs[0], archive], workers, progress)
        panels = [("image", _level(SAMPLE, ZOOMS.finest))]
        panels += [(f"z{zoom}", _level(cog, zoom)) for zoom, cog in zip(ZOOMS.written, cogs, strict=True)]
        contact_sheet(panels, sheet, describe(cogs[0])["tags"])
    except (InterruptedRunError, KeyboardInterrupt) as interrupt:
        raise InterruptedRunError("interrupted: the demo starts anew when it is run again") from interrupt
    return [*cogs, archive, sheet]


def _prepare(folder: Path, files: Sequence[Path]) -> None:
    """Make the folder, and refuse to replace what no demo made."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{folder}: cannot be a folder ({error.strerror}): choose another with --out") from error
    for file in files:
        if not file.exists() and (left := strangers(file, item_of(files[0]))):
            raise UsageError(f"{left[0]}: is there without {file.name}: move it, or choose another folder with --out")
        if file.exists() and not _is_own(file):
            raise UsageError(f"{file}: exists, and no demo made it: choose another folder with --out")


def _is_own(file: Path) -> bool:
    try:
        return bool(describe(file)["tags"].get("EARTHLOOM_INPUT") == SAMPLE.name)
    except SourceError:
        return False


def _draw(outputs: Sequence[Path], workers: int, progress: Progress | None) -> None:
    options = MapOptions(
        zooms=(ZOOMS.finest, ZOOMS.coarsest), device=Device.choose("cpu"), workers=workers, overwrite=True
    )
    draw_map(inspect(SAMPLE), outputs, SeriesWeights.read("series-small"), options, progress)


def _level(path: Path, zoom: int) -> Level:
    """Return a whole file on the grid of a zoom."""
    imagery = inspect(path)
    return Level(zoom=zoom, source=imagery.on(map_grid(imagery, zoom)), window=map_window(imagery, zoom))
