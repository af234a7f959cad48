"""IoU of the buildings of a map against footprints, inside the area where footprints are complete.

python benchmarks/buildings.py MAP.tif buildings.geojson labelled_area.geojson
"""

import argparse
import json
from pathlib import Path

import numpy as np
import rasterio
from rasterio.features import rasterize
from rasterio.warp import transform_geom

from earthloom.cartography.style import STYLE


def main() -> None:
    """Draw the footprints on the map's pixels, compare, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("map", "buildings", "area"):
        parser.add_argument(name, type=Path)
    args = parser.parse_args()
    with rasterio.open(args.map) as file:
        rgb_3HW, valid_HW = file.read(), file.dataset_mask() > 0

        def draw(path: Path) -> np.ndarray:
            shapes = [feature["geometry"] for feature in json.loads(path.read_text())["features"]]
            placed = [transform_geom("EPSG:4326", file.crs, shape) for shape in shapes]
            return rasterize(placed, out_shape=file.shape, transform=file.transform).astype(bool)

        truth_HW, area_HW = draw(args.buildings), draw(args.area) & valid_HW
    colour = np.array(STYLE.palette[STYLE.id_of("building") - 1])
    drawn_HW = (rgb_3HW == colour[:, None, None]).all(axis=0)
    both, either = ((truth_HW & drawn_HW & area_HW).sum(), ((truth_HW | drawn_HW) & area_HW).sum())
    share = (truth_HW & area_HW).sum() / area_HW.sum()
    print(
        json.dumps(
            {
                "building_iou": round(float(both / either), 4),
                "everything_a_building": round(float(share), 4),
                "precision": round(float(both / max((drawn_HW & area_HW).sum(), 1)), 4),
                "recall": round(float(both / (truth_HW & area_HW).sum()), 4),
                "n_pixels": int(area_HW.sum()),
            }
        )
    )


if __name__ == "__main__":
    main()
