"""`earthloom reproduce metaearth`: the tables, each made or reported as not run with its reason."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any

from earthloom import __version__
from earthloom.errors import DataError, InterruptedRunError, UsageError
from earthloom.pipelines.denoise import CascadeWeights
from earthloom.studies.class_folders import check_class_folder
from earthloom.studies.metaearth import classes, curve, pictures, regions, seams, zoom
from earthloom.studies.metaearth.study import Study
from earthloom.studies.report import NOT_REACHED, NotRun, Report, Section, Table, check_folder

log = logging.getLogger("earthloom")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A table that can be asked for."""

    title: str
    """What it asks."""

    make: Callable[[Study], Table]
    """Makes it."""

    needs: tuple[str, ...] = ()
    """Inputs of the study it cannot do without."""


TABLES: Mapping[int, Entry] = {
    1: Entry(
        title="Distance to real pictures by level and region, with resolution guidance and without (Table I)",
        make=regions.make,
        needs=("features",),
    ),
    2: Entry(title="Steps across seams (Table II)", make=seams.make),
    3: Entry(
        title="Accuracy of classifiers with generated pictures (Table III)", make=classes.make, needs=("classes",)
    ),
    4: Entry(title="Cascade against a single stage, 64 times finer", make=zoom.make, needs=("features",)),
    5: Entry(title="Quality against the number of sampling steps", make=curve.make, needs=("features",)),
    6: Entry(title="Pictures", make=pictures.make),
}

NOT_ASKED = "not asked for, see --tables"

REASONS = {
    "features": "no --inception and no --vgg19: without weights of either pictures cannot be compared",
    "classes": "no --classes: it trains on a folder of class pictures",
}


def reproduce(study: Study, asked: Sequence[int] | None = None) -> tuple[list[Path], list[int]]:
    """Make tables, in the order of their numbers; the report is written anew after each, and within long ones.

    Args:
        study: The inputs.
        asked: The numbers; None for all that the inputs allow.

    Returns:
        `report.json` and `report.md` in the study's folder, and the numbers of the tables that could not be made.

    Raises:
        UsageError: If a number names no table, or the folder holds a report already.
        DataError: If the class folder is none.
        SinkError: If the folder cannot be written.
        InterruptedRunError: On Ctrl-C; finished tables are in the report.
    """
    numbers = [number for number, entry in TABLES.items() if not _lacks(study, entry)] if asked is None else asked
    if unknown := set(numbers) - TABLES.keys():
        raise UsageError(f"--tables {min(unknown)}: there are {', '.join(map(str, TABLES))}")
    check_folder(study.folder, overwrite=study.options.overwrite)
    if study.classes is not None:
        check_class_folder(study.classes)  # what is wrong is found now, not hours later
    sections = {
        number: _section(number, NotRun(NOT_REACHED if number in numbers else _lacks(study, entry) or NOT_ASKED))
        for number, entry in TABLES.items()
    }
    written = _report(study, sections).write(study.folder)

    def write(number: int, start: float, table: Table) -> list[Path]:
        sections[number] = _section(number, table, seconds=perf_counter() - start)
        return _report(study, sections).write(study.folder)

    for number in sorted(set(numbers)):
        keep = partial(write, number, perf_counter())
        try:
            written = keep(_table(replace(study, keep=keep), TABLES[number]))
        except (InterruptedRunError, KeyboardInterrupt) as interrupt:
            raise InterruptedRunError(
                f"interrupted in table {number}: what is finished is in {written[-1]}; "
                "make the others with --tables and another --out"
            ) from interrupt
    return written, [number for number in sorted(set(numbers)) if isinstance(sections[number].table, NotRun)]


def _section(number: int, table: Table, *, seconds: float = 0.0) -> Section:
    return Section(number=number, title=TABLES[number].title, table=table, seconds=seconds)


def _lacks(study: Study, entry: Entry) -> str:
    """Say which inputs of an entry are missing; empty if none is."""
    return "; ".join(REASONS[name] for name in entry.needs if getattr(study, name) is None)


def _table(study: Study, entry: Entry) -> Table:
    """Return what an entry makes, or why it cannot."""
    reason = _lacks(study, entry)
    if not reason:
        try:
            return entry.make(study)
        except DataError as error:
            reason = str(error)
    log.warning(f"not run: {entry.title}: {reason}")
    return NotRun(reason)


def _report(study: Study, sections: Mapping[int, Section]) -> Report:
    return Report(title="MetaEarth, reproduced", about=_about(study), sections=tuple(sections.values()))


def _about(study: Study) -> dict[str, Any]:
    options = study.options
    about: dict[str, Any] = {"model": _named(study.weights)}
    if study.without is not None:
        about["without"] = _named(study.without)
    return {
        **about,
        "data": list(study.credits),
        "blocks": {f"{level_m:g} m": len(blocks) for level_m, blocks in study.levels().items()},
        "held out": {f"{level_m:g} m": len(blocks) for level_m, blocks in study.held_out().items()},
        "effort": asdict(study.effort),
        "sampling": asdict(study.sampling),
        "seed": options.seed,
        "device": options.device.describe,
        "workers": options.workers,
        "version": __version__,
    }


def _named(weights: CascadeWeights) -> dict[str, str]:
    return {"name": weights.name, "sha256": weights.sha256, "licence": weights.licence}
