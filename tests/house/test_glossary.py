"""One word for one thing, wherever people read."""

import ast
import re
from collections.abc import Iterator

import pytest
from house.documents import ROOT, files, name, table
from interlock.errors import CODES

_ROWS = table((ROOT / "docs/glossary.md").read_text("utf-8"), "word")
_FOLDERS = ("library/interlock/cli", "gateway/interlock_gateway/web/templates")


def _read_by_people() -> Iterator[tuple[str, str]]:
    """Yield (place, text) of help texts, what the command line says, and the pages."""
    yield from ((f"CODES[{code!r}]", row.help) for code, row in CODES.items())
    for path in files(".html", ".py", below=_FOLDERS):
        if path.suffix == ".html":
            yield name(path), re.sub(r"<[^>]*>|\{[{%#].*?[}%#]\}", " ", path.read_text("utf-8"))
        elif path.is_relative_to(ROOT / "library/interlock/cli"):
            yield from ((name(path), text) for text in _texts(path.read_text("utf-8")))


def _texts(source: str) -> list[str]:
    """Return every text in a module: docstrings are help, other texts are said."""
    nodes = ast.walk(ast.parse(source))
    return [
        node.value
        for node in nodes
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]


def _found(words: str, text: str) -> bool:
    return re.search(rf"\b{re.escape(words)}s?\b", text, re.IGNORECASE) is not None


_OTHERS = [(row["word"], other) for row in _ROWS for other in row["not"].split(", ") if other]


@pytest.mark.parametrize(("word", "other"), _OTHERS)
def test_nobody_reads_another_word_for_it(word: str, other: str) -> None:
    places = [place for place, text in _read_by_people() if _found(other, text)]
    assert places == [], f"say {word}, not {other}"


def test_words_stand_in_order_each_once_with_a_sentence() -> None:
    words = [row["word"] for row in _ROWS]
    assert words == sorted(set(words))
    assert all(row["meaning"].endswith(".") for row in _ROWS)


@pytest.mark.parametrize("word", [row["word"] for row in _ROWS])
def test_every_word_is_used_somewhere(word: str) -> None:
    """A word nobody uses explains nothing. Other pages and the code count, this one does not."""
    texts = files(".py", ".md", ".html", ".toml", ".csv", below=("library", "gateway", "docs"))
    others = [path for path in texts if path.name != "glossary.md"]
    assert any(_found(word, path.read_text("utf-8")) for path in others)
