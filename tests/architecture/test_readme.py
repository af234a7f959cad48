"""Every command that README and the documentation show exists, with the options they show; and so do the files."""

import re
import shlex
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SRC = ROOT / "src" / "earthloom"
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def _commands(text: str) -> list[str]:
    blocks = re.findall(r"^```sh\n(.*?)^```", text, flags=re.DOTALL | re.MULTILINE)
    return [line for block in blocks for line in block.replace("\\\n", " ").splitlines() if line.strip()]


COMMANDS = _commands(README)
DOCUMENTED = [
    (page.relative_to(ROOT).as_posix(), command)
    for page in PAGES[1:]
    for command in _commands(page.read_text(encoding="utf-8"))
    if command.split()[0] in ("earthloom", "make", "torchrun")
]


def test_the_first_two_commands_are_demo_and_test() -> None:
    assert COMMANDS[:2] == ["make demo", "make test"]


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_of_the_readme_exists(command: str, options_of_verbs: dict[str, set[str]]) -> None:
    _require(command, options_of_verbs)


@pytest.mark.parametrize(("page", "command"), DOCUMENTED)
def test_a_command_of_the_documentation_exists(page: str, command: str, options_of_verbs: dict[str, set[str]]) -> None:
    _require(command, options_of_verbs)


def _require(command: str, options_of_verbs: dict[str, set[str]]) -> None:
    program, *words = shlex.split(re.sub(r"^torchrun .* -m ", "", command))
    assert program in {"make", "earthloom"}
    if program == "make":
        targets = re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE)
        assert set(words) <= set(targets)
        return
    verb = next((name for name in (" ".join(words[:2]), words[0]) if name in options_of_verbs), None)
    assert verb is not None
    assert {word for word in words if re.fullmatch(r"-{1,2}[a-z].*", word)} <= options_of_verbs[verb]


def test_every_verb_has_a_section(options_of_verbs: dict[str, set[str]]) -> None:
    assert set(re.findall(r"^### (\w+)$", README, flags=re.MULTILINE)) == {name.split()[0] for name in options_of_verbs}


def test_every_file_the_documents_name_exists() -> None:
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        links = [page.parent / link for link in re.findall(r"\]\(([^):#]+)(?:#[^)]*)?\)", text)]
        assert not [link for link in links if not link.exists()], page.name
        files = re.findall(r"`(\w+/[\w/]+\.py)`", text)
        assert not [name for name in files if not ((SRC / name).exists() or (ROOT / name).exists())], page.name


def test_every_function_the_papers_page_names_exists() -> None:
    page = (ROOT / "docs" / "papers.md").read_text(encoding="utf-8")
    rows = re.findall(r"`(\w+/[\w/]+\.py)`: ((?:`\w+`(?:, )?)+)", page)
    assert len(rows) > 15
    for name, words in rows:
        source = (SRC / name).read_text()
        for word in re.findall(r"\w+", words):
            assert re.search(rf"^(def|class) {word}\b", source, flags=re.MULTILINE), f"{name}: {word}"
