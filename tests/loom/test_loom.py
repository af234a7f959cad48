import os
import pickle
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from earthloom.errors import GeoError, InterruptedRunError, ShapeError, StoreError
from earthloom.execution.executor import Threads
from earthloom.geo.windows import Window
from earthloom.io.raster import Raster
from earthloom.loom.layer import Layer
from earthloom.loom.loom import Loom
from earthloom.loom.store import Store, remove


@dataclass(frozen=True)
class Shuffled:
    """Runs all tasks in a random order."""

    seed: int

    def run(self, make_worker: Callable[[], Any], tasks: Iterable[Any]) -> Iterator[Any]:
        worker, queue = make_worker(), list(tasks)
        random.Random(self.seed).shuffle(queue)
        return ((task, worker(task)) for task in queue)


def stack(fake: SimpleNamespace, extent: Window | None) -> tuple[Any, Layer]:
    """Three layers of scale 1, 1/2 and 4 over the formula."""
    source = fake.Formula(fake.grid(1.0, extent))
    smooth = Layer(name="smooth", grid=fake.grid(1.0), inputs=(source,), step=fake.Blur(), block_px=13, halo_px=1)
    half = Layer(name="half", grid=fake.grid(2.0), inputs=(smooth,), step=fake.Pick(), block_px=8, halo_px=3)
    fine = Layer(name="fine", grid=fake.grid(0.5), inputs=(half,), step=fake.Repeat(), block_px=17, halo_px=2)
    return source, fine


def slow_stack(fake: SimpleNamespace, source: Any, window: Window) -> Raster:
    """The same by one loop over pixels, from one big reading."""
    around = Window(-200, -200, 400, 400)
    smooth = fake.blur(source.read(around))
    result = Raster.empty(3, window.height, window.width, "uint8")
    for i, row in enumerate(range(window.row, window.bottom)):
        for j, col in enumerate(range(window.col, window.right)):
            at = (2 * (row // 4) + 200, 2 * (col // 4) + 200)
            result.pixels[:, i, j] = smooth.pixels[:, *at]
            result.mask[i, j] = smooth.mask[at]
    return result


@pytest.mark.parametrize("extent", [Window(-9, 5, 61, 43), None], ids=["bounded", "endless"])
def test_a_stack_of_three_scales_equals_a_slow_loop(
    fake: SimpleNamespace, tmp_path: Path, extent: Window | None
) -> None:
    source, top = stack(fake, extent)
    window = Window(-31, -3, 90, 75)
    with Store(tmp_path / "s") as store:
        woven = Loom(store).open(top).read(window)
    assert fake.equal(woven, slow_stack(fake, source, window))


@pytest.mark.parametrize("shift", [0, 5, -7])
def test_a_shifted_lattice_covers_the_same_ground(fake: SimpleNamespace, tmp_path: Path, shift: int) -> None:
    source, window = fake.Formula(fake.grid()), Window(-20, -20, 50, 50)
    layer = Layer(
        name="a", grid=fake.grid(), inputs=(source,), step=fake.Blur(), block_px=13, halo_px=1, lattice_px=shift
    )
    assert all(layer.window_of(block).intersects(window) for block in layer.blocks(window))
    with Store(tmp_path / "s") as store:
        woven = Loom(store).open(layer).read(window)
    assert fake.equal(woven, fake.blur(source.read(window.pad(1))).crop(window, window.pad(1)))


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(col=st.integers(-90, 90), row=st.integers(-90, 90), width=st.integers(1, 60), height=st.integers(1, 60))
def test_a_part_equals_the_same_part_of_the_whole(
    fake: SimpleNamespace, tmp_path_factory: pytest.TempPathFactory, col: int, row: int, width: int, height: int
) -> None:
    source, top = stack(fake, Window(-9, 5, 61, 43))
    window = Window(col, row, width, height)
    with Store(tmp_path_factory.mktemp("part") / "s") as store:
        assert fake.equal(Loom(store).open(top).read(window), slow_stack(fake, source, window))


def test_bytes_do_not_depend_on_workers_order_or_batch(fake: SimpleNamespace, tmp_path: Path) -> None:
    _, top = stack(fake, None)
    window = Window(0, 0, 120, 100)
    results = []
    for i, (executor, batch) in enumerate(
        [(Threads(1), 1), (Threads(2), 1), (Shuffled(1), 1), (Shuffled(2), 4), (Threads(2), 4), (Threads(1), 7)]
    ):
        with Store(tmp_path / f"s{i}") as store:
            raster = Loom(store, executor, batch=batch).open(top).read(window)
            results.append(raster.pixels.tobytes() + raster.mask.tobytes())
    assert len(set(results)) == 1


def test_nothing_is_done_twice_and_far_costs_what_near_costs(fake: SimpleNamespace, tmp_path: Path) -> None:
    _, top = stack(fake, None)
    made: list[str] = []
    with Store(tmp_path / "s") as store:
        woven = Loom(store, progress=lambda name, done, total: made.append(name)).open(top)
        woven.read(Window(0, 0, 34, 34))
        near = made.copy()
        woven.read(Window(0, 0, 34, 34))
        assert made == near
        made.clear()
        step = 17 * 8 * 13 * 4
        woven.read(Window(step * 1000, -step * 1000, 34, 34))
    assert sorted(made) == sorted(near)


def test_a_large_area_is_planned_in_parts(
    fake: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, top = stack(fake, None)

    def weave(side: int) -> tuple[Any, int]:
        monkeypatch.setattr("earthloom.loom.loom._PLANNED_BLOCKS", side)
        told: dict[str, list[tuple[int, int]]] = {}
        with Store(tmp_path / str(side)) as store:
            loom = Loom(store, progress=lambda name, done, total: told.setdefault(name, []).append((done, total)))
            raster, num = loom.open(top).read(Window(-20, 3, 150, 130)), store.num_blocks()
        for counts in told.values():
            assert [done for done, _ in counts] == list(range(1, len(counts) + 1))
            assert counts[-1][0] == counts[-1][1]  # at the end the estimate is the truth
        return raster, num

    (whole, num_whole), (parts, num_parts) = weave(1000), weave(2)
    assert fake.equal(whole, parts)
    assert num_whole == num_parts


def test_a_wide_raster_is_woven_in_strips(fake: SimpleNamespace, tmp_path: Path) -> None:
    """A window sees what its neighbours see: however wide the raster, that is not long ago."""
    layer = Layer(name="a", grid=fake.grid(), inputs=(fake.Formula(fake.grid()),), step=fake.Same(), block_px=4)
    made: list[tuple[int, int]] = []

    class InOrder:
        def run(self, make_worker: Callable[[], Any], tasks: Iterable[Any]) -> Iterator[Any]:
            worker = make_worker()
            for task in tasks:
                made.extend(task.blocks)
                yield task, worker(task)

    with Store(tmp_path / "s") as store:
        Loom(store, InOrder()).make(layer, Window(0, 0, 4 * 40, 4 * 5))
    assert sorted(made) == [(row, col) for row in range(5) for col in range(40)]
    when = {block: i for i, block in enumerate(made)}
    assert max(when[row + 1, col] - when[row, col] for row, col in made if row < 4) == 4


def test_an_edit_makes_anew_exactly_what_saw_it(fake: SimpleNamespace, tmp_path: Path) -> None:
    source, top = stack(fake, None)
    with Store(tmp_path / "s") as store:
        loom = Loom(store)
        whole = Window(-60, -60, 240, 240)
        loom.open(top).read(whole)
        plan = {layer.name: set(blocks) for layer, blocks in loom.plan(top, whole)}
        assert plan == {}
        edit = Window(26, 13, 1, 1)
        loom.invalidate(top, source, edit)
        plan = {layer.name: set(blocks) for layer, blocks in loom.plan(top, whole)}
    half: Any = top.inputs[0]
    smooth = half.inputs[0]
    far = Window(-500, -500, 1000, 1000)
    saw = {b for b in smooth.blocks(far) if smooth.window_of(b).pad(1).intersects(edit)}
    assert len(saw) == 4
    assert plan["smooth"] == saw
    saw_half = {b for b in half.blocks(far) if saw & set(smooth.blocks(half.window_of(b).pad(3).scaled(2)))}
    assert plan["half"] == saw_half
    below = {b: set(half.blocks(top.window_of(b).pad(2).scaled(Fraction(1, 4)))) for b in top.blocks(whole)}
    assert plan["fine"] == {b for b in top.blocks(whole) if saw_half & below[b]}


def test_evicted_blocks_come_back(fake: SimpleNamespace, tmp_path: Path) -> None:
    _, top = stack(fake, None)
    window = Window(0, 0, 50, 50)
    with Store(tmp_path / "s", cache_blocks=2) as store:
        woven = Loom(store).open(top)
        first = woven.read(window)
        store.evict(3)
        assert store.num_blocks() == 3
        assert fake.equal(first, woven.read(window))


def test_a_hundred_thousand_windows_are_planned_quickly(fake: SimpleNamespace, tmp_path: Path) -> None:
    _, top = stack(fake, None)
    flat = Layer(name="flat", grid=fake.grid(1.0), inputs=top.inputs[0].inputs, step=fake.Same(), block_px=13)  # type: ignore[union-attr]
    with Store(tmp_path / "s") as store:
        start = time.perf_counter()
        plan = Loom(store).plan(flat, Window(0, 0, 13 * 316, 13 * 316))
        seconds = time.perf_counter() - start
    assert sum(len(blocks) for _, blocks in plan) == 2 * 316 * 316
    assert seconds < 10


def test_a_layer_that_many_read_is_planned_once(
    fake: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, _ = stack(fake, None)
    top: Any = source
    for _ in range(3):  # stages of eight phases, each of which reads the stage below too
        below, states = top, ()
        for index in range(8):
            step = fake.Same()
            states = (Layer(name=str(index), grid=fake.grid(1.0), inputs=(below, *states), step=step, block_px=16),)
        (top,) = states
    with Store(tmp_path / "s") as store:
        looked: list[Layer] = []
        missing = store.missing
        monkeypatch.setattr(store, "missing", lambda layer, blocks: looked.append(layer) or missing(layer, blocks))
        plan = Loom(store).plan(top, Window(0, 0, 16, 16))
    assert len(looked) == len(plan) == 24
    seen: set[str] = set()
    for layer, blocks in plan:
        assert blocks == [(0, 0)]
        assert {each.identity for each in layer.inputs if isinstance(each, Layer)} <= seen
        seen.add(layer.identity)


def test_layers_are_values(fake: SimpleNamespace) -> None:
    _, top = stack(fake, None)
    again = pickle.loads(pickle.dumps(top))
    assert again == top
    assert again.identity == top.identity
    _, bounded = stack(fake, Window(0, 0, 9, 9))
    assert (
        bounded.identity == top.identity
    )  # the fake source's identity is fixed; a grid's extent is no part of a layer's


def test_a_step_that_fails_leaves_what_is_finished(fake: SimpleNamespace, tmp_path: Path) -> None:
    @dataclass(frozen=True)
    class Fails:
        identity: str = "fails"

        def load(self) -> Any:
            def function(sights: Any) -> Any:
                if sights[0].window.col >= 26:
                    raise KeyboardInterrupt if self.identity == "stops" else ShapeError("no such ground")
                return [sight.inputs[0] for sight in sights]

            return function

    source, _ = stack(fake, None)
    for identity, error in (("fails", ShapeError), ("stops", InterruptedRunError)):
        layer = Layer(name="a", grid=fake.grid(), inputs=(source,), step=Fails(identity), block_px=13)
        with Store(tmp_path / identity) as store:
            with pytest.raises(error):
                Loom(store, Threads(2)).make(layer, Window(0, 0, 60, 13))
            assert store.num_blocks() >= 2


def test_wrong_layers_are_refused(fake: SimpleNamespace, tmp_path: Path) -> None:
    source, _ = stack(fake, None)
    with pytest.raises(ShapeError, match="block_px > 0"):
        Layer(name="a", grid=fake.grid(), inputs=(source,), step=fake.Same(), block_px=0)
    with pytest.raises(GeoError, match="do not nest"):
        Layer(name="a", grid=fake.grid(1.5), inputs=(source,), step=fake.Same(), block_px=8)
    wrong = Layer(name="a", grid=fake.grid(2.0), inputs=(source,), step=fake.Same(), block_px=8)
    with Store(tmp_path / "s") as store, pytest.raises(ShapeError, match="want uint8"):
        Loom(store).make(wrong, Window(0, 0, 8, 8))


def test_a_store_of_another_run_is_refused_by_name(tmp_path: Path) -> None:
    with Store(tmp_path / "s") as store:
        store.claim({"model": "abc", "seed": "0"})
        store.claim({"model": "abc", "seed": "0"})
        with pytest.raises(StoreError, match="its seed is 0, now it is 1"):
            store.claim({"model": "abc", "seed": "1"})
        with pytest.raises(StoreError, match="its model is abc, now it is nothing, its seed is 0, now it is nothing"):
            store.claim({"steps": "1"})


def test_damaged_and_unwritable_stores_say_so(fake: SimpleNamespace, tmp_path: Path) -> None:
    (tmp_path / "junk").write_bytes(b"no database at all, but long enough to look like one" * 9)
    with pytest.raises(StoreError, match="damaged or no block store"):
        Store(tmp_path / "junk")
    with pytest.raises(StoreError, match="is it a file in a folder that may be written to"):
        Store(tmp_path / "nowhere" / "s")
    _, top = stack(fake, None)
    with Store(tmp_path / "s") as store, pytest.raises(StoreError, match="lacks block"):
        store.get(top, (0, 0))
    remove(tmp_path / "s")
    assert not list(tmp_path.glob("s*"))


def test_a_damaged_block_says_so(fake: SimpleNamespace, tmp_path: Path) -> None:
    _, top = stack(fake, None)
    with Store(tmp_path / "s") as store:
        Loom(store).make(top, Window(0, 0, 8, 8))
    with sqlite3.connect(tmp_path / "s") as file:
        file.execute("UPDATE blocks SET pixels = substr(pixels, 1, 10)")
    with Store(tmp_path / "s") as store, pytest.raises(StoreError, match="damaged or no block store"):
        Loom(store).open(top).read(Window(0, 0, 8, 8))


def test_a_full_disk_says_so_and_keeps_the_blocks(fake: SimpleNamespace, tmp_path: Path) -> None:
    _, top = stack(fake, None)
    with Store(tmp_path / "s") as store:
        store._connection.execute("PRAGMA max_page_count = 12")
        with pytest.raises(StoreError, match="free some space"):
            Loom(store).open(top).read(Window(0, 0, 400, 400))
        kept = store.num_blocks()
        store._connection.execute("PRAGMA max_page_count = 100000")
        assert kept > 0
        Loom(store).open(top).read(Window(0, 0, 40, 40))


def test_kill_minus_nine_loses_nothing(fake: SimpleNamespace, tmp_path: Path) -> None:
    script = f"""
import importlib.util, pathlib, time
spec = importlib.util.spec_from_file_location("fakes", {str(Path(__file__).parent / "conftest.py")!r})
fakes = importlib.util.module_from_spec(spec); spec.loader.exec_module(fakes)
from earthloom.geo.windows import Window
from earthloom.loom.layer import Layer
from earthloom.loom.loom import Loom
from earthloom.loom.store import Store
class Slow(fakes.Blur):
    def one(self, sight):
        time.sleep(0.02); return super().one(sight)
layer = Layer(name="a", grid=fakes.grid(), inputs=(fakes.Formula(fakes.grid()),), step=Slow(), block_px=13, halo_px=1)
Loom(Store(pathlib.Path({str(tmp_path / "s")!r}))).make(layer, Window(0, 0, 130, 130))
"""
    process = subprocess.Popen([sys.executable, "-c", script], env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"})
    source = fake.Formula(fake.grid())
    layer = Layer(name="a", grid=fake.grid(), inputs=(source,), step=fake.Blur(), block_px=13, halo_px=1)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        time.sleep(0.05)
        if (tmp_path / "s").exists():
            with Store(tmp_path / "s") as store:
                if store.num_blocks() >= 10:
                    break
    process.send_signal(signal.SIGKILL)
    process.wait()
    made: list[int] = []
    window = Window(0, 0, 130, 130)
    with Store(tmp_path / "s") as store:
        kept = store.num_blocks()
        raster = Loom(store, progress=lambda name, done, total: made.append(total)).open(layer).read(window)
    assert 10 <= kept < 100
    assert len(made) == 100 - kept
    assert fake.equal(raster, fake.blur(source.read(window.pad(1))).crop(window, window.pad(1)))
