"""Cloud-optimised GeoTIFF: RGB or one band with an internal mask, DEFLATE, 512-px blocks, overviews."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import rasterio.shutil
from rasterio.windows import Window as FileWindow

from earthloom.geo.windows import Window
from earthloom.io.gdal import gdal, open_dataset
from earthloom.io.levels import Advance, Level, pieces
from earthloom.io.staging import need_space


def write_cog(path: Path, level: Level, tags: Mapping[str, str], *, lossless: bool, advance: Advance) -> None:
    """Write a level as a COG.

    Args:
        path: A name in a folder that also takes what is needed on the way.
        level: What to write.
        tags: Text for the file's default domain.
        lossless: Overviews take the nearest pixel, so that a map's colours stay exact; else they average.
        advance: Told of every piece.
    """
    draft = path.with_name(f"{path.stem}.draft.tif")
    write_draft(draft, level, tags, advance=advance)
    copy_draft(
        draft,
        path,
        driver="COG",
        COMPRESS="DEFLATE",
        PREDICTOR="NO" if lossless else "YES",
        BLOCKSIZE="512",
        OVERVIEW_RESAMPLING="NEAREST" if lossless else "AVERAGE",
        BIGTIFF="IF_SAFER",
    )


def write_draft(path: Path, level: Level, tags: Mapping[str, str], *, advance: Advance) -> bool:
    """Write a level piece by piece as a plain tiled GeoTIFF with an internal mask.

    Returns:
        Whether every pixel is valid.
    """
    window, whole = level.window, True
    with gdal(), open_dataset(path, "w", **_profile(level)) as draft:
        draft.update_tags(**tags)
        for piece in pieces(level):
            raster = level.source.read(piece)
            place = file_window(piece, window)
            need_space(path.parent, raster.pixels.nbytes)
            draft.write(np.where(raster.mask, raster.pixels, np.uint8(0)), window=place)
            draft.write_mask(raster.mask, window=place)
            whole &= bool(raster.mask.all())
            advance(1)
    return whole


def copy_draft(draft: Path, path: Path, **options: str) -> None:
    """Turn a draft into its final format, then delete it."""
    need_space(path.parent, 2 * draft.stat().st_size)
    with gdal():
        rasterio.shutil.copy(draft, path, **options)
    draft.unlink()


def file_window(piece: Window, window: Window) -> FileWindow:
    """Return where a piece lies in a file that holds `window`."""
    return FileWindow(piece.col - window.col, piece.row - window.row, piece.width, piece.height)


def _profile(level: Level) -> dict[str, Any]:
    """Return the draft's creation options; an image without a place gets no transform."""
    grid, window = level.source.grid, level.window
    place = {} if grid.crs is None else {"crs": grid.crs, "transform": grid.transform_of(window)}
    return {
        "driver": "GTiff",
        "width": window.width,
        "height": window.height,
        "count": level.source.bands,
        "dtype": "uint8",
        "photometric": "RGB" if level.source.bands == 3 else "MINISBLACK",
        "tiled": True,
        "blockxsize": 512,
        "blockysize": 512,
        "compress": "DEFLATE",
        "zlevel": 1,
        "bigtiff": "IF_SAFER",
        **place,
    }
