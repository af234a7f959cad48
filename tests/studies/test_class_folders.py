from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from earthloom.errors import DataError
from earthloom.studies.class_folders import check_class_folder, read_class_folder

ROWS = ["red/0.png,red,train", "blue/0.png,blue,train", "red/1.png,red,test", "blue/1.png,blue,test"]


def write(folder: Path, rows: list[str], head: str = "file,label,split") -> Path:
    for name, colour in (("red", (200, 0, 0)), ("blue", (0, 0, 200))):
        (folder / name).mkdir(parents=True, exist_ok=True)
        for index in range(2):
            Image.new("RGB", (20 + index, 12), colour).save(folder / name / f"{index}.png")
    (folder / "split.csv").write_text("\n".join([head, *rows]) + "\n")
    return folder


def test_classes_are_numbered_by_name_and_pictures_squared(tmp_path: Path) -> None:
    found = read_class_folder(write(tmp_path, ROWS), side_px=8)
    assert found.names == ("blue", "red")
    assert found.train.labels_N.tolist() == found.test.labels_N.tolist() == [1, 0]
    assert found.train.pictures_NSS3.shape == (2, 8, 8, 3)
    assert (found.train.pictures_NSS3[0] == (200, 0, 0)).all()
    assert found.train.resized(4).pictures_NSS3.shape == (2, 4, 4, 3)
    assert found.train.joined(found.test).labels_N.tolist() == [1, 0, 1, 0]


def test_the_middle_square_is_taken(tmp_path: Path) -> None:
    folder = write(tmp_path, ROWS)
    wide = np.zeros((8, 20, 3), np.uint8)
    wide[:, 6:14] = np.random.default_rng(0).integers(0, 256, (8, 8, 3))
    Image.fromarray(wide).save(folder / "red" / "0.png")
    assert np.array_equal(read_class_folder(folder, side_px=8).train.pictures_NSS3[0], wide[:, 6:14])


def test_what_figures_would_suffer_from_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder = write(tmp_path, ROWS)
    check_class_folder(folder)
    assert not caplog.messages
    write(folder, [*ROWS, "blue/2.png,blue,Test", "blue/3.png,blue,test"])
    for name in ("2.png", "3.png"):
        (folder / "blue" / name).write_bytes((folder / "blue/0.png").read_bytes())
    check_class_folder(folder)
    assert caplog.messages == [
        f"{folder / 'split.csv'}: split 'Test' is left aside, in 1 lines: want train or test",
        f"{folder}: pictures to judge by lie among those to learn from: 1, such as blue/3.png",
    ]


@pytest.mark.parametrize(
    ("rows", "head", "words"),
    [
        (ROWS[:2], "file,label,split", "has a test part without pictures of every class"),
        (ROWS, "file,label,part", "lacks the columns split"),
        ([*ROWS, "red/2.png,red,test"], "file,label,split", "2.png"),
        ([*ROWS, "red/1.png,red,train"], "file,label,split", "split.csv lists red/1.png 2 times; want one line"),
        ([*ROWS, "./red/1.png,red,train"], "file,label,split", "split.csv lists red/1.png 2 times; want one line"),
        ([*ROWS, ",red,train"], "file,label,split", "split.csv lists '', which lies in no class folder"),
    ],
)
def test_what_is_no_class_folder_is_refused(tmp_path: Path, rows: list[str], head: str, words: str) -> None:
    with pytest.raises(DataError, match=words):
        read_class_folder(write(tmp_path, rows, head), side_px=8)
    unsplit = write(tmp_path / "unsplit", ROWS)
    (unsplit / "split.csv").unlink()
    with pytest.raises(DataError, match="split.csv is missing: write one"):
        read_class_folder(unsplit, side_px=8)
