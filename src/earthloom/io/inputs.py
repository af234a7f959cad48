"""What a user may give as imagery: an image file, a set of tiles, or a STAC item of one."""

from math import isfinite
from pathlib import Path

from earthloom.errors import UsageError
from earthloom.io.archives import open_archive
from earthloom.io.imagery import Imagery, inspect_image
from earthloom.io.stac_source import resolve_item
from earthloom.io.tile_set import inspect_tiles


def inspect(
    path: Path | str,
    *,
    bidx: tuple[int, ...] = (),
    gsd_m: float | None = None,
    scale: tuple[float, float] | None = None,
) -> Imagery:
    """Look at imagery and refuse what cannot be read.

    Args:
        path: A GeoTIFF, COG, PNG or JPEG, or anything else GDAL reads as an image; MBTiles, PMTiles or a folder of
            tiles, Z/X/Y.png; a STAC item of any of these. Images may be remote (`io.remote`).
        bidx: One, three or four band numbers from 1, of which the fourth is left aside; all bands if empty.
        gsd_m: Ground metres of a pixel, for an image without a place; the CRS of one that has a place wins.
        scale: Values that become 0 and 255, for anything but uint8.

    Raises:
        SourceError: If it cannot be read as imagery; the message says the way out.
        UsageError: If an argument makes no sense whatever the file.
    """
    check_reading(gsd_m, scale)
    path = resolve_item(Path(path))
    archive = open_archive(path)
    if archive is not None:
        return inspect_tiles(archive, bidx, scale)
    return inspect_image(path, bidx=bidx, gsd_m=gsd_m, scale=scale)


def check_reading(gsd_m: float | None, scale: tuple[float, float] | None) -> None:
    """Refuse what makes no sense whatever the file.

    Raises:
        UsageError: If a pixel would have no size, or black and white would be one.
    """
    if gsd_m is not None and not (isfinite(gsd_m) and gsd_m > 0):
        raise UsageError(f"--gsd {gsd_m:g}: is no size of a pixel: give metres above 0, e.g. --gsd 0.3")
    if scale is not None and not (isfinite(scale[0]) and isfinite(scale[1]) and scale[0] < scale[1]):
        raise UsageError(f"--scale {scale[0]:g},{scale[1]:g}: needs two finite values LOW < HIGH, e.g. --scale 0,3000")
