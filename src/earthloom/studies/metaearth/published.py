"""The numbers MetaEarth printed (Yu et al. 2024); None for those in bold, which our copy of the paper does not show."""

from dataclasses import dataclass

from earthloom.metrics.features import INCEPTION

COLUMNS = ("c1", "c2", "c3", "c4", "northern", "southern", "total")
"""Four regions whose names are not known, two hemispheres, and all of it."""

UNKNOWN = "not known"
"""What stands for such a number in a table."""

Figures = tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class Fid:
    """One row of Table I: FID on InceptionV3 features, in the order of `COLUMNS`; lower is better."""

    without: Figures
    """Not told the resolution."""

    guided: Figures
    """Told it."""


_UNKNOWN: Figures = (None,) * 7

FID = {
    64.0: Fid((33.23, 40.81, 42.29, 45.10, 29.50, None, 27.79), (*_UNKNOWN[:5], 44.16, None)),
    16.0: Fid((19.72, 21.12, 26.03, 26.58, 16.84, None, 16.00), (*_UNKNOWN[:5], 27.76, None)),
    4.0: Fid((19.47, 13.91, 18.65, 17.47, 13.93, None, 13.43), (*_UNKNOWN[:5], 25.63, None)),
}
"""Table I by metres a pixel of what is made; coarse pictures are bicubic reductions of the real ones."""

FID_ACROSS_SENSORS = Fid((141.15, 131.65, 119.67, 111.16, 116.63, 147.16, 92.61), _UNKNOWN)
"""Its row 4 m*: coarse pictures are real ones of 16 m."""

SEAMS: dict[str, tuple[float, float, float]] = {
    "side by side, independent noise": (24.45, 24.87, 24.67),
    "overlap, independent noise": (17.66, 18.09, 17.88),
}
"""Table II: horizontal, vertical, mean step across a seam; its third row, with shared noise, is not known (lowest)."""

ACCURACY = {"VGG19": 95.72, "ResNet34": 96.11, "ViT-B/32": 93.77, "ViT-B/16": 93.77}
"""Table III: percent right on real pictures alone; with generated ones it is not known (higher)."""


def fid(level_m: float | None, region: str) -> tuple[str, ...]:
    """Return the published FID of a level and region, guided and without, as words; empty where there is none."""
    row = None if level_m is None else FID.get(level_m)
    if row is None or region not in COLUMNS:
        return "", ""
    column = COLUMNS.index(region)
    return words((row.guided[column], row.without[column]))


def standing(features: str) -> str:
    """Return how figures on features of this name stand to the published FID."""
    if features == INCEPTION:
        return "the network of the paper's FID, but not its pictures nor their number"
    return "not the FID of the paper, which is on InceptionV3"


def words(figures: Figures) -> tuple[str, ...]:
    """Return figures as they were printed."""
    return tuple(UNKNOWN if figure is None else f"{figure:.2f}" for figure in figures)
