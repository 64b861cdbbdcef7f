"""Data inside Markdown, kept data: CommonMark, GitHub (GFM), Notion, Confluence.

Whatever could become a link, a mention, an image, HTML, an emoji, mathematics or an issue
number is put into a code span, where no renderer looks for any of them; other marks are escaped.
Sources: CommonMark 0.31.2 (sections 2.4, 6.1, 6.3), GFM 0.29 (tables, autolinks).
"""

import re
from collections.abc import Sequence
from functools import lru_cache

from interlock.export.text import block, line, trimmed

_RUNS = re.compile(r"`+")
_BLANK = re.compile(r"(\s+)")
_RISKY = re.compile(
    r"[`<$@]"  # code, HTML and autolinks, mathematics, mentions and mail addresses
    r"|&#?\w+;"  # entities
    r"|[#!]\d|\bGH-\d"  # issue and merge request numbers
    r"|\b(?=[\da-f]*[a-f])(?=[a-f]*\d)[\da-f]{7,40}\b"  # commits
    r"|[A-Za-z][A-Za-z0-9+.\-]*:\S"  # anything with a scheme, javascript: included
    r"|www\.|:[\w+\-]*[A-Za-z][\w+\-]*:|:[+\-]1:|:100:|:1234:"  # GFM autolinks; emoji names
    r"|\]\(|\[\[|\{[{%]",  # links, wiki links, template languages
    re.IGNORECASE,
)
_MARKS = re.compile(r"[\\*{}\[\]#|~]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])|!(?=\[)")
_OPENING = """([“"'"""
_CLOSING = """)].,;:!?”"'"""
_AT_START = re.compile(r"^([-+=>]|\d+(?=[.)]))")


def prose(text: str, limit: int = 4_000) -> str:
    """Return a sentence that may hold data, on one line, for a paragraph, heading or list."""
    words = _BLANK.split(line(text, limit))
    safe = "".join(_word(word, pipe="\\|") for word in words)
    return _AT_START.sub(_escape_start, safe)


def cell(text: str, limit: int = 4_000) -> str:
    """Return a sentence that may hold data, for a table cell."""
    # GFM and others disagree on a backslash before a pipe in a cell; nobody splits at &#124;.
    return "".join(_word(word, pipe="&#124;") for word in _BLANK.split(line(text, limit)))


def code(text: str, limit: int = 400) -> str:
    """Return `text` as a code span, for outside of tables."""
    return _span(line(text, limit))


def fence(text: str, info: str, limit: int) -> list[str]:
    """Return `text` as the lines of a fenced block that nothing in it can close."""
    body = block(trimmed(text), limit)
    marks = "`" * max(3, _longest_run(body) + 1)
    return [f"{marks}{info}", *body.split("\n"), marks]


def cited(events: Sequence[str]) -> str:
    """Return citations in a code span: GitHub would link a bare #12 to an issue."""
    return f"`{' '.join(f'[#{event}]' for event in events)}`" if events else ""


@lru_cache(8_192)  # the same words come again and again, in timelines above all
def _word(word: str, *, pipe: str) -> str:
    if word.isalpha() or word.isspace() or not word:
        return word  # nothing in it could be taken for anything
    if not _RISKY.search(word):
        return _escaped(word, pipe)
    before, core, after = _punctuated(word)
    spans = pipe.join(_span(piece) if piece else "" for piece in core.split("|"))
    return f"{_escaped(before, pipe)}{spans}{_escaped(after, pipe)}"


def _punctuated(word: str) -> tuple[str, str, str]:
    """Return the punctuation around a word apart from it, so that code spans end where it does."""
    start = len(word) - len(word.lstrip(_OPENING))
    end = len(word.rstrip(_CLOSING))
    return (word[:start], word[start:end], word[end:]) if start < end else ("", word, "")


def _escaped(word: str, pipe: str) -> str:
    return _MARKS.sub(lambda match: pipe if match[0] == "|" else "\\" + match[0], word)


def _span(text: str) -> str:
    marks = "`" * (_longest_run(text) + 1)
    space = " " if text[:1] in {"`", " "} or text[-1:] in {"`", " "} else ""
    return f"{marks}{space}{text}{space}{marks}" if text.strip() else ""


def _longest_run(text: str) -> int:
    return max((len(run) for run in _RUNS.findall(text)), default=0)


def _escape_start(match: re.Match[str]) -> str:
    found = match[1]
    return f"\\{found}" if not found[0].isdigit() else f"{found}\\"
