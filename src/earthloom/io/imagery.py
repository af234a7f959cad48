"""Image files: looked at once, refused with a reason, then read on any grid. `inputs.inspect` also knows tiles."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from math import isfinite
from pathlib import Path
from typing import Any

from affine import Affine

from earthloom.errors import GeoError, SourceError
from earthloom.geo import crs as geo_crs
from earthloom.geo.crs import Bounds
from earthloom.geo.grid import Grid
from earthloom.io.checks import check_file, check_pixels
from earthloom.io.decode import Bands, pick_bands
from earthloom.io.file_source import FileSource, ImageFile
from earthloom.io.gdal import GDAL_ERRORS, gdal, open_dataset, reason
from earthloom.io.remote import fingerprint, is_remote
from earthloom.io.sidecars import prj_of, sidecars
from earthloom.io.warp import footprint, plan_warp

SQUARE = 1.1
"""Pixels up to this much longer one way than the other pass as square."""


@dataclass(frozen=True, kw_only=True)
class Imagery:
    """What an image file is and where it lies; small and picklable."""

    path: Path
    """The file; it may be remote (`io.remote`)."""

    sha256: str
    """Hash of the file's bytes; of a remote file that of `remote.fingerprint`."""

    sidecars_sha256: str
    """Hash of the files beside it that decide its pixels (`io.sidecars`); empty where there are none."""

    crs: str | None
    """`EPSG:n` or WKT; None for an image without a place."""

    transform: Affine
    """(col, row) to CRS units; without a place to ground metres, x right, y down, corner at (0, 0)."""

    width: int
    """Pixels across."""

    height: int
    """Pixels down."""

    bands: Bands
    """Which bands make the colours, and how."""

    gsd_m: float
    """Ground metres of a pixel's side at the centre."""

    lat_deg: float | None
    """Latitude of the centre; None without a place."""

    bounds: Bounds
    """(left, bottom, right, top) in CRS units; without a place in metres, y growing downward, so top is 0."""

    overviews: tuple[int, ...] = ()
    """Decimation factors of its overviews."""

    lost_place: str = ""
    """Why something in it that says a place does not give one; empty for most."""

    @property
    def grid(self) -> Grid:
        """The plane of the image's own pixels, its extent the image."""
        plane = Grid.of_raster(self.crs, self.transform)
        return plane.within(footprint(self.crs, self.transform, self.width, self.height, self.bounds, plane))

    @property
    def caveats(self) -> list[str]:
        """Say in one line if its pixels are not square on the ground, as all networks take them to be."""
        if self.crs is None:
            return []
        aspect = geo_crs.aspect_at(self.crs, self.transform, self.width / 2, self.height / 2)
        way_out = "warp the image to a CRS in metres first, e.g. with gdalwarp -t_srs"
        found = f"pixels are {aspect:.2g} times as high as wide on the ground: {way_out}"
        return [] if 1 / SQUARE <= aspect <= SQUARE else [found]

    @cached_property
    def identity(self) -> str:
        """Hash of everything that decides the pixels."""
        parts = [
            self.sha256,
            self.sidecars_sha256,
            self.crs,
            list(self.transform)[:6],
            list(self.bands.colours),
            self.bands.scale,
        ]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()

    def on(self, grid: Grid) -> FileSource:
        """Return the image resampled onto a grid: RGB uint8 and a mask, its extent the pixels the image touches.

        The grid's own extent does not matter: reading a part gives the same pixels as reading the whole.

        Raises:
            SourceError: If only one of image and grid has a place.
            GeoError: If the image lies off the grid's map.
        """
        if (self.crs is None) != (grid.crs is None):
            raise SourceError(f"{self.path}: an image without a place meets only a grid without one, got {grid.name}")
        extent = footprint(self.crs, self.transform, self.width, self.height, self.bounds, grid)
        with gdal():
            warp = plan_warp((self.crs, self.transform, self.width, self.height), self.overviews, grid, extent)
        file = ImageFile(path=self.path, overview=None if warp.overview is None else warp.overview[0])
        return FileSource(
            file=file, image_identity=self.identity, picked=self.bands, warp=warp, grid=grid.within(extent)
        )


def inspect_image(
    path: Path,
    *,
    bidx: tuple[int, ...] = (),
    gsd_m: float | None = None,
    scale: tuple[float, float] | None = None,
) -> Imagery:
    """Look at an image file and refuse what cannot be read.

    Args:
        path: A GeoTIFF, COG, PNG or JPEG, or anything else GDAL reads as an image, here or remote.
        bidx: One, three or four band numbers from 1, of which the fourth is left aside; all bands if empty.
        gsd_m: Ground metres of a pixel, for an image without a place; the CRS of one that has a place wins.
        scale: Values that become 0 and 255, for anything but uint8.

    Raises:
        SourceError: If the file cannot be read as imagery; the message says the way out.
        UsageError: If more than four bands are chosen.
    """
    check_file(path)
    try:
        with gdal(), open_dataset(path) as dataset:
            beside = [] if is_remote(path) else sidecars(dataset, path)
            bands = pick_bands(dataset, bidx, scale, name=str(path))
            check_pixels(dataset, bands, str(path))
            facts = {
                "width": dataset.width,
                "height": dataset.height,
                "overviews": tuple(dataset.overviews(bands.colours[0])),
                "sidecars_sha256": sha256_of(beside) if beside else "",
                "sha256": fingerprint(dataset) if is_remote(path) else sha256_of([path]),
            }
            crs, transform = _place(dataset, path, gsd_m)
            facts["lost_place"] = _lost_place(dataset) if crs is None else ""
    except GDAL_ERRORS as error:
        raise SourceError(f"{path}: cannot be read: {reason(error)}: is it a whole image?") from error
    return _imagery(path=path, crs=crs, transform=transform, bands=bands, gsd_m=gsd_m, **facts)


def _imagery(*, path: Path, crs: str | None, transform: Affine, gsd_m: float | None, **facts: Any) -> Imagery:
    """Build the value, with what follows from place and size."""
    width, height = facts["width"], facts["height"]
    lat_deg = None
    if crs is not None:
        try:
            gsd_m = geo_crs.centre_gsd_m(crs, transform, width, height)
            lat_deg = geo_crs.centre_latitude(crs, transform, width, height)
        except GeoError as error:
            raise SourceError(f"{path}: {error}") from error
    assert gsd_m is not None
    return Imagery(
        path=path,
        crs=crs,
        transform=transform,
        gsd_m=gsd_m,
        lat_deg=lat_deg,
        bounds=_bounds(transform, width, height, downward=crs is None),
        **facts,
    )


def _place(dataset: Any, path: Path, gsd_m: float | None) -> tuple[str | None, Affine]:
    """Return CRS and transform; without a place the plane of ground metres that --gsd makes."""
    wkt = dataset.crs.to_wkt() if dataset.crs else _prj(path)
    has_transform = dataset.transform != Affine.identity()
    problem = f"has no place (no {'transform' if wkt else 'CRS'})"
    if wkt and has_transform:
        try:
            return geo_crs.parse(wkt), _sound(dataset.transform, path)
        except GeoError as error:
            problem = f"has a CRS without a place on Earth ({error})"
    if gsd_m is None:
        if dataset.gcps[0]:
            raise SourceError(f"{path}: {_lost_place(dataset)}")
        other = f"lay its CRS beside it as {prj_of(path).name} (WKT), or " if has_transform and not wkt else ""
        raise SourceError(f"{path}: {problem}: {other}say the ground metres of a pixel, e.g. --gsd 0.3")
    return None, Affine.scale(gsd_m, gsd_m)


def _lost_place(dataset: Any) -> str:
    """Say what of an image without a place could have given one."""
    if dataset.gcps[0]:
        return "has control points in place of a transform: warp it first, e.g. with gdalwarp"
    bare = dataset.transform != Affine.identity()
    return "has a transform, but no CRS on Earth: a .prj beside it would give one" if bare else ""


def _prj(path: Path) -> str | None:
    """Return the WKT of a .prj file beside an image."""
    beside = prj_of(path)
    return beside.read_text(errors="replace").strip() if beside.is_file() else None


def _sound(transform: Affine, path: Path) -> Affine:
    values = tuple(transform)[:6]
    if transform.determinant == 0 or not all(map(isfinite, values)):
        raise SourceError(f"{path}: its transform {values} gives pixels no area: repair it, e.g. with gdal_edit")
    return transform


def _bounds(transform: Affine, width: int, height: int, *, downward: bool) -> Bounds:
    """Return the box around the four corners."""
    corners = [transform @ (col, row) for col in (0, width) for row in (0, height)]
    xs, ys = zip(*corners, strict=True)
    return (min(xs), max(ys), max(xs), min(ys)) if downward else (min(xs), min(ys), max(xs), max(ys))


def sha256_of(paths: Iterable[Path]) -> str:
    """Return the hash of the bytes of some files, one after the other."""
    digest = hashlib.sha256()
    for path in paths:
        with path.open("rb") as file:
            while chunk := file.read(1 << 20):
                digest.update(chunk)
    return digest.hexdigest()
