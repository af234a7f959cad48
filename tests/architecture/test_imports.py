"""The floors hold, and what is imported is declared."""

import ast
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SRC = ROOT / "src" / "earthloom"


def test_rooms_import_only_from_floors_below() -> None:
    # in a process of its own: the linter's set-up of logging silences every logger that is there before it
    linter = Path(sys.executable).with_name("lint-imports")
    linted = subprocess.run([linter, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert linted.returncode == 0, linted.stdout


def test_every_import_is_a_declared_dependency() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"].values()
    wanted = [*project["dependencies"], *(requirement for extra in extras for requirement in extra)]
    declared = {_normal(requirement.split(">=")[0]) for requirement in wanted}
    providers = packages_distributions()
    stray = {
        f"{path.relative_to(SRC)}: {name}"
        for path in SRC.rglob("*.py")
        for name in _imported(path) - sys.stdlib_module_names - {"earthloom"}
        if not declared & {_normal(distribution) for distribution in providers.get(name, [name])}
    }
    assert not stray


def _imported(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.split(".")[0])
    return found


def _normal(name: str) -> str:
    return name.lower().replace("_", "-")
