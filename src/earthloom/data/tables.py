"""Tables of comma-separated values, as people and spreadsheets write them."""

import csv
from pathlib import Path

from earthloom.errors import DataError


def read_table(path: Path, *columns: str, way_out: str) -> list[dict[str, str]]:
    """Return the lines of a table by the names in its first line; what a short line lacks is empty.

    Args:
        path: The table, UTF-8 with or without a byte order mark.
        columns: Those it has to have; it may have more.
        way_out: What to do if it lacks one.

    Raises:
        DataError: If it is no such table.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file, restval="")
            found, rows = reader.fieldnames or (), list(reader)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path} is no table of comma-separated values in UTF-8: {error}") from error
    if missing := sorted(set(columns) - set(found)):
        raise DataError(f"{path} lacks the columns {', '.join(missing)}; {way_out}")
    if any(None in row for row in rows):
        raise DataError(f"{path} has a line with more values than columns; put quotes around values with a comma")
    return rows
