"""Any folder of imagery: GeoTIFFs that know their place, or images that an `index.csv` says all about.

The index has the columns file and gsd_m (empty for a file with a place), and may have lon, lat (of the centre), site
and split. What it leaves out follows from the place: images whose ground overlaps are one site, and a site's split is
a function of its name. An image is read whole, so it has to fit into memory.
"""

import logging
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from earthloom.data.ortho import Orthoimage, Place
from earthloom.data.pairs import INDEX
from earthloom.data.tables import read_table
from earthloom.errors import DataError

if TYPE_CHECKING:
    from earthloom.io.imagery import Imagery

Row = Mapping[str, str]

COLUMNS = ("file", "gsd_m", "lon", "lat", "site", "split")

NEAR = 1.05
"""A size of pixels within this factor of another is taken for it."""

log = logging.getLogger("earthloom")


def images(
    folder: Path, *, bidx: tuple[int, ...] = (), scale: tuple[float, float] | None = None
) -> Iterator[Orthoimage]:
    """Read the images of a folder, one after the other.

    Args:
        folder: Where they are.
        bidx: One or three band numbers from 1, of every image; all bands if empty.
        scale: Values that become 0 and 255, for anything but uint8.

    Raises:
        DataError: If there are none, or one has neither a place nor a `gsd_m`, or pixels that are not square on the
            ground.
        SourceError: If one cannot be read.
        UsageError: If the scale has no range.
    """
    from earthloom.io.inputs import check_reading

    check_reading(None, scale)
    rows = _rows(folder)
    found = [_inspect(folder, row, bidx, scale) for row in rows]
    _warn(found, rows)
    places = [_place(imagery, row) for imagery, row in zip(found, rows, strict=True)]
    names = [Path(row["file"]).with_suffix("").as_posix() for row in rows]
    sites = _sites(names, found, places)
    for row, name, imagery, place, own in zip(rows, names, found, places, sites, strict=True):
        site = row.get("site") or own
        rgb_HW3, valid_HW = _read(imagery)
        yield Orthoimage(
            name=name,
            site=site,
            split=row.get("split") or split_of(site),
            gsd_m=imagery.gsd_m,
            rgb_HW3=rgb_HW3,
            valid_HW=valid_HW,
            place=place,
        )


def split_of(site: str) -> str:
    """Return `train` for eight sites of ten, `val` for one, `test` for one; a function of the name alone."""
    tenth = int.from_bytes(sha256(site.encode()).digest()[:8], "big") * 10 >> 64
    return {8: "val", 9: "test"}.get(tenth, "train")


def _rows(folder: Path) -> Sequence[Row]:
    if not folder.is_dir():
        raise DataError(f"{folder} is no folder; give one with GeoTIFFs, or with images and an {INDEX}")
    if (folder / INDEX).is_file():
        return _listed(folder / INDEX)
    found = (path.relative_to(folder) for path in folder.rglob("*") if path.suffix.lower() in (".tif", ".tiff"))
    files = sorted(file for file in found if not any(part.startswith(".") for part in file.parts))
    if not files:
        raise DataError(f"{folder} holds no GeoTIFF and no {INDEX}; list images there with file and gsd_m")
    others = sum(1 for path in folder.iterdir() if path.suffix.lower() in (".png", ".jpg", ".jpeg", ".jp2"))
    if others:
        log.warning(f"{folder}: {others} images of other kinds are left aside; an {INDEX} could list them")
    return [{"file": file.as_posix()} for file in files]


def _listed(index: Path) -> Sequence[Row]:
    rows = read_table(index, "file", "gsd_m", way_out=f"want {', '.join(COLUMNS)}, of which file and gsd_m are needed")
    names = [row["file"] for row in rows]
    if not all(names) or not names:
        raise DataError(f"{index} {'has a line without a file' if names else 'lists no image'}; want file and gsd_m")
    name, count = Counter(map(Path, names)).most_common(1)[0]
    if count > 1:
        raise DataError(f"{index} lists {name} {count} times; want one line for each image")
    if unknown := sorted(rows[0].keys() - set(COLUMNS)):
        log.warning(f"{index}: left aside what is none of {', '.join(COLUMNS)}: the columns {', '.join(unknown)}")
    return rows


def _inspect(folder: Path, row: Row, bidx: tuple[int, ...], scale: tuple[float, float] | None) -> "Imagery":
    from earthloom.io.imagery import inspect_image

    gsd_m = _number(row, "gsd_m")
    if gsd_m is not None and not 0 < gsd_m < inf:
        raise DataError(f"gsd_m {gsd_m:g} of {row['file']} in {INDEX} is no ground resolution; give metres above 0")
    imagery = inspect_image(folder / row["file"], bidx=bidx, gsd_m=gsd_m or 1.0, scale=scale)
    if imagery.crs is None and gsd_m is None:
        raise DataError(f"{imagery.path} has no place; say its metres per pixel as gsd_m in {INDEX}")
    if imagery.caveats:
        raise DataError(f"{imagery.path}: {imagery.caveats[0]}")
    return imagery


def _warn(found: Sequence["Imagery"], rows: Sequence[Row]) -> None:
    """Say which sizes of pixels in the index, and which transforms without a CRS, are left aside."""
    for imagery, row in zip(found, rows, strict=True):
        asked_m = _number(row, "gsd_m")
        if imagery.lost_place:
            log.warning(f"{imagery.path} {imagery.lost_place}; now it is taken to have no place")
        elif asked_m is not None and not 1 / NEAR <= asked_m / imagery.gsd_m <= NEAR:
            own = f"{imagery.path} has a place, and pixels of {imagery.gsd_m:.3g} m"
            log.warning(f"gsd_m {asked_m:g} in {INDEX} is left aside: {own}")


def _place(imagery: "Imagery", row: Row) -> Place | None:
    if imagery.crs is not None:
        return Place(crs=imagery.crs, transform=tuple(imagery.transform)[:6])
    lon, lat = _number(row, "lon"), _number(row, "lat")
    if lon is None and lat is None:
        return None
    if lon is None or lat is None:
        raise DataError(f"{row['file']} in {INDEX} has lon or lat alone; give both or none")
    if not (-180 <= lon <= 180 and -90 <= lat <= 90):
        raise DataError(f"lon {lon:g}, lat {lat:g} of {row['file']} in {INDEX} is no place; give degrees of the centre")
    return Place.around(lon, lat, width=imagery.width, height=imagery.height, gsd_m=imagery.gsd_m)


def _number(row: Row, column: str) -> float | None:
    text = row.get(column)
    try:
        return float(text) if text else None
    except ValueError as error:
        raise DataError(f"{column} {text!r} of {row['file']} in {INDEX} is not a number") from error


def _sites(names: Sequence[str], found: Sequence["Imagery"], places: Sequence[Place | None]) -> list[str]:
    """Name each image's site after the first image that it overlaps with, directly or through others."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    one_crs = len({place.crs for place in places if place is not None}) == 1
    boxes = np.array([_box(*each, one_crs=one_crs) for each in zip(found, places, strict=True)])
    pairs_M2 = _overlapping(boxes)
    links = coo_array((np.ones(len(pairs_M2), bool), pairs_M2.T), shape=(len(boxes), len(boxes)))
    _, groups = connected_components(links, directed=False)
    _, firsts = np.unique(groups, return_index=True)
    return [names[firsts[group]] for group in groups]


def _overlapping(boxes_N4: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the pairs of boxes that share ground, `(M, 2)` indices; from west to east, so no N x N is held."""
    order_N = np.argsort(boxes_N4[:, 0], kind="stable")
    left, bottom, right, top = boxes_N4[order_N].T
    pairs = [np.empty((0, 2), np.int64)]
    for index, end in enumerate(np.searchsorted(left, right)):
        others = np.arange(index + 1, end)
        hits = others[(left[index] < right[others]) & (bottom[others] < top[index]) & (bottom[index] < top[others])]
        pairs.append(np.stack([np.full(len(hits), index), hits], axis=1))
    return order_N[np.concatenate(pairs)]


def _box(imagery: "Imagery", place: Place | None, *, one_crs: bool) -> tuple[float, float, float, float]:
    """Return left, bottom, right, top of the pixel centres, so that neighbours with a common edge do not overlap."""
    if place is None:
        return inf, inf, -inf, -inf
    where = place.xy if one_crs else place.lon_lat
    corners = [(col, row) for col in (0.5, imagery.width - 0.5) for row in (0.5, imagery.height - 0.5)]
    xs, ys = zip(*(where(*corner) for corner in corners), strict=True)
    return min(xs), min(ys), max(xs), max(ys)


def _read(imagery: "Imagery") -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    grid = imagery.grid
    assert grid.extent is not None
    raster = imagery.on(grid).read(grid.extent)
    return raster.pixels.transpose(1, 2, 0), raster.mask
