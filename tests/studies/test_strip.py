import numpy as np

from earthloom.geo.windows import Window
from earthloom.studies.strip import Strip

PICTURES = np.random.default_rng(0).integers(1, 256, (3, 4, 5, 3), dtype=np.uint8)


def test_any_window_is_that_of_a_slow_loop() -> None:
    strip = Strip(pictures_NHW3=PICTURES, gap_px=2)
    for window in (Window(-3, -1, 30, 7), Window(5, 0, 2, 4), Window(6, 1, 9, 2), Window(100, 0, 3, 3)):
        raster = strip.read(window)
        for row in range(window.row, window.bottom):
            for col in range(window.col, window.right):
                index, within = divmod(col, 7)
                known = 0 <= row < 4 and 0 <= index < 3 and within < 5
                at = row - window.row, col - window.col
                assert raster.mask[at] == known
                assert raster.pixels[:, *at].tolist() == (PICTURES[index, row, within].tolist() if known else [0] * 3)


def test_windows_are_the_pictures_and_identity_is_all_of_it() -> None:
    strip = Strip(pictures_NHW3=PICTURES, gap_px=2)
    assert all(
        np.array_equal(strip.read(place).pixels.transpose(1, 2, 0), picture)
        for place, picture in zip(strip.windows(), PICTURES, strict=True)
    )
    others = Strip(pictures_NHW3=PICTURES), Strip(pictures_NHW3=PICTURES[:, :, ::-1], gap_px=2)
    assert len({strip.identity, *(each.identity for each in others)}) == 3
