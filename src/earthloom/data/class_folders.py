"""Images in class folders, FOLDER/CLASS/NAME.jpg, as classifiers learn from, with perhaps a `split.csv` beside them.

`split.csv` has the columns file (relative to the folder) and split, and may have more.
"""

import csv
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

from earthloom.data.tables import read_table
from earthloom.errors import DataError

SPLIT = "split.csv"
TRAIN = "train"
SUFFIXES = (".jpg", ".jpeg", ".png", ".tif", ".tiff")


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassFolders:
    """What lies in the class folders; names are relative to the folder and in order."""

    folder: Path
    """Holds them."""

    files: tuple[Path, ...]
    """Every file: images and what lies beside them."""

    rows: tuple[Mapping[str, str], ...] | None
    """The lines of `split.csv`; None without one."""

    @property
    def images(self) -> list[Path]:
        """The images."""
        return [file for file in self.files if _is_image(file)]

    @property
    def train(self) -> list[Path]:
        """The images to train on: all, or those that `split.csv` says."""
        if self.rows is None:
            return self.images
        listed = {row["file"] for row in self.rows if row["split"] == TRAIN}
        return [image for image in self.images if image.as_posix() in listed]

    @property
    def unknown(self) -> list[str]:
        """The files that `split.csv` lists and that are no image here."""
        return sorted({row["file"] for row in self.rows or ()} - {image.as_posix() for image in self.images})


def read_class_folders(folder: Path) -> ClassFolders:
    """Look what there is; no image is opened.

    A class folder is one that holds images itself; folders in it are left aside, and so are hidden files.

    Raises:
        DataError: If there is no class folder, one cannot be read, or `split.csv` lacks a column.
    """
    if not folder.is_dir():
        raise DataError(f"{folder}: no such folder; give one with class folders, {folder}/CLASS/NAME.jpg")
    try:
        files = tuple(_files(folder))
    except OSError as error:
        raise DataError(f"{error.filename}: cannot be read: {error.strerror}") from error
    found = ClassFolders(folder=folder, files=files, rows=_rows(folder / SPLIT))
    if not found.images:
        raise DataError(
            f"{folder}: holds no class folders; want {folder}/CLASS/NAME with {', '.join(SUFFIXES)}, "
            "so give the folder just above the classes"
        )
    return found


def with_made(rows: Sequence[Mapping[str, str]], made: Mapping[Path, Sequence[Path]]) -> str:
    """Return a `split.csv` where what was made of an image is listed after all rows as that image is.

    Args:
        rows: Those of the images.
        made: Files by the image they were made of, relative to the folder.
    """
    more = [{**row, "file": file.as_posix()} for row in rows for file in made.get(Path(row["file"]), ())]
    text = StringIO()
    writer = csv.DictWriter(text, list(rows[0]) if rows else ["file", "split"], lineterminator="\n")
    writer.writeheader()
    writer.writerows([*rows, *more])
    return text.getvalue()


def _files(folder: Path) -> list[Path]:
    classes = (_visible(inner) for inner in _visible(folder) if inner.is_dir())
    inside = ([path for path in paths if path.is_file()] for paths in classes)
    return [path.relative_to(folder) for paths in inside if any(map(_is_image, paths)) for path in paths]


def _visible(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if not path.name.startswith("."))


def _is_image(path: Path) -> bool:
    return path.suffix.lower() in SUFFIXES


def _rows(path: Path) -> tuple[Mapping[str, str], ...] | None:
    if not path.is_file():
        return None
    rows = tuple(read_table(path, "file", "split", way_out="want file,split and perhaps more"))
    for file, count in Counter(Path(row["file"]) for row in rows).items():
        if count > 1:
            raise DataError(f"{path} lists {file} {count} times; want one line for each picture")
    return rows
