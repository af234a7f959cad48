"""The documentation is whole: a page a verb and a room, today's tables of options, and all of it in the menu."""

from pathlib import Path

import build_docs

ROOT = Path(__file__).resolve().parents[2]
VERBS = ROOT / "docs" / "verbs"


def test_every_verb_has_a_page_with_its_options(options_of_verbs: dict[str, set[str]]) -> None:
    text = {page.stem: page.read_text(encoding="utf-8") for page in VERBS.glob("*.md")}
    assert text.keys() == {name.split()[0] for name in options_of_verbs}
    assert not [name for name in options_of_verbs if f"<!-- options: {name} -->" not in text[name.split()[0]]]


def test_the_tables_of_options_are_those_of_the_command_line() -> None:
    old = [page.name for page in VERBS.glob("*.md") if build_docs.filled(text := page.read_text()) != text]
    assert not old, "`make docs` writes them anew"


def test_the_menu_names_every_page_and_no_other() -> None:
    assert build_docs.in_menu() == build_docs.pages()


def test_every_room_has_a_page_of_its_docstrings() -> None:
    rooms = {path.parent.name for path in (ROOT / "src" / "earthloom").glob("*/__init__.py")} - {"cli"}
    assert {path.stem for path in (ROOT / "docs" / "api").glob("*.md")} == rooms | {"index"}
