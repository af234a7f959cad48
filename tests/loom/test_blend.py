from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from earthloom.errors import ShapeError
from earthloom.execution.executor import Threads
from earthloom.geo.windows import Window
from earthloom.io.raster import Raster
from earthloom.loom.blend import Profile, profile
from earthloom.loom.layer import Layer
from earthloom.loom.loom import Loom
from earthloom.loom.store import Store

PROFILES: tuple[Profile, ...] = ("flat", "linear", "hann")


@dataclass(frozen=True)
class Opinion:
    """Every window has its own idea of the ground: its input plus a number that only this window has."""

    dtype: str
    identity: str = "opinion"

    def load(self) -> Any:
        return lambda sights: [self.one(sight.window, sight.inputs[0]) for sight in sights]

    def one(self, window: Window, seen: Raster) -> Raster:
        number = (window.col * 7 + window.row * 13) % 64
        return Raster((seen.pixels.astype(float) / 2 + number).astype(self.dtype), seen.mask)


def overlapping(
    fake: SimpleNamespace, kind: Profile, *, dtype: str = "float32", extent: Window | None = None, overlap: int = 5
) -> Layer:
    source = fake.Formula(fake.grid(1.0, extent))
    return Layer(
        name="raw",
        grid=fake.grid(1.0, extent),
        inputs=(source,),
        step=Opinion(dtype),
        block_px=8,
        halo_px=6,
        overlap_px=overlap,
        blend=kind,
        lattice_px=3,
        dtype=dtype,
    )


def slow(layer: Layer, window: Window) -> tuple[np.ndarray, np.ndarray]:
    """Ask every window about every pixel, one by one."""
    weight = profile(layer.blend, layer.block_px, layer.overlap_px)
    opinion: Any = layer.step
    source: Any = layer.inputs[0]
    pixels, mask = np.zeros((3, window.height, window.width)), np.zeros((window.height, window.width), bool)
    said = {}
    for row in range(window.row, window.bottom):
        for col in range(window.col, window.right):
            total, weights = np.zeros(3), 0.0
            for i in range((row - 3) // 8 - 2, (row - 3) // 8 + 3):
                for j in range((col - 3) // 8 - 2, (col - 3) // 8 + 3):
                    y, x = row - (8 * i + 3 - layer.overlap_px), col - (8 * j + 3 - layer.overlap_px)
                    if not (0 <= y < len(weight) and 0 <= x < len(weight)):
                        continue
                    seen = Window(8 * j + 3 - 6, 8 * i + 3 - 6, 20, 20)
                    if seen not in said:
                        said[seen] = opinion.one(seen, source.read(seen))
                    at = (row - seen.row, col - seen.col)
                    if said[seen].mask[at]:
                        total += weight[y] * weight[x] * said[seen].pixels[:, *at]
                        weights += weight[y] * weight[x]
            if weights:
                pixels[:, row - window.row, col - window.col] = total / weights
                mask[row - window.row, col - window.col] = True
    return pixels, mask


@pytest.mark.parametrize("kind", PROFILES)
@pytest.mark.parametrize("overlap", [2, 5])
def test_overlaps_are_the_weighted_mean_of_every_window(
    fake: SimpleNamespace, tmp_path: Path, kind: Profile, overlap: int
) -> None:
    layer = overlapping(fake, kind, overlap=overlap)
    window = Window(-19, -6, 33, 27)
    with Store(tmp_path / "s") as store:
        woven = Loom(store).open(layer).read(window)
    pixels, mask = slow(layer, window)
    assert np.array_equal(woven.mask, mask)
    assert np.allclose(woven.pixels, pixels, atol=1e-4)


def test_integers_are_rounded(fake: SimpleNamespace, tmp_path: Path) -> None:
    layer = overlapping(fake, "hann", dtype="uint8")
    window = Window(-19, -6, 33, 27)
    with Store(tmp_path / "s") as store:
        woven = Loom(store).open(layer).read(window)
    pixels, _ = slow(layer, window)
    assert woven.pixels.dtype == np.uint8
    assert np.abs(woven.pixels - pixels).max() <= 0.5 + 1e-9


def test_a_part_of_bounded_ground_equals_the_same_part_of_the_whole(fake: SimpleNamespace, tmp_path: Path) -> None:
    whole = Window(-9, 5, 61, 43)
    with Store(tmp_path / "whole") as store:
        everything = Loom(store, Threads(2)).open(overlapping(fake, "linear", extent=whole)).read(whole)
    for i, part in enumerate([Window(-9, 5, 9, 9), Window(20, 30, 13, 11), Window(51, 47, 1, 1)]):
        layer = overlapping(fake, "linear", extent=whole)
        with Store(tmp_path / str(i)) as store:
            assert fake.equal(Loom(store).open(layer).read(part), everything.crop(part, whole))


def test_the_blended_canvas_is_a_layer_above(fake: SimpleNamespace, tmp_path: Path) -> None:
    raw = overlapping(fake, "hann", dtype="uint8")
    canvas = Layer(name="canvas", grid=fake.grid(1.0), inputs=(raw,), step=fake.Same(), block_px=16)
    window = Window(-19, -6, 33, 27)
    made: list[str] = []
    with Store(tmp_path / "s") as store:
        loom = Loom(store, progress=lambda name, done, total: made.append(name))
        assert fake.equal(loom.open(canvas).read(window), loom.open(raw).read(window))
        assert len(made) == len(set(canvas.blocks(window))) + made.count("raw")
        once = len(made)
        loom.open(canvas).read(window)
        assert len(made) == once


def test_an_edit_reaches_as_far_as_windows_are_kept(fake: SimpleNamespace, tmp_path: Path) -> None:
    layer = overlapping(fake, "linear")
    edit = Window(20, 20, 1, 1)
    whole = Window(-40, -40, 120, 120)
    with Store(tmp_path / "s") as store:
        loom = Loom(store)
        loom.open(layer).read(whole)
        reached = loom.invalidate(layer, layer.inputs[0], edit)  # type: ignore[arg-type]
        again = {block for _, blocks in loom.plan(layer, whole) for block in blocks}
    saw = {block for block in layer.blocks(whole) if layer.window_of(block).pad(6).intersects(edit)}
    assert again == saw
    assert reached is not None
    assert all(reached.contains(layer.kept(block)) for block in saw)


@pytest.mark.parametrize("kind", ["linear", "hann"])
def test_ramps_of_neighbours_sum_to_one(kind: Profile) -> None:
    weight = profile(kind, 16, 6)
    assert weight.min() > 0
    line = np.zeros(16 * 4 + 12)
    for start in (0, 16, 32, 48):
        line[start : start + 28] += weight
    assert np.allclose(line[12:-12], 1.0)


def test_more_overlap_than_halo_is_refused(fake: SimpleNamespace) -> None:
    with pytest.raises(ShapeError, match="keeps 7 px of a halo of 6 px"):
        overlapping(fake, "flat", overlap=7)
