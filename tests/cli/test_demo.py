"""The demo draws into a folder, again and again, and replaces nothing but what it made."""

from collections.abc import Callable
from pathlib import Path

import pytest

from earthloom.errors import InterruptedRunError
from earthloom.io.describe import describe
from earthloom.pipelines.demo import run_demo
from earthloom.pipelines.series import SeriesWeights

Run = Callable[..., tuple[int, str]]


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch, image: Path, tiny_series: Path) -> None:
    tiny = SeriesWeights.read(str(tiny_series))
    monkeypatch.setattr(SeriesWeights, "read", lambda _: tiny)
    monkeypatch.setattr("earthloom.pipelines.demo.SAMPLE", image)


def test_the_demo_replaces_what_it_made_and_nothing_else(tmp_path: Path, run: Run) -> None:
    written = run_demo(tmp_path / "a/demo", 1)
    assert [path.name for path in written] == [
        "banepa.tif",
        *(f"banepa_z{zoom}.tif" for zoom in (16, 15, 14, 13)),
        "banepa.pmtiles",
        "contact-sheet.png",
    ]
    assert all(describe(path)["tags"] == describe(written[0])["tags"] for path in written)
    before = [path.read_bytes() for path in written]
    assert run_demo(tmp_path / "a/demo", 1) == written
    assert [path.read_bytes() for path in written] == before
    for path in written:
        kept = path.read_bytes()
        path.write_bytes(b"another's")
        code, said = run("demo", "--out", str(tmp_path / "a/demo"))
        assert (code, said.count("\n")) == (2, 1)
        assert f"{path}: exists, and no demo made it" in said
        assert path.read_bytes() == b"another's"
        path.write_bytes(kept)


@pytest.mark.parametrize("name", ["banepa.tif.stac.json", "contact-sheet.png.aux.xml"])
def test_the_demo_replaces_nothing_beside_what_it_makes(tmp_path: Path, run: Run, name: str) -> None:
    (tmp_path / name).write_text("mine")
    code, said = run("demo", "--out", str(tmp_path))
    assert (code, said.count("\n")) == (2, 1)
    assert f"{tmp_path / name}: is there without" in said
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("out", ["file", "file/demo"])
def test_a_file_is_no_folder_for_the_demo(tmp_path: Path, run: Run, out: str) -> None:
    (tmp_path / "file").write_text("text")
    code, said = run("demo", "--out", str(tmp_path / out))
    assert (code, said.count("\n")) == (2, 1)
    assert f"{tmp_path / out}: " in said
    assert "--out" in said


def test_a_stopped_demo_starts_anew(tmp_path: Path) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(InterruptedRunError) as error:
        run_demo(tmp_path, 1, stop)
    assert "--resume" not in str(error.value)
    assert run_demo(tmp_path, 1)
    assert not list(tmp_path.glob("*.parts*"))
