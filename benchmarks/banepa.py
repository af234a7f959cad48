"""IoU of buildings and roads of a map of Banepa, of any zoom, inside the area where every footprint is known.

Footprints come with the pack; the roads of the same area, `banepa_roads.geojson`, were drawn over the imagery, their
width in pixels of zoom 17. Nothing is generalised for coarser zooms, but no line is thinner than a pixel.

python benchmarks/banepa.py MAP.tif PACK
"""

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from rasterio.features import rasterize
from rasterio.warp import transform_geom

from earthloom.cartography.style import STYLE
from earthloom.geo.tiles import ground_resolution_m

Mask = NDArray[np.bool_]


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
    figures = {
        name: compare(name, truth_HW, rgb_3HW, area_HW)
        for name, truth_HW in (("building", building_HW), ("road", road_HW))
    }
    print(json.dumps({"n_pixels": int(area_HW.sum()), **figures}, indent=1))


def compare(name: str, truth_HW: Mask, rgb_3HW: NDArray[np.uint8], area_HW: Mask) -> dict[str, float]:
    """Score what has the colour of a class; `everything` is the IoU of a map of this class alone."""
    colour = np.array(STYLE.palette[STYLE.id_of(name) - 1])
    drawn_HW = (rgb_3HW == colour[:, None, None]).all(axis=0) & area_HW
    truth_HW = truth_HW & area_HW
    both = (truth_HW & drawn_HW).sum()
    scores = {
        "iou": both / (truth_HW | drawn_HW).sum(),
        "everything": truth_HW.sum() / area_HW.sum(),
        "precision": both / max(drawn_HW.sum(), 1),
        "recall": both / truth_HW.sum(),
    }
    return {key: round(float(value), 4) for key, value in scores.items()}


if __name__ == "__main__":
    main()
