"""The verb from end to end: every table is in the report, or its reason."""

import json
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from earthloom.cli.main import app
from earthloom.errors import DataError, InterruptedRunError, PartlyFailedError, UsageError
from earthloom.studies.metaearth import reproduce as reproducing
from earthloom.studies.metaearth import seams
from earthloom.studies.metaearth.planet import other_planet
from earthloom.studies.metaearth.reproduce import TABLES, reproduce
from earthloom.studies.metaearth.study import Effort, Study
from earthloom.studies.report import NotRun


def test_the_verb_draws_and_says_what_it_could_not_do(catalog: Path, models: tuple[Path, Path], tmp_path: Path) -> None:
    words = ["--data", catalog, "--model", models[0], "--out", tmp_path / "report", "--tables", "1,3,4,5,6"]
    options = ["--quick", "--steps", "1", "--device", "cpu", "-j", "1", "--quiet"]
    spoken = ["reproduce", "metaearth", *map(str, words), *options]
    with pytest.raises(PartlyFailedError, match=r"not made, for the reasons in .*report.md: table 1, 3, 4, 5"):
        CliRunner().invoke(app, spoken, catch_exceptions=False)
    facts = json.loads((tmp_path / "report" / "report.json").read_text())
    reasons = {number: table.get("not_run", "") for number, table in facts["tables"].items()}
    assert reasons.keys() == {str(number) for number in TABLES}
    assert all(reasons[number].startswith("no --inception and no --vgg19") for number in "145")
    assert reasons["2"] == "not asked for, see --tables"
    assert reasons["3"].startswith("no --classes")
    assert reasons["6"] == ""
    assert facts["about"]["data"] == ["mine: CC0. me"]
    page = (tmp_path / "report" / "report.md").read_text()
    for picture in facts["tables"]["6"]["pictures"]:
        assert (picture["file"] is None) == (picture["title"] == "Pictures of 16 m")
        if picture["file"]:
            assert f"]({picture['file']})" in page
            with Image.open(tmp_path / "report" / picture["file"]) as image:
                assert image.text["SYNTHETIC"] == "true"
                assert image.text["EARTHLOOM_CREDITS"] == "mine: CC0. me"
    with pytest.raises(UsageError, match="holds a report: choose another with --out"):
        CliRunner().invoke(app, spoken, catch_exceptions=False)


def test_all_that_can_be_measured_is_in_the_report(study: Study, toy: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seams, "WAYS", dict(islice(seams.WAYS.items(), 2)))
    written, failed = reproduce(study, tuple(TABLES))
    assert failed == [3]
    assert written == [study.folder / "report.json", study.folder / "report.md"]
    tables = json.loads(written[0].read_text())["tables"]
    assert [number for number, table in tables.items() if "not_run" in table] == ["3"]
    assert tables["1"]["rows"][-1]["guided"]["kid"].keys() == {"value", "low", "high"}
    assert all(f"## {number}. {entry.title}" in written[1].read_text() for number, entry in TABLES.items())
    assert not list(study.folder.glob("*.part"))


def test_without_numbers_all_that_the_inputs_allow_is_made(study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reproducing, "TABLES", {**TABLES, 2: replace(TABLES[2], make=lambda _: NotRun("no ground"))})
    written, failed = reproduce(replace(study, features=None))
    assert failed == [2]
    tables = json.loads(written[0].read_text())["tables"]
    assert (
        tables["1"]["not_run"] == "no --inception and no --vgg19: without weights of either pictures cannot be compared"
    )
    assert "not_run" not in tables["6"]


def test_what_is_finished_is_kept_when_it_is_stopped(study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(study: Study) -> None:
        study.keep(NotRun("half of it"))
        raise KeyboardInterrupt

    stopping = replace(TABLES[4], make=stop)
    monkeypatch.setattr(reproducing, "TABLES", {**TABLES, 4: stopping})
    with pytest.raises(InterruptedRunError, match=r"interrupted in table 4: what is finished is in .*report.md"):
        reproduce(study, (3, 4, 5))
    tables = json.loads((study.folder / "report.json").read_text())["tables"]
    assert tables["3"]["not_run"].startswith("no --classes")
    assert tables["4"]["not_run"] == "half of it"
    assert tables["5"]["not_run"] == "not reached: the run was stopped before"


def test_too_little_ground_is_a_reason(study: Study, toy: object, caplog: pytest.LogCaptureFixture) -> None:
    few = tuple(block for block in study.blocks if block.gsd_m == 4.0)
    written, failed = reproduce(replace(study, blocks=few), (4, 5))
    assert failed == [4, 5]
    tables = json.loads(written[0].read_text())["tables"]
    assert "no level gives 10 held-out pictures" in tables["4"]["not_run"]
    assert "KID wants at least 10 pictures" in tables["5"]["not_run"]
    assert caplog.messages[0].startswith("not run: Cascade against a single stage, 64 times finer: no level gives")


def test_inputs_that_do_not_fit_are_refused(study: Study) -> None:
    with pytest.raises(UsageError, match="--tables 7: there are 1, 2, 3, 4, 5, 6"):
        reproduce(study, (1, 7))
    with pytest.raises(DataError, match="no such folder; give one with class folders"):
        reproduce(replace(study, classes=study.folder), (1, 3))
    for name in ("a/0.png", "b/0.png", "a/1.png", "b/1.png"):
        (study.folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 8)).save(study.folder / name)
    (study.folder / "split.csv").write_text("file,split\na/0.png,train\nb/0.png,train\na/1.png,test\nb/1.png,test\n")
    (study.folder / "b/1.png").write_bytes(b"no picture")
    spoilt = replace(study, classes=study.folder, folder=study.folder / "report")
    with pytest.raises(DataError, match="b/1.png cannot be read as an image"):
        reproduce(spoilt, (3, 6))
    assert not spoilt.folder.exists()
    with pytest.raises(UsageError, match="--classes-gsd 0: give metres a pixel above 0"):
        replace(study, classes_gsd_m=0.0)
    with pytest.raises(UsageError, match="is told the resolution too"):
        replace(study, without=study.weights)
    assert study.without is not None
    wide = replace(study.without, config=replace(study.without.config, window_px=64))
    with pytest.raises(UsageError, match=r"makes blocks of another size than --model \(64 and 32 px\)"):
        replace(study, without=wide)
    with pytest.raises(UsageError, match="--n 0: want at least 1"):
        Effort(pictures=0)


def test_the_other_planet_has_red_oceans_and_purple_land() -> None:
    red, green, blue = np.moveaxis(other_planet(64, seed=3).astype(int), -1, 0)
    ocean, land = red > blue + 30, blue > red
    assert ocean.mean() == pytest.approx(0.5, abs=0.05)
    assert (ocean | land).mean() > 0.95
    assert (green < np.maximum(red, blue)).all()
    assert np.array_equal(other_planet(64, seed=3), other_planet(64, seed=3))
