"""Table I: how far made pictures are from real ones, level by level and region by region, with resolution and without.

Letters: N pictures, D features.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from earthloom.metrics.frechet import frechet
from earthloom.metrics.interval import Interval
from earthloom.metrics.kid import FEWEST, kid, kid_difference
from earthloom.studies.metaearth import published
from earthloom.studies.metaearth.crops import Crops, held_out_crops
from earthloom.studies.metaearth.remake import remake
from earthloom.studies.metaearth.study import Study
from earthloom.studies.report import grid_lines, interval, number

QUARTERS = ("180 W to 90 W", "90 W to 0", "0 to 90 E", "90 E to 180")
"""Longitudes, the western edge included."""

REGIONS = (*QUARTERS, "northern", "southern", "total")
TOTAL = REGIONS[-1]

ACROSS = "a catalog does not say which blocks show one ground by two sensors"


@dataclass(frozen=True, slots=True, kw_only=True)
class Distances:
    """One model against real pictures."""

    kid: Interval
    """Lower is better."""

    frechet: float | None
    """None where there are too few pictures for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One region of one level."""

    level_m: float | None
    """Metres a pixel of what is made; None for all levels together."""

    region: str
    """One of `REGIONS`."""

    num: int
    """Pictures."""

    guided: Distances | None = None
    """The model; None where it was not measured."""

    without: Distances | None = None
    """The one told no resolution; None without one."""

    difference: Interval | None = None
    """KID of the model minus that of the other: below 0, telling the resolution helps."""

    note: str = ""
    """Why something is missing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RegionTable:
    """Table I."""

    features: str
    """What pictures were compared by."""

    rows: tuple[Row, ...]
    """Levels from coarse to fine, regions in their order; at last all levels together, if there are several."""

    without: str
    """Name of the model without, or why there is none."""

    def facts(self) -> dict[str, Any]:
        """Return it for JSON."""
        return {**asdict(self), "4 m*": f"not run: {ACROSS}"}

    def markdown(self) -> list[str]:
        """Return it beside the published FID."""
        head = "level", "region", "n", "KID", "KID without", "difference", "Frechet", "Frechet without"
        return [
            f"Pictures made of bicubic reductions against the real ones, on {self.features}: "
            f"{published.standing(self.features)}. In brackets 95 % intervals; a difference below 0 says that guidance "
            "helps.",
            f"Without resolution: {self.without}.",
            "",
            *grid_lines((*head, "paper FID", "paper FID without", "note"), map(_cells, self.rows)),
            "",
            "The paper's regions c1 to c4 have no names in our copy; ours are quarters by longitude. Its FID without:",
            "",
            *grid_lines(
                ("level", *published.COLUMNS),
                [(f"{level:g} m", *published.words(row.without)) for level, row in published.FID.items()],
            ),
            "",
            "Its row 4 m*, made of real 16 m imagery, without: "
            f"{', '.join(published.words(published.FID_ACROSS_SENSORS.without))}. Ours: not run: {ACROSS}.",
        ]


def make(study: Study) -> RegionTable:
    """Measure every level the weights know and the paper measured."""
    assert study.features is not None
    held_out = study.held_out()
    rows: list[Row] = []
    measured: list[_Made] = []
    for level_m in sorted({*held_out, *published.FID}, reverse=True):
        crops = held_out_crops(study, level_m) if level_m in held_out else None
        if crops is None:
            found = f"no held-out block of {study.window_px} px"
            note = found if level_m in held_out else "the weights learned no such level"
            rows.append(Row(level_m=level_m, region=TOTAL, num=0, note=f"not run: {note}"))
        else:
            measured.append(made := _Made.of(study, crops))
            rows += _level(level_m, made, crops)
    if len(measured) > 1:
        rows.append(_row(None, TOTAL, _Made.joined(measured)))
    without = "not run: no --without" if study.without is None else study.without.name
    return RegionTable(features=study.features.name, rows=tuple(rows), without=without)


def regions_of(lon: float | None, lat: float | None) -> tuple[str, ...]:
    """Return the regions a place belongs to: its quarter, its hemisphere (the equator is northern), and all of it."""
    if lon is None or lat is None:
        return (TOTAL,)
    east_of_180 = (lon + 180.0) % 360.0
    return QUARTERS[int(east_of_180 // 90.0)], "northern" if lat >= 0.0 else "southern", TOTAL


def distances(real_ND: NDArray[np.float64], made_ND: NDArray[np.float64]) -> Distances:
    """Measure made pictures of the real ones' places; the Frechet distance where there are 2 D of them.

    Raises:
        DataError: If there are too few for a KID.
    """
    enough = len(real_ND) >= 2 * real_ND.shape[1]
    return Distances(kid=kid(real_ND, made_ND, same_places=True), frechet=frechet(real_ND, made_ND) if enough else None)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Made:
    """Features of real pictures and of those each model made in their place."""

    real_ND: NDArray[np.float64]
    models_ND: tuple[NDArray[np.float64], ...]

    @classmethod
    def of(cls, study: Study, crops: Crops) -> "_Made":
        assert study.features is not None
        models = [study.weights] if study.without is None else [study.weights, study.without]
        made = [remake(study, model, crops.coarse(), crops.gsds_m).made_NHW3 for model in models]
        return cls(real_ND=study.features(crops.real_NHW3), models_ND=tuple(map(study.features, made)))

    @classmethod
    def joined(cls, parts: Sequence["_Made"]) -> "_Made":
        models = zip(*(part.models_ND for part in parts), strict=True)
        real_ND = np.concatenate([part.real_ND for part in parts])
        return cls(real_ND=real_ND, models_ND=tuple(map(np.concatenate, models)))

    def where(self, inside_N: NDArray[np.bool_]) -> "_Made":
        return _Made(real_ND=self.real_ND[inside_N], models_ND=tuple(each[inside_N] for each in self.models_ND))


def _level(level_m: float, made: _Made, crops: Crops) -> list[Row]:
    found = [regions_of(block.lon, block.lat) for block in crops.blocks]
    inside = {region: np.array([region in each for each in found]) for region in REGIONS}
    return [_row(level_m, region, made.where(inside_N)) for region, inside_N in inside.items() if inside_N.any()]


def _row(level_m: float | None, region: str, made: _Made) -> Row:
    real_ND = made.real_ND
    num = len(real_ND)
    if num < FEWEST:
        return Row(level_m=level_m, region=region, num=num, note=f"not run: fewer than {FEWEST} pictures")
    guided, *others = (distances(real_ND, each) for each in made.models_ND)
    return Row(
        level_m=level_m,
        region=region,
        num=num,
        guided=guided,
        without=others[0] if others else None,
        difference=kid_difference(real_ND, *made.models_ND, same_places=True) if others else None,
        note="" if guided.frechet is not None else f"Frechet wants {2 * real_ND.shape[1]} pictures",
    )


def _cells(row: Row) -> tuple[str, ...]:
    models = row.guided, row.without
    return (
        "all" if row.level_m is None else f"{row.level_m:g} m",
        row.region,
        str(row.num),
        *(interval(None if each is None else each.kid) for each in models),
        interval(row.difference),
        *(number(None if each is None else each.frechet) for each in models),
        *published.fid(row.level_m, row.region),
        row.note,
    )
