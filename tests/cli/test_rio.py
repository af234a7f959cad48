import json
import subprocess
import sys
from pathlib import Path

from earthloom import __version__


def rio(*words: object) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).parent / "rio"), "earthloom", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_rio_knows_every_verb(image: Path) -> None:
    assert rio("--version").stdout.strip() == __version__
    assert json.loads(rio("info", image, "--json").stdout)["width"] == 700


def test_errors_are_one_line_and_a_code(tmp_path: Path) -> None:
    refused = rio("info", tmp_path / "none.tif")
    assert refused.returncode == 1
    assert refused.stderr.startswith("earthloom: ")
    assert "none.tif" in refused.stderr
