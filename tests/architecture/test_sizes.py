"""Files stay small, names stay honest, and nothing points at one person's disk."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SRC = ROOT / "src" / "earthloom"
MODULES = sorted(SRC.rglob("*.py"))
LONGEST_FILE = 260
GRAB_BAGS = {"utils", "util", "helpers", "common", "misc", "tools"}


def test_no_file_is_too_long_to_read() -> None:
    lengths = {str(path.relative_to(SRC)): len(path.read_text().splitlines()) for path in MODULES}
    assert not {name: length for name, length in lengths.items() if length > LONGEST_FILE}


def test_no_module_is_a_grab_bag() -> None:
    assert not [path for path in MODULES if GRAB_BAGS & {part.strip("_") for part in (path.stem, path.parent.name)}]


def test_package_files_stay_tiny() -> None:
    assert not [path for path in MODULES if path.name == "__init__.py" and len(path.read_text().splitlines()) > 30]


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="only a checkout knows what is tracked")
def test_no_tracked_file_names_a_path_of_one_machine() -> None:
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True)
    own_path = re.compile(r"(?<![\w.:/])/(?:work|home|root|Users|opt)/\w")
    found = [
        f"{name}:{number}: {line.strip()[:100]}"
        for name in filter(None, tracked.stdout.split("\0"))
        for number, line in enumerate(_lines(ROOT / name), start=1)
        if own_path.search(line)
    ]
    assert not found


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8").splitlines()
    except (UnicodeDecodeError, FileNotFoundError):
        return []
