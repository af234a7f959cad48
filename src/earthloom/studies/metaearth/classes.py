"""Table III: does a classifier trained with generated pictures beside the real ones find more classes right?"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from itertools import product
from statistics import mean, stdev
from typing import Any

import numpy as np
from numpy.typing import NDArray

from earthloom.data.degradations import bicubic
from earthloom.loom.noise import derive_key
from earthloom.studies.class_folders import Labelled, read_class_folder
from earthloom.studies.classify import BATCH, CLASSIFIERS, Classifier, accuracy, learn
from earthloom.studies.metaearth import published
from earthloom.studies.metaearth.remake import remake
from earthloom.studies.metaearth.study import Study
from earthloom.studies.report import NOT_REACHED, grid_lines

CPU_SIDE_PX = 64
"""Of the pictures that classifiers see on a CPU."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One classifier."""

    name: str
    """As papers call it."""

    real: tuple[float, ...] = ()
    """Share of test pictures right after training on the real pictures, a seed each."""

    augmented: tuple[float, ...] = ()
    """The same with the generated ones added, the same seeds."""

    not_run: str = ""
    """Why it was not trained."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassTable:
    """Table III."""

    num_classes: int
    """Classes."""

    num_train: int
    """Real pictures to learn from."""

    num_test: int
    """Pictures judged."""

    worlds: int
    """Generated pictures for every real one."""

    steps: int
    """Of every training, with generated pictures and without."""

    side_px: int
    """Of the pictures that the classifiers saw."""

    rows: tuple[Row, ...]
    """Classifiers."""

    def facts(self) -> dict[str, Any]:
        """Return it for JSON."""
        return asdict(self)

    def markdown(self) -> list[str]:
        """Return it beside the published accuracies."""
        return [
            f"{self.num_classes} classes, {self.num_train} pictures to learn from and {self.num_test} to judge by, "
            f"{self.side_px} px. Every training picture was reduced by 4 and made again {self.worlds} times. "
            "Percent right, mean of the seeds (standard deviation). Every training takes "
            f"{self.steps} steps of {BATCH} pictures, turned and mirrored, with generated ones or without.",
            "",
            *grid_lines(
                ("classifier", "paper, real", "paper, + 5 x generated", "real", f"+ {self.worlds} x generated", "note"),
                map(_cells, self.rows),
            ),
        ]


def make(study: Study) -> ClassTable:
    """Generate, train and judge; the study keeps the rows so far.

    Raises:
        DataError: If the class folder cannot be read.
    """
    assert study.classes is not None
    side_px = side_px_of(study)
    folder = read_class_folder(study.classes, side_px=max(side_px, study.window_px))
    real = folder.train.resized(side_px)
    augmented = real.joined(generated(study, folder.train, folder.shrunk_N).resized(side_px))
    steps = -(-study.effort.epochs * len(real.labels_N) // BATCH)
    test = folder.test.resized(side_px)
    table = ClassTable(
        num_classes=len(folder.names),
        num_train=len(real.labels_N),
        num_test=len(test.labels_N),
        worlds=study.effort.worlds,
        steps=steps,
        side_px=side_px,
        rows=tuple(Row(name=each.name, not_run=NOT_REACHED) for each in CLASSIFIERS),
    )
    for index, classifier in enumerate(CLASSIFIERS):
        row = _row(study, classifier, (real, augmented), test, table)
        table = replace(table, rows=(*table.rows[:index], row, *table.rows[index + 1 :]))
        study.keep(table)
    return table


def side_px_of(study: Study) -> int:
    """Return the side of the pictures that classifiers see: on CUDA the window's, as the paper's 256."""
    return CPU_SIDE_PX if study.options.device.type == "cpu" else study.window_px


def generated(study: Study, train: Labelled, shrunk_N: NDArray[np.float64]) -> Labelled:
    """Make every picture again in each of the worlds, as large as a window, from its bicubic reduction.

    `--classes-gsd` is of the files' pixels, of which `shrunk_N` lie along one of these pictures.
    """
    wholes = train.resized(study.window_px)
    coarse_Nhw3 = np.stack([bicubic(picture) for picture in wholes.pictures_NSS3])
    shrunk_N = shrunk_N * train.pictures_NSS3.shape[1] / study.window_px
    gsds_m = (study.classes_gsd_m * shrunk_N).tolist()
    seeds = [derive_key(study.options.seed, world) for world in range(study.effort.worlds)]
    worlds = [remake(study.seeded(seed), study.weights, coarse_Nhw3, gsds_m).made_NHW3 for seed in seeds]
    return Labelled(pictures_NSS3=np.concatenate(worlds), labels_N=np.tile(train.labels_N, len(worlds)))


def _row(study: Study, classifier: Classifier, sets: Sequence[Labelled], test: Labelled, table: ClassTable) -> Row:
    device = study.options.device
    if classifier.needs_cuda and device.type == "cpu":
        return Row(name=classifier.name, not_run="not run: trained on CUDA only")

    seeds = [study.options.seed + index for index in range(study.effort.trainings)]
    found: list[float] = []
    for data, seed in product(sets, seeds):
        network = learn(classifier, data, table.num_classes, steps=table.steps, seed=seed, device=device)
        found.append(accuracy(network, test, device=device))
        if study.progress is not None:
            study.progress(f"{classifier.name}, trainings", len(found), len(sets) * len(seeds))
    return Row(name=classifier.name, real=tuple(found[: len(seeds)]), augmented=tuple(found[len(seeds) :]))


def _cells(row: Row) -> tuple[str, ...]:
    paper = published.ACCURACY.get(row.name)
    theirs = ("", "") if paper is None else (f"{paper:.2f}", published.UNKNOWN)
    return row.name, *theirs, _percent(row.real), _percent(row.augmented), row.not_run


def _percent(shares: Sequence[float]) -> str:
    if not shares:
        return ""
    spread = f" ({100 * stdev(shares):.2f})" if len(shares) > 1 else ""
    return f"{100 * mean(shares):.2f}{spread}"
