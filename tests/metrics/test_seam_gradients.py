import numpy as np
import pytest

from earthloom.errors import DataError, ShapeError
from earthloom.metrics.seam_gradients import seam_gradients

COLS, ROWS = (6, 12), (4, 8, 12)


def pictures(num: int) -> list[np.ndarray]:
    return list(np.random.default_rng(num).integers(0, 256, (num, 15, 18, 3), dtype=np.uint8))


def test_the_figures_are_those_of_slow_loops() -> None:
    seams, others = ([], []), ([], [])
    for picture in pictures(3):
        values = picture.astype(int)
        for y in range(15):
            for x in range(18):
                if x:
                    (seams if x in COLS else others)[0].append(np.abs(values[y, x] - values[y, x - 1]).mean())
                if y:
                    (seams if y in ROWS else others)[1].append(np.abs(values[y, x] - values[y - 1, x]).mean())
    found = seam_gradients(pictures(3), cols=COLS, rows=ROWS)
    horizontal, vertical = np.mean(seams[0]), np.mean(seams[1])
    interior = (np.mean(others[0]) + np.mean(others[1])) / 2
    assert found.horizontal.value == pytest.approx(horizontal)
    assert found.vertical.value == pytest.approx(vertical)
    assert found.mean.value == pytest.approx((horizontal + vertical) / 2)
    assert found.interior.value == pytest.approx(interior)
    assert found.ratio.value == pytest.approx((horizontal + vertical) / 2 / interior)
    assert found.num_pictures == 3


def test_noise_without_seams_has_about_one_and_a_jump_shows() -> None:
    plain = seam_gradients(iter(pictures(60)), cols=COLS, rows=ROWS)
    assert plain.ratio.low < 1 < plain.ratio.high
    assert plain.horizontal.low < 255 / 3 < plain.horizontal.high  # two even draws differ by a third of their range
    blocks = np.digitize(np.arange(18), COLS)[None] + np.digitize(np.arange(15), ROWS)[:, None]
    jumps = [picture // 2 + (100 * (blocks % 2)).astype(np.uint8)[..., None] for picture in pictures(60)]
    assert seam_gradients(jumps, cols=COLS, rows=ROWS).ratio.low > 1.5


def test_equal_seeds_give_equal_intervals() -> None:
    def measure(seed: int):
        return seam_gradients(pictures(9), cols=COLS, rows=ROWS, seed=seed)

    assert measure(0) == measure(0)
    assert measure(0).ratio.low != measure(1).ratio.low


def test_flat_ground() -> None:
    flat = np.zeros((15, 18, 3), np.uint8)
    assert seam_gradients([flat], cols=COLS, rows=ROWS).ratio.value == 1
    stepped = flat.copy()
    stepped[:, 6:12] = 9
    found = seam_gradients([stepped], cols=COLS, rows=ROWS)
    assert (found.horizontal.value, found.vertical.value, found.mean.value, found.ratio.value) == (9, 0, 4.5, np.inf)


def test_what_does_not_fit_is_refused() -> None:
    for cols in ((), (0,), (18,), range(1, 18)):
        with pytest.raises(ShapeError, match=r"some, not all, of 1\.\.17, got \["):
            seam_gradients(pictures(1), cols=cols, rows=ROWS)
    with pytest.raises(ShapeError, match=r"want a picture \(H, W, C\), got \(15, 18\)"):
        seam_gradients([pictures(1)[0][..., 0]], cols=COLS, rows=ROWS)
    with pytest.raises(DataError, match="no pictures to measure seams in"):
        seam_gradients([], cols=COLS, rows=ROWS)
