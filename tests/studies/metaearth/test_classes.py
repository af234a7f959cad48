"""Table III on a miniature of two colours."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from torch import nn

from earthloom.pipelines.device import Device
from earthloom.studies.class_folders import read_class_folder
from earthloom.studies.classify import CLASSIFIERS, Classifier
from earthloom.studies.metaearth import classes
from earthloom.studies.metaearth.classes import generated, side_px_of
from earthloom.studies.metaearth.study import Study
from earthloom.studies.report import NOT_REACHED

LINEAR = Classifier(
    name="ResNet34", build=lambda num, side_px: nn.Sequential(nn.Flatten(), nn.Linear(3 * side_px**2, num)), lr=1e-3
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rng, rows = np.random.default_rng(0), ["file,label,split"]
    for name, colour in (("heath", (170, 60, 160)), ("lava", (180, 70, 30))):
        (tmp_path / name).mkdir()
        for index in range(4):
            pixels = np.clip(colour + rng.normal(0, 20, (32, 32, 3)), 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(tmp_path / name / f"{index}.jpg")
            rows.append(f"{name}/{index}.jpg,{name},{'test' if index == 3 else 'train'}")
    (tmp_path / "split.csv").write_text("\n".join(rows))
    return tmp_path


def test_both_arms_learn_and_the_large_ones_say_why_not(
    study: Study, toy: object, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(classes, "CLASSIFIERS", (LINEAR, *CLASSIFIERS[2:]))
    effort = replace(study.effort, worlds=2, trainings=2, epochs=60)
    kept: list[Any] = []
    told: list[tuple[str, int, int]] = []
    watched = replace(study, keep=kept.append, progress=lambda *event: told.append(event))
    table = classes.make(replace(watched, classes=folder, effort=effort))
    assert (table.num_classes, table.num_train, table.num_test, table.worlds, table.side_px) == (2, 6, 2, 2, 64)
    first, *others = table.rows
    assert first.real == (1.0, 1.0)
    assert len(first.augmented) == 2
    assert [row.not_run for row in others] == ["not run: trained on CUDA only"] * 3
    assert told[-4:] == [("ResNet34, trainings", num, 4) for num in (1, 2, 3, 4)]
    assert (len(kept), kept[0].rows[0], kept[-1]) == (4, first, table)
    assert [row.not_run for row in kept[0].rows[1:]] == [NOT_REACHED] * 3
    page = table.markdown()
    assert "| ResNet34 | 96.11 | not known | 100.00 (0.00) | " in page[4]
    assert "| VGG19 | 95.72 | not known |  |  | not run: trained on CUDA only |" in page


def test_classifiers_on_cuda_see_whole_windows(study: Study) -> None:
    on_cuda = replace(study.options, device=Device(type="cuda", precision="bf16"))
    assert (side_px_of(study), side_px_of(replace(study, options=on_cuda))) == (64, 32)


def test_generated_worlds_differ_and_keep_their_labels(study: Study, toy: object, folder: Path) -> None:
    found = read_class_folder(folder, side_px=32)
    made = generated(replace(study, effort=replace(study.effort, worlds=3)), found.train, found.shrunk_N)
    assert made.labels_N.tolist() == [0, 0, 0, 1, 1, 1] * 3
    worlds = made.pictures_NSS3.reshape(3, 6, 32, 32, 3)
    assert not np.array_equal(worlds[0], worlds[1])
    assert not np.array_equal(worlds[1], worlds[2])


def test_the_network_is_told_the_metres_of_the_resized_pixels(
    study: Study, toy: Any, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = read_class_folder(folder, side_px=16)
    assert found.shrunk_N.tolist() == [2.0] * 6
    told: list[float] = []
    denoise = toy.denoise
    monkeypatch.setattr(toy, "denoise", lambda x, t, gsd, c: told.append(float(gsd[0])) or denoise(x, t, gsd, c))
    for side_px, shrunk in ((32, 1.0), (32, 2.5), (64, 1.0)):  # a window has 32 px
        read = read_class_folder(folder, side_px=side_px)
        made = generated(replace(study, classes_gsd_m=3.0), read.train, read.shrunk_N * shrunk)
        assert made.pictures_NSS3.shape[1:] == (32, 32, 3)
        assert set(told) == {3.0 * shrunk * 4}
        told.clear()
