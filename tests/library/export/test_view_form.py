"""A view as text to edit: what is written reads back the same, and no line is guessed at."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some
from interlock.errors import UsageError
from interlock.export.entries import HIDEABLE
from interlock.export.view_form import HOW, Form, read, written

_LINE = some.text(some.characters(exclude_categories=["C", "Zl", "Zp"]), min_size=1, max_size=30)
_TEXT = some.lists(_LINE.filter(lambda line: bool(line.strip())), min_size=1, max_size=4)
_WORDS = _TEXT.map(lambda lines: "\n".join(line.rstrip() for line in lines))
_HEADINGS = _LINE.map(str.strip).filter(bool).map(lambda text: {"heading": text})


def test_a_view_is_read_line_by_line() -> None:
    text = """
version: 3
hide: runs, approvals
// a comment
## Detection
  The alert fired,
  nobody looked.

  Then somebody did.
- #12

//- #13
- #7
  ## no heading, but words
"""
    assert read(text) == Form(
        (
            {
                "heading": "Detection",
                "text": "The alert fired,\nnobody looked.\n\nThen somebody did.",
            },
            {"event": 12},
            {"event": 7, "text": "## no heading, but words"},
        ),
        ("runs", "approvals"),
        3,
    )


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("- #1\nwords at the edge", 2),
        ("  words below nothing\n- #1", 1),
        ("- 1", 1),
        ("- #0", 1),
        ("- #1 and more", 1),
        ("##Heading", 1),
        ("- #1\n- #2\n- #1", 3),
        ("hide: refusals\n- #1", 1),
        ("- #1\nhide: runs", 2),
        ("- #1\nversion: 2", 2),
        ("version: 1\nversion: 2\n- #1", 2),
        ("version: soon\n- #1", 1),
        ("* #1", 1),
        ("- #1\x85words", 2),
        ("- #1\u2028words", 2),
    ],
)
def test_a_line_that_is_nothing_clear_is_refused_by_its_number(text: str, line: int) -> None:
    with pytest.raises(UsageError, match=rf"\Aline {line}: "):
        read(text)


@pytest.mark.parametrize("text", ["", "\n\n", "// - #1\n", HOW, "version: 1\nhide: runs\n"])
def test_a_view_of_nothing_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="no heading and no event"):
        read(text)


@given(
    some.lists(some.integers(1, 10**9), unique=True, max_size=5),
    some.lists(_HEADINGS, max_size=3),
    some.lists(some.none() | _WORDS, min_size=8, max_size=8),
    some.lists(some.sampled_from(HIDEABLE), unique=True),
    some.integers(0, 10**6),
)
def test_what_is_written_reads_back_the_same(
    events: list[int],
    headings: list[dict[str, str]],
    texts: list[str | None],
    hide: list[str],
    base: int,
) -> None:
    items: list[dict[str, Any]] = [*headings, *({"event": event} for event in events)]
    told = [
        {**item, "text": text} if text else item for item, text in zip(items, texts, strict=False)
    ]
    form = Form(tuple(told), tuple(hide), base)
    if told:
        assert read("\n".join(written(form))) == form
        assert read(HOW + "\r\n".join(written(form))) == form
