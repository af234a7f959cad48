"""Part of an image, as users ask for it with --bounds."""

from earthloom.errors import UsageError
from earthloom.geo.crs import Bounds, transform_bounds
from earthloom.geo.grid import Grid
from earthloom.geo.windows import Window
from earthloom.io.imagery import Imagery

_PIECE_PX = 1024
"""Side of the pieces that are searched for ground."""


def part_of(imagery: Imagery, grid: Grid, whole: Window, bounds: Bounds | None) -> Window:
    """Return the pixels of a grid that cover part of an image, snapped outward.

    Args:
        imagery: The image.
        grid: The grid.
        whole: Its pixels that are the image's.
        bounds: Left, bottom, right, top in the image's CRS; None for all of it.

    Raises:
        UsageError: If the image has no place, or the bounds miss it.
    """
    if bounds is None:
        return whole
    if imagery.crs is None or grid.crs is None:
        raise UsageError("--bounds needs an image with a place; cut this one first")
    part = grid.window_of(*transform_bounds(imagery.crs, grid.crs, bounds))
    if not part.intersects(whole):
        raise UsageError(f"--bounds {bounds} miss the image, whose bounds are {imagery.bounds} in {imagery.crs}")
    return part.intersection(whole)


def no_ground(imagery: Imagery, grid: Grid, bounds: Bounds | None) -> list[str]:
    """Say in one line if bounds hold no pixel of ground, so that what is made of them is empty.

    Args:
        imagery: The image.
        grid: On which it will be read.
        bounds: Left, bottom, right, top in its CRS; None for all of it, which has ground.
    """
    if bounds is None:
        return []
    source = imagery.on(grid)
    assert source.grid.extent is not None
    part = part_of(imagery, grid, source.grid.extent, bounds)
    if any(source.read(piece).mask.any() for piece, _ in part.parts(_PIECE_PX)):
        return []
    return [f"--bounds {bounds} hold only nodata of {imagery.path}: the result is empty"]
