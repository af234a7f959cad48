"""Plain PNG, written line by line: RGB, or RGBA where something is masked, with tags as text."""

from collections.abc import Mapping
from pathlib import Path

from rasterio.enums import ColorInterp
from rasterio.windows import Window as FileWindow

from earthloom.geo.grid import Grid
from earthloom.geo.windows import Window
from earthloom.io.cog import copy_draft, write_draft
from earthloom.io.gdal import gdal, open_dataset
from earthloom.io.levels import Advance, Level


def write_png(path: Path, level: Level, tags: Mapping[str, str], *, advance: Advance) -> None:
    """Write a level as PNG; one with a place gets a world file and an .aux.xml with the CRS beside it."""
    draft = path.with_name(f"{path.stem}.draft.tif")
    if not write_draft(draft, level, tags, advance=advance):
        draft = _with_alpha(draft)
    copy_draft(draft, path, driver="PNG", WRITE_METADATA_AS_TEXT="YES")
    path.with_name(f"{path.name}.msk").unlink(missing_ok=True)
    grid = level.source.grid
    if grid.crs is None:
        path.with_name(f"{path.name}.aux.xml").unlink(missing_ok=True)
    else:
        path.with_suffix(".pgw").write_text(_world_file(grid, level.window))


def _with_alpha(draft: Path) -> Path:
    """Copy a draft with its mask as a fourth band; the first is deleted."""
    result = draft.with_name(f"{draft.stem}.rgba.tif")
    with gdal(), open_dataset(draft) as rgb:
        profile = {**rgb.profile, "count": 4, "photometric": "RGB", "alpha": "UNSPECIFIED"}
        with open_dataset(result, "w", **profile) as copy:
            copy.colorinterp = (ColorInterp.red, ColorInterp.green, ColorInterp.blue, ColorInterp.alpha)
            copy.update_tags(**rgb.tags())
            for _, window in rgb.block_windows(1):
                place = FileWindow(window.col_off, window.row_off, window.width, window.height)
                copy.write(rgb.read(window=place), indexes=[1, 2, 3], window=place)
                copy.write(rgb.read_masks(1, window=place), 4, window=place)
    draft.unlink()
    return result


def _world_file(grid: Grid, window: Window) -> str:
    """Return the six lines of a world file: the transform of the centre of the first pixel."""
    a, b, _, d, e, _ = tuple(grid.transform_of(window))[:6]
    x, y = grid.transform_of(window) @ (0.5, 0.5)
    return "".join(f"{value!r}\n" for value in (a, d, b, e, x, y))
