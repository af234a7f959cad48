"""Imagery to a pyramid of maps: r2m at the finest zoom, then m2m zoom by zoom (Series GAN, equation 8)."""

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from affine import Affine

from earthloom.errors import ModelError, SourceError, UsageError
from earthloom.geo.crs import transform_bounds
from earthloom.geo.grid import Grid
from earthloom.geo.tiles import MAX_ZOOM, finest_zoom, ground_resolution_m, web_mercator_grid
from earthloom.geo.windows import Window
from earthloom.io.imagery import Imagery
from earthloom.loom.layer import Input, Layer
from earthloom.models.header import read_header
from earthloom.models.names import checkpoint_folders, resolve
from earthloom.pipelines.bounds import part_of
from earthloom.pipelines.device import Device
from earthloom.pipelines.draw import BLOCK_PX, Draw, Drawer

DEFAULT = "series-small"
"""The shipped weights; their m2m also stands beside a lone r2m generator."""

COARSEST_ZOOM = 13
TRAINED_ZOOM = 17
"""The zoom whose ground the generators of the published ladder start from; finer imagery is averaged down to it."""

Bounds = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesWeights:
    """The two generators of a series."""

    name: str
    """What the user called it."""

    r2m: Drawer
    """Imagery to map, at the finest zoom."""

    m2m: Drawer
    """Map to the map one zoom coarser, shared by all steps."""

    licence: str
    """Licence of the weights."""

    @classmethod
    def read(cls, name: str) -> "SeriesWeights":
        """Find weights by shipped name, folder or hub id; a lone r2m generator gets the shipped m2m.

        Raises:
            ModelError: If they are missing, damaged or no series.
        """
        folders = _parts(name)
        r2m, m2m = (Drawer.read(folder, role=role) for folder, role in zip(folders, ("r2m", "m2m"), strict=True))
        if r2m.palette != m2m.palette:
            raise ModelError(f"{name} mixes two map styles: r2m-17 and m2m have different palettes")
        licences = [str(read_header(folder).meta.get("licence", "not stated")) for folder in folders]
        return cls(name=name, r2m=r2m, m2m=m2m, licence="; ".join(dict.fromkeys(licences)))

    @property
    def sha256(self) -> str:
        """Hashes of both weights, in the order they are used."""
        return f"{self.r2m.sha256},{self.m2m.sha256}"


def _parts(name: str) -> tuple[Path, Path]:
    """Return the folders of r2m and m2m."""
    folder = resolve(name)
    if "" in checkpoint_folders(folder):
        return folder, resolve(DEFAULT) / "m2m"
    missing = [part for part in ("r2m-17", "m2m") if not (folder / part).is_dir()]
    if missing:
        raise ModelError(
            f"{name} is no series of generators: it lacks {', '.join(missing)} "
            "(want r2m-17 and m2m, or one imagery-to-map generator, e.g. runs/series-r2m/generator)"
        )
    return folder / "r2m-17", folder / "m2m"


@dataclass(frozen=True, slots=True, kw_only=True)
class Zooms:
    """The zooms written; drawing starts at `start`, which is finer where coarser zooms alone are asked for."""

    finest: int
    coarsest: int
    start: int

    @property
    def written(self) -> range:
        """Zooms from finest to coarsest."""
        return range(self.finest, self.coarsest - 1, -1)


def choose_zooms(imagery: Imagery, asked: tuple[int, int] | None) -> Zooms:
    """Choose the zooms of a map: the top one is the finest whose ground is at least gsd / 1.5.

    Args:
        imagery: Gives ground resolution and latitude.
        asked: Zooms the user wants, in either order; None for the top one (17 at most) down to 13.

    Raises:
        UsageError: If a zoom does not exist.
        SourceError: If the imagery is too coarse for a map at zoom 13 and no zoom is asked for.
    """
    top = min(finest_zoom(imagery.gsd_m, imagery.lat_deg), TRAINED_ZOOM)
    if asked is None:
        if top < COARSEST_ZOOM:
            raise SourceError(
                f"{imagery.path.name} has {imagery.gsd_m:g} m pixels, too coarse for zoom {COARSEST_ZOOM}; "
                f"ask for coarser ones with --zooms {top}..{max(top - 2, 0)}"
            )
        return Zooms(finest=top, coarsest=COARSEST_ZOOM, start=top)
    for zoom in asked:
        if not 0 <= zoom <= MAX_ZOOM:
            raise UsageError(f"--zooms names zoom {zoom}; zooms run 0..{MAX_ZOOM}")
    finest, coarsest = max(asked), min(asked)
    return Zooms(finest=finest, coarsest=coarsest, start=max(finest, top))


def warnings(imagery: Imagery, zooms: Zooms) -> list[str]:
    """Say in one line each where a map will be worse than the weights can do."""
    lines = []
    top = finest_zoom(imagery.gsd_m, imagery.lat_deg)
    ground_m = ground_resolution_m(zooms.start, imagery.lat_deg or 0.0)
    trained_m = ground_resolution_m(TRAINED_ZOOM, 0.0)
    if zooms.start > top:
        lines.append(
            f"zoom {zooms.start} is {ground_m:.2f} m/px, finer than the image ({imagery.gsd_m:.2f} m/px): "
            f"its detail is interpolated; the image bears zoom {top}"
        )
    elif not trained_m / 1.6 <= ground_m <= trained_m * 1.6:
        lines.append(
            f"zoom {zooms.start} is {ground_m:.2f} m/px here; the weights were trained for "
            f"{trained_m / 1.6:.2f} to {trained_m * 1.6:.2f} m/px"
        )
    return lines


def map_grid(imagery: Imagery, zoom: int) -> Grid:
    """Return the plane of a zoom: Web Mercator, or ground metres at the equator's size for an image without a place."""
    if imagery.crs is not None:
        return web_mercator_grid(zoom).within(None)
    size_m = ground_resolution_m(zoom, 0.0)
    return Grid(crs=None, transform=Affine.scale(size_m))


def map_window(imagery: Imagery, zoom: int, bounds: Bounds | None = None) -> Window:
    """Return the pixels of a zoom that cover an image, or `bounds` of it in its CRS, snapped outward.

    Raises:
        UsageError: If `bounds` are asked of an image without a place, or miss the image.
    """
    grid, box = map_grid(imagery, zoom), imagery.bounds
    whole = grid.window_of(*(box if imagery.crs is None else transform_bounds(imagery.crs, "EPSG:3857", box)))
    return part_of(imagery, grid, whole, bounds)


def series_layers(imagery: Imagery, weights: SeriesWeights, zooms: Zooms, device: Device) -> dict[int, Layer]:
    """Stack the layers of a pyramid: z17 = r2m(imagery), z16 = m2m(z17 averaged 2 x 2), and so on."""
    layers: dict[int, Layer] = {}
    below: Input = imagery.on(map_grid(imagery, zooms.start))
    ground = map_window(imagery, zooms.start)
    for zoom in range(zooms.start, zooms.coarsest - 1, -1):
        first = zoom == zooms.start
        drawer = weights.r2m if first else weights.m2m
        layers[zoom] = Layer(
            name=f"z{zoom}",
            grid=map_grid(imagery, zoom).within(ground.scaled(Fraction(1, 2 ** (zooms.start - zoom)))),
            inputs=(below,),
            step=Draw(drawer=drawer, device=device, shrink=not first),
            block_px=BLOCK_PX,
            halo_px=drawer.reach_px,
        )
        below = layers[zoom]
    return layers


def zoom_windows(window: Window, zooms: Zooms) -> dict[int, Window]:
    """Return the window of each written zoom: the finest one halved and snapped outward again and again."""
    return {zoom: window.scaled(Fraction(1, 2 ** (zooms.finest - zoom))) for zoom in zooms.written}
