"""A zoom of 64: three stages of the cascade, one stage alone, or bicubic enlargement.

Letters: N pictures, D features.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from earthloom.data.degradations import average
from earthloom.data.pairs import image_size
from earthloom.errors import DataError
from earthloom.metrics.interval import Interval
from earthloom.metrics.kid import FEWEST, kid_difference
from earthloom.models.metaearth.config import FACTOR
from earthloom.studies.metaearth.crops import Crops, cut_crops, enlarged
from earthloom.studies.metaearth.regions import Distances, distances
from earthloom.studies.metaearth.remake import read, runs, scratch_loom, stages
from earthloom.studies.metaearth.study import Study
from earthloom.studies.report import grid_lines, interval, number
from earthloom.studies.strip import Strip

STAGES = 3
ZOOM = FACTOR**STAGES

CASCADE = "cascade: three stages, each on what the one before made"
DIRECT = "direct: enlarged 16 times by bicubic interpolation, then one stage"
BICUBIC = "three bicubic passes, no network"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One way to zoom."""

    way: str
    """One of the three."""

    distances: Distances
    """To the real pictures."""

    difference: Interval | None
    """KID of this way minus that of the cascade: above 0, the cascade is nearer to real; None for itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ZoomTable:
    """The comparison."""

    level_m: float
    """Metres a pixel of the real pictures."""

    side_px: int
    """Their side; what is zoomed into has a 64th."""

    num: int
    """Pictures."""

    features: str
    """What they were compared by."""

    rows: tuple[Row, ...]
    """The three ways."""

    def facts(self) -> dict[str, Any]:
        """Return it for JSON."""
        return asdict(self)

    def markdown(self) -> list[str]:
        """Return it; the paper's figures for this are not at hand."""
        small_px = self.side_px // ZOOM
        return [
            f"{self.num} real pictures of {self.level_m:g} m and {self.side_px} px, averaged to {small_px} x "
            f"{small_px} px ({self.level_m * ZOOM:g} m) and made again, against themselves on {self.features}. "
            "The paper compares the same (4 x 4 px to 256 px) but its figures are not at hand. A difference above 0: "
            "the cascade is nearer.",
            "",
            *grid_lines(
                ("way", "KID", "KID minus the cascade's", "Frechet"),
                (
                    (row.way, interval(row.distances.kid), interval(row.difference), number(row.distances.frechet))
                    for row in self.rows
                ),
            ),
        ]


def make(study: Study) -> ZoomTable:
    """Zoom into pictures of the finest level that has enough ground.

    Real pictures are averaged in blocks of 64 x 64 px. From there: the *cascade* is three stages of the denoiser,
    windows overlapping, each told the resolution of what it reads and each rounded to 8 bits; *direct* is Pillow's
    bicubic enlargement by 16, then one stage that is told four times the real pictures' metres a pixel; *bicubic* is
    Pillow's bicubic enlargement by 4, three times. Around a picture there is no ground; networks see its edge go on.

    Raises:
        DataError: If there are too few large pictures.
    """
    assert study.features is not None
    level_m, crops = _real(study)
    tiny_Nhw3 = np.stack([average(picture, factor=ZOOM) for picture in crops.real_NHW3])
    made = {
        CASCADE: _woven(study, tiny_Nhw3, crops.gsds_m, STAGES),
        DIRECT: _woven(study, enlarged(tiny_Nhw3, ZOOM // FACTOR), crops.gsds_m, 1),
        BICUBIC: thrice_enlarged(tiny_Nhw3),
    }
    real_ND = study.features(crops.real_NHW3)
    found = {way: study.features(pictures) for way, pictures in made.items()}
    return ZoomTable(
        level_m=level_m,
        side_px=crops.real_NHW3.shape[1],
        num=len(real_ND),
        features=study.features.name,
        rows=tuple(_row(way, real_ND, found) for way in found),
    )


def thrice_enlarged(pictures_Nhw3: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Enlarge pictures by 4, three times."""
    for _ in range(STAGES):
        pictures_Nhw3 = enlarged(pictures_Nhw3, FACTOR)
    return pictures_Nhw3


def _real(study: Study) -> tuple[float, Crops]:
    """Return pictures of the finest level with enough of at least a window, a whole number of coarsest pixels."""
    wanted_px = -(-study.window_px // ZOOM) * ZOOM
    for level_m, blocks in reversed(list(study.held_out().items())):
        sides = [min(image_size(block.image)) // ZOOM * ZOOM for block in blocks]
        side_px = min((side_px for side_px in sides if side_px >= study.window_px), default=wanted_px)
        crops = cut_crops(blocks, side_px=side_px, num=study.effort.pictures, seed=study.options.seed)
        if crops is not None and len(crops.blocks) >= FEWEST:
            return level_m, crops
    raise DataError(
        f"no level gives {FEWEST} held-out pictures of {wanted_px} px: make a catalog of more and larger blocks, "
        f"or raise --n {study.effort.pictures}"
    )


def _woven(study: Study, coarse_Nhw3: NDArray[np.uint8], gsds_m: Sequence[float], count: int) -> NDArray[np.uint8]:
    """Make pictures finer by `count` stages, each picture on ground of its own; `gsds_m` is of what comes out."""
    strip = Strip(pictures_NHW3=coarse_Nhw3, gap_px=study.window_px)
    made = []
    with scratch_loom(study) as loom:
        for gsd_m, indices in runs(gsds_m):
            layer = stages(study, study.weights, strip, gsd_m * FACTOR**count, count)[-1]
            made += [read(loom, layer, strip.window(index).scaled(FACTOR**count)) for index in indices]
    return np.stack(made)


def _row(way: str, real_ND: NDArray[np.float64], found: Mapping[str, NDArray[np.float64]]) -> Row:
    pair = found[way], found[CASCADE]
    return Row(
        way=way,
        distances=distances(real_ND, found[way]),
        difference=None if way == CASCADE else kid_difference(real_ND, *pair, same_places=True),
    )
