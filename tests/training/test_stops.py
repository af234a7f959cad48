"""Runs that are stopped, and what they go on from."""

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file

from earthloom.errors import InterruptedRunError, TrainingError, UsageError
from earthloom.models import weights
from earthloom.training import checkpoint, log
from earthloom.training.fit import fit
from earthloom.training.maps import objective
from earthloom.training.recipes import recipe
from earthloom.training.run import Run
from earthloom.training.runtime import Runtime

CPU = Runtime(device="cpu", precision="fp32", quiet=True)
AGAIN = replace(CPU, resume=True)
SHORT = replace(recipe("series-tiny"), crop_px=32, warm_steps=3, adversarial_steps=2, checkpoint_every=2, weights=())


@pytest.fixture(autouse=True)
def _in_the_foreground() -> Iterator[None]:
    """Hear Ctrl-C; a suite in the background ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def _ctrl_c() -> None:
    signal.raise_signal(signal.SIGINT)


@contextmanager
def _before(owner: Any, name: str, number: int, act: Callable[[], None]) -> Iterator[None]:
    """Act before the call number `number` of a function, counted from 0."""
    real, calls = getattr(owner, name), []

    def call(*given: Any, **named: Any) -> Any:
        calls.append(name)
        if len(calls) == number + 1:
            act()
        return real(*given, **named)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(owner, name, call)
        yield


def _stop(place: tuple[Any, str, int], pairs: Path, out: Path, *, times: int = 1) -> str:
    with (
        _before(*place, lambda: [_ctrl_c() for _ in range(times)] and None),
        pytest.raises(InterruptedRunError) as told,
    ):
        fit("series-tiny", SHORT, [pairs], out, CPU)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    return str(told.value)


@pytest.mark.parametrize(
    ("place", "done"),
    [
        ((objective, "begin_step", 1), 2),
        ((objective, "descend", 1), 2),  # the generator's statistics have moved, its weights have not
        ((objective, "descend", 4), 4),  # between the two networks of an adversarial step
        ((Run, "_report", 2), 3),
        ((Run, "validate", 0), 3),
    ],
)
def test_ctrl_c_waits_for_the_end_of_the_step(
    place: tuple[Any, str, int], done: int, pairs: Path, tmp_path: Path
) -> None:
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    fit("series-tiny", SHORT, [pairs], whole, CPU)
    assert f"stopped after step {done}; the same command with --resume goes on" in _stop(place, pairs, parts)
    assert weights.load(parts / "generator").meta["steps"] == done
    fit("series-tiny", SHORT, [pairs], parts, AGAIN)
    assert log.read(parts) == log.read(whole)
    _are_equal(parts, whole)


def test_a_second_ctrl_c_stops_at_once_and_keeps_the_last_checkpoint(pairs: Path, tmp_path: Path) -> None:
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    fit("series-tiny", SHORT, [pairs], whole, CPU)
    assert "stopped in step 4" in _stop((objective, "descend", 4), pairs, parts, times=2)
    with safe_open(parts / checkpoint.FILE, "pt") as file:
        assert file.metadata()["step"] == "2"
    assert weights.load(parts / "generator").meta["steps"] == 2
    fit("series-tiny", SHORT, [pairs], parts, AGAIN)
    assert log.read(parts) == log.read(whole)
    _are_equal(parts, whole)


def test_ctrl_c_leaves_the_processes_that_draw_to_their_run(pairs: Path, tmp_path: Path) -> None:
    def all_of_the_terminal() -> None:
        children = multiprocessing.active_children()
        assert len(children) == 2
        for child in children:
            assert child.pid is not None
            os.kill(child.pid, signal.SIGINT)
        _ctrl_c()

    ending = pytest.raises(InterruptedRunError, match="stopped after step 1;")
    with _before(objective, "begin_step", 0, all_of_the_terminal), ending:
        fit("series-tiny", SHORT, [pairs], tmp_path / "run", replace(CPU, workers=2))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs a limit on file size")
@pytest.mark.parametrize("name", [checkpoint.FILE, log.FILE])
def test_a_full_disk_is_named_and_the_last_checkpoint_stays(name: str, pairs: Path, tmp_path: Path) -> None:
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    fit("series-tiny", SHORT, [pairs], whole, CPU)
    place = (checkpoint, "save_file", 1) if name == checkpoint.FILE else (log.Log, "write", 3)
    with _full_disk() as fill, _before(*place, lambda: fill(10)), pytest.raises(TrainingError) as told:
        fit("series-tiny", SHORT, [pairs], parts, CPU)
    assert str(told.value) == f"{parts / name}: no space left to write it: free some and go on with --resume"
    assert not list(parts.glob("*.part"))
    with safe_open(parts / checkpoint.FILE, "pt") as file:
        assert file.metadata()["step"] == "2"
    fit("series-tiny", SHORT, [pairs], parts, AGAIN)
    assert log.read(parts) == log.read(whole)
    _are_equal(parts, whole)


@contextmanager
def _full_disk() -> Iterator[Callable[[int], None]]:
    """Give what limits the length of files."""
    import resource

    signals, limits = signal.signal(signal.SIGXFSZ, signal.SIG_IGN), resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        yield lambda length: resource.setrlimit(resource.RLIMIT_FSIZE, (length, limits[1]))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, signals)


@pytest.mark.parametrize("inside", ["", "run"])
def test_a_file_is_no_folder_for_a_run(inside: str, pairs: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(UsageError, match="file is a file, and a run is a folder; choose another --out"):
        fit("series-tiny", SHORT, [pairs], tmp_path / "file" / inside, CPU)
    assert (tmp_path / "file").read_text() == "mine"


def _are_equal(one: Path, two: Path) -> None:
    first, second = (load_file(out / checkpoint.FILE) for out in (one, two))
    assert first.keys() == second.keys()
    assert all(torch.equal(first[key], second[key]) for key in first)
