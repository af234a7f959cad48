"""IoU of buildings and roads of a map of Banepa, of any zoom, inside the area where every footprint is known.

Footprints come with the pack; the roads of the same area, `banepa_roads.geojson`, were drawn over the imagery, their
width in pixels of zoom 17. Nothing is generalised for coarser zooms, but no line is thinner than a pixel.

Do roads connect? `banepa_lines.geojson` holds the centre lines of the highway and of 21 other roads through and out of
town. Of each line: the share of its length with drawn road within 6 pixels of zoom 17, and how often more than 10 of
them in a row are missed. A map that is road everywhere would find all, so the share of the map that is road stands
beside.

python benchmarks/banepa.py MAP.tif PACK
"""

import argparse
import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from rasterio.features import rasterize
from rasterio.warp import transform_geom
from scipy.ndimage import distance_transform_edt

from earthloom.cartography.style import STYLE
from earthloom.geo.tiles import ground_resolution_m

Mask = NDArray[np.bool_]

LAT = 27.63
"""Of Banepa, degrees."""

NEAR_PX, GAP_PX = 6.0, 10.0
"""Pixels of zoom 17: how near a drawn road counts as found, and how long a gap may be."""


def main() -> None:
    """Draw footprints and roads on the map's pixels, compare, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("map", type=Path)
    parser.add_argument("pack", type=Path)
    args = parser.parse_args()
    with rasterio.open(args.map) as file:
        rgb_3HW, valid_HW = file.read(), file.dataset_mask() > 0

        def features(path: Path) -> list[tuple[dict[str, Any], dict[str, Any]]]:
            found = json.loads(path.read_text())["features"]
            return [(transform_geom("EPSG:4326", file.crs, f["geometry"]), f["properties"]) for f in found]

        def polygons(path: Path) -> Mask:
            shapes = [geometry for geometry, _ in features(path)]
            return np.asarray(rasterize(shapes, out_shape=file.shape, transform=file.transform), np.bool_)

        area_HW = polygons(args.pack / "labelled_area.geojson") & valid_HW
        building_HW = polygons(args.pack / "buildings.geojson")
        canvas = Image.new("1", file.shape[::-1])
        shrink = ground_resolution_m(17, 0.0) / file.transform.a
        for geometry, properties in features(Path(__file__).parent / "banepa_roads.geojson"):
            line = [~file.transform @ point for point in geometry["coordinates"]]
            width_px = max(1, round(properties["width_px"] * shrink))
            ImageDraw.Draw(canvas).line(line, fill=1, width=width_px, joint="curve")
        road_HW = np.array(canvas) & ~building_HW
        drawn_HW = _drawn("road", rgb_3HW) & valid_HW
        near_HW = distance_transform_edt(~drawn_HW) <= max(1.0, NEAR_PX * shrink)
        lines: dict[str, list[Mask]] = {"highway": [], "other roads": []}
        for geometry, properties in features(Path(__file__).parent / "banepa_lines.geojson"):
            points = [~file.transform @ point for point in geometry["coordinates"]]
            lines["highway" if properties["main"] else "other roads"].append(_along(near_HW, np.array(points)))
    figures = {
        name: compare(name, truth_HW, rgb_3HW, area_HW)
        for name, truth_HW in (("building", building_HW), ("road", road_HW))
    }
    connected = {name: connection(found, ground_resolution_m(17, LAT) / shrink) for name, found in lines.items()}
    share = round(float(drawn_HW.sum() / valid_HW.sum()), 4)
    print(json.dumps({"n_pixels": int(area_HW.sum()), **figures, **connected, "drawn as road": share}, indent=1))


def compare(name: str, truth_HW: Mask, rgb_3HW: NDArray[np.uint8], area_HW: Mask) -> dict[str, float]:
    """Score what has the colour of a class; `everything` is the IoU of a map of this class alone."""
    drawn_HW = _drawn(name, rgb_3HW) & area_HW
    truth_HW = truth_HW & area_HW
    both = (truth_HW & drawn_HW).sum()
    scores = {
        "iou": both / (truth_HW | drawn_HW).sum(),
        "everything": truth_HW.sum() / area_HW.sum(),
        "precision": both / max(drawn_HW.sum(), 1),
        "recall": both / truth_HW.sum(),
    }
    return {key: round(float(value), 4) for key, value in scores.items()}


def connection(lines: list[Mask], pixel_m: float) -> dict[str, float]:
    """Say how much of some lines was found, pixel by pixel, and how many gaps a kilometre has."""
    length_km = sum(len(found_N) for found_N in lines) * pixel_m / 1000
    gaps = sum(_gaps(found_N, GAP_PX * ground_resolution_m(17, LAT) / pixel_m) for found_N in lines)
    found = np.concatenate(lines).mean()
    return {"km": round(length_km, 2), "found": round(float(found), 4), "gaps_per_km": round(gaps / length_km, 2)}


def _gaps(found_N: Mask, longest: float) -> int:
    """Count the runs of pixels not found that are longer than allowed."""
    edges = np.flatnonzero(np.diff(np.concatenate([[True], found_N, [True]])))
    return int((np.diff(edges)[::2] > longest).sum())


def _along(near_HW: Mask, points_N2: NDArray[np.float64]) -> Mask:
    """Read a mask along a line, a sample a pixel."""
    steps = [max(2, round(float(np.linalg.norm(end - start)))) for start, end in pairwise(points_N2)]
    along = np.concatenate(
        [np.linspace(a, b, n, endpoint=False) for (a, b), n in zip(pairwise(points_N2), steps, strict=True)]
    )
    cols, rows = np.clip(along.astype(int), 0, np.array(near_HW.shape[::-1]) - 1).T
    return np.asarray(near_HW[rows, cols])


def _drawn(name: str, rgb_3HW: NDArray[np.uint8]) -> Mask:
    """Say which pixels have the colour of a class."""
    colour = np.array(STYLE.palette[STYLE.id_of(name) - 1])
    return np.asarray((rgb_3HW == colour[:, None, None]).all(axis=0))


if __name__ == "__main__":
    main()
