"""Build the documentation site into `site/`: fill the tables of options, check the menu, run zensical.

A page asks for a table by its two marks, `<!-- options: data build -->` and `<!-- end -->`. The tables are committed,
so that the pages read on any code host; a test fails when they are older than the command line.
"""

import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from earthloom.cli.main import app

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
MARKED = re.compile(r"(<!-- options: (.+?) -->\n).*?(<!-- end -->)", flags=re.DOTALL)


def main() -> None:
    """Fill, check, build."""
    for page in sorted(DOCS.glob("verbs/*.md")):
        text = page.read_text(encoding="utf-8")
        if filled(text) != text:
            page.write_text(filled(text), encoding="utf-8")
    if wrong := pages() ^ in_menu():
        sys.exit(f"docs/ and the nav of zensical.toml differ: {', '.join(sorted(wrong))}")
    zensical = Path(sys.executable).with_name("zensical")
    sys.exit(subprocess.run([zensical, "build", "--clean", "--strict"], cwd=ROOT).returncode)


def filled(text: str) -> str:
    """Return a page with its tables of options as the command line has them now."""
    found = commands()
    return MARKED.sub(lambda mark: f"{mark[1]}\n{_table(found[mark[2]])}\n{mark[3]}", text)


def commands() -> dict[str, Any]:
    """Return every verb (`map`, `models list`) with its command."""
    return dict(_walk(typer.main.get_command(app), ""))


def pages() -> set[str]:
    """Return the pages there are, relative to docs/."""
    return {page.relative_to(DOCS).as_posix() for page in DOCS.rglob("*.md")}


def in_menu() -> set[str]:
    """Return the pages that the site's menu names; zensical itself lets a missing one pass."""
    return set(_leaves(tomllib.loads((ROOT / "zensical.toml").read_text())["project"]["nav"]))


def _leaves(entry: Any) -> Iterator[str]:
    if isinstance(entry, str):
        yield entry
        return
    for inner in entry.values() if isinstance(entry, dict) else entry:
        yield from _leaves(inner)


def _walk(command: Any, name: str) -> Iterator[tuple[str, Any]]:
    inner = getattr(command, "commands", None)
    if inner is None:
        yield name, command
        return
    for key, child in inner.items():
        yield from _walk(child, f"{name} {key}".strip())


def _table(command: Any) -> str:
    rows = [f"| {_spelled(each)} | {_default(each)} | {_plain(each.help)} |" for each in command.params]
    return "\n".join(["| word or option | default | what |", "|---|---|---|", *rows]) + "\n"


def _spelled(parameter: Any) -> str:
    """Return `IMAGE` for a word, `--resume` or `--x, --no-x` for a flag, `--data DATA ...` for what may be repeated."""
    several = " ..." if parameter.multiple or parameter.nargs == -1 else ""
    if not parameter.opts[0].startswith("-"):
        return f"`{parameter.name.upper()}{several}`"
    value = "" if parameter.is_flag else f" {parameter.name.upper()}{several}"
    return f"`{', '.join([*sorted(parameter.opts, key=len), *parameter.secondary_opts])}{value}`"


def _default(parameter: Any) -> str:
    if parameter.required:
        return "required"
    if parameter.secondary_opts:
        return f"`{(parameter.opts if parameter.default else parameter.secondary_opts)[0]}`"
    return "" if parameter.default in (None, False) else f"`{parameter.default}`"


def _plain(text: str) -> str:
    return text.replace("|", r"\|")


if __name__ == "__main__":
    main()
