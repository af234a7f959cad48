"""Part of an image, as users ask for it with --bounds."""

from earthloom.errors import UsageError
from earthloom.geo.crs import Bounds, transform_bounds
from earthloom.geo.grid import Grid
from earthloom.io.imagery import Imagery

_PIECE_PX = 1024
"""Side of the pieces that are searched for ground."""


def check_bounds(imagery: Imagery, grid: Grid, bounds: Bounds | None) -> None:
    """Refuse bounds that nothing could be made of, before any work is done.

    Args:
        imagery: The image.
        grid: On which it will be read.
        bounds: Left, bottom, right, top in its CRS; None for all of it.

    Raises:
        UsageError: If the image has no place, or the bounds miss it or hold nothing but nodata.
    """
    if bounds is None:
        return
    if imagery.crs is None:
        raise UsageError("--bounds needs an image with a place; cut this one first")
    whole = f"the image, whose bounds are {imagery.bounds} in {imagery.crs}"
    source = imagery.on(grid)
    extent = source.grid.extent
    assert extent is not None
    assert grid.crs is not None
    part = grid.window_of(*transform_bounds(imagery.crs, grid.crs, bounds))
    if not part.intersects(extent):
        raise UsageError(f"--bounds {bounds} miss {whole}")
    if not any(source.read(piece).mask.any() for piece, _ in part.intersection(extent).parts(_PIECE_PX)):
        raise UsageError(f"--bounds {bounds} hold only nodata of {whole}")
