"""The words of docs/glossary.md: its banned synonyms occur nowhere in the package or in the docs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
GLOSSARY = ROOT / "docs" / "glossary.md"
FILES = [
    *sorted((ROOT / "amalthea").rglob("*.py")),
    *sorted((ROOT / "amalthea").rglob("*.md")),
    *sorted(path for path in (ROOT / "docs").glob("*.md") if path != GLOSSARY),
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
]


def rows() -> list[list[str]]:
    """The cells of each word: the word, its meaning, its banned synonyms."""
    lines = GLOSSARY.read_text("utf-8").splitlines()
    table = [line for line in lines if line.startswith("| ")][1:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table]


def banned() -> dict[str, str]:
    """Each banned synonym, and the word to use."""
    return {entry: word for word, _, cell in rows() for entry in re.findall(r"`([^`]+)`", cell)}


def pattern(entries: list[str]) -> re.Pattern[str]:
    """Matches the entries as whole words; the words of a phrase may stand on two lines of a comment or paragraph.

    Entries with a capital letter or an underscore are identifiers, and match exactly.
    """
    texts = [r"(?:\s|#|>)+".join(map(re.escape, entry.split())) for entry in entries]
    exact = [t for t, e in zip(texts, entries) if re.search("[A-Z_]", e)]
    loose = [f"(?i:{t})" for t, e in zip(texts, entries) if not re.search("[A-Z_]", e)]
    return re.compile(rf"(?<!\w)(?:{'|'.join([*exact, *loose])})(?!\w)")


def found_in(text: str) -> list[str]:
    """The banned synonyms in a text, each with its line and the word to use."""
    words = {" ".join(entry.split()).lower(): word for entry, word in banned().items()}
    matches = pattern([*banned()]).finditer(text)
    lines = [(text.count("\n", 0, m.start()) + 1, re.sub(r"[\s#>]+", " ", m[0])) for m in matches]
    return [f"line {number}: {synonym!r}, the word is {words[synonym.lower()]!r}" for number, synonym in lines]


def test_every_row_has_a_word_and_a_meaning():
    assert len(rows()) > 40
    assert all(len(cells) == 3 and cells[0] and cells[1] for cells in rows())


def test_a_word_stands_once_and_is_not_banned():
    words = [word for word, *_ in rows()]
    assert len(words) == len(set(words)) and not {*words} & banned().keys()


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_banned_synonym_occurs(path):
    assert found_in(path.read_text("utf-8")) == []


@pytest.mark.parametrize("entry", banned())
def test_a_banned_synonym_is_noticed(entry):
    """In code, in a comment over two lines, at the end of a sentence; not inside a longer word."""
    broken = entry.replace(" ", "\n    # ")
    for text in (f"x = {entry}(1)", f"# a {broken} of a graph", f'"""The {entry}."""'):
        assert len(found_in(text)) == 1, text
    assert not found_in(f"x = not{entry}s_")
