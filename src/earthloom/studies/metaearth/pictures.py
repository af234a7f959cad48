"""What no figure shows: made pictures beside real ones, level by level, and a planet nobody has seen."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from earthloom import __version__
from earthloom.io.provenance import DIGITAL_SOURCE_TYPE
from earthloom.models.metaearth.config import FACTOR
from earthloom.studies.metaearth.crops import Crops, cut_crops
from earthloom.studies.metaearth.planet import other_planet
from earthloom.studies.metaearth.remake import read, remake, scratch_loom, stages
from earthloom.studies.metaearth.study import Study
from earthloom.studies.panels import Columns, draw_panels
from earthloom.studies.strip import Strip

NUM_ROWS = 4
"""Places of a level."""

SMALLEST_PX = 128
"""Pictures are drawn at least this large."""

PLANET_M = 64.0
"""Metres a pixel of the other planet, where the weights do not say what they know."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A file, or why there is none."""

    title: str
    """What it shows."""

    file: str | None
    """Its name beside the report."""

    not_run: str = ""
    """Why it was not drawn, or not all of it."""


@dataclass(frozen=True, slots=True)
class Pictures:
    """All of them."""

    pictures: tuple[Picture, ...]
    """Levels from coarse to fine, then the planet."""

    def facts(self) -> dict[str, Any]:
        """Return it for JSON."""
        return asdict(self)

    def markdown(self) -> list[str]:
        """Return them, shown."""
        lines = ["Synthetic pictures beside real ones; each file says so.", ""]
        for each in self.pictures:
            lines.append(f"{each.title}." + (f" Not run: {each.not_run}." if each.not_run else ""))
            lines += ["", f"![{each.title}]({each.file})", ""] if each.file else [""]
        return lines[:-1]


def make(study: Study) -> Pictures:
    """Draw them beside the report."""
    return Pictures((*_levels(study), _planet(study)))


def _levels(study: Study) -> Iterator[Picture]:
    reason = "" if study.without else "the column without resolution: no --without"
    for level_m, blocks in study.held_out().items():
        title, name = f"Pictures of {level_m:g} m", f"level_{level_m:g}m.png"
        crops = cut_crops(blocks, side_px=study.window_px, num=NUM_ROWS, seed=study.options.seed)
        if crops is None:
            yield Picture(title=title, file=None, not_run=f"no held-out block of {study.window_px} px")
        else:
            _draw(study, _columns(study, crops), name)
            yield Picture(title=title, file=name, not_run=reason)


def _columns(study: Study, crops: Crops) -> Columns:
    coarse_Nhw3 = crops.coarse()
    columns: dict[str, Sequence[NDArray[np.uint8]]] = {"coarse": list(coarse_Nhw3)}
    for title, model in (("made", study.weights), ("made without", study.without)):
        if model is not None:
            columns[title] = list(remake(study, model, coarse_Nhw3, crops.gsds_m).made_NHW3)
    return columns | {"real": list(crops.real_NHW3)}


def _planet(study: Study) -> Picture:
    """Draw coarse ground of another planet and every stage of a cascade on it."""
    coarse_HW3 = other_planet(2 * study.window_px // FACTOR, seed=study.options.seed)
    strip = Strip(pictures_NHW3=coarse_HW3[None])
    gsd_m = FACTOR * max(study.weights.levels_m, default=PLANET_M / FACTOR)
    layers = stages(study, study.weights, strip, gsd_m, study.effort.planet_stages)
    columns: dict[str, Sequence[NDArray[np.uint8]]] = {f"{gsd_m:g} m": [coarse_HW3]}
    with scratch_loom(study) as loom:
        for index, layer in enumerate(layers, start=1):
            made = read(loom, layer, strip.window(0).scaled(FACTOR**index))
            columns[f"made, {gsd_m / FACTOR**index:g} m"] = [made]
    _draw(study, columns, "other_planet.png")
    return Picture(title="Another planet: red oceans, purple land, drawn by a formula", file="other_planet.png")


def _draw(study: Study, columns: Columns, name: str) -> None:
    side_px = max(picture.shape[0] for pictures in columns.values() for picture in pictures)
    shown_px = side_px * -(-SMALLEST_PX // side_px)
    draw_panels(columns, study.folder / name, side_px=shown_px, tags=_tags(study))


def _tags(study: Study) -> dict[str, str]:
    models = [model for model in (study.weights, study.without) if model is not None]
    return {
        "SYNTHETIC": "true",
        "DIGITAL_SOURCE_TYPE": DIGITAL_SOURCE_TYPE,
        "EARTHLOOM_MODEL": ", ".join(model.name for model in models),
        "EARTHLOOM_MODEL_SHA256": ",".join(model.sha256 for model in models),
        "EARTHLOOM_MODEL_LICENCE": ", ".join(model.licence for model in models),
        "EARTHLOOM_SEED": str(study.options.seed),
        "EARTHLOOM_CREDITS": "; ".join(study.credits),
        "EARTHLOOM_VERSION": __version__,
    }
