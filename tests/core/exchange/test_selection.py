"""How an answer is read: what counts as a row, and what is no answer at all."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from interlock_gateway.core.exchange import (
    Condition,
    ExchangeError,
    Selection,
    Shown,
    selected,
)
from interlock_gateway.core.exchange.selection import pointed, wrong_pointer

DOCUMENT: dict[str, Any] = {
    "items": [{"n": 1, "name": "a", "on": True}, {"n": 2, "name": "b"}, {"n": 2.0, "on": 1}],
    "a/b": {"~": 5},
    "": 7,
}


def rows(test: str, value: Any, at: str = "/n") -> list[Any]:
    where = (Condition(at, test, value),)
    selection = Selection(rows="/items", where=where, columns=(Shown("n", "number", "/n"),))
    return [row[0] for row in selected(selection, DOCUMENT)]


@pytest.mark.parametrize(
    ("test", "value", "at", "found"),
    [
        ("is", 2, "/n", [2, 2.0]),
        ("is", "2", "/n", []),
        ("is", True, "/n", []),
        ("is", 1, "/on", [2.0]),
        ("is", True, "/on", [1]),
        ("in", ["a", "b"], "/name", [1, 2]),
        ("not", "a", "/name", [2, 2.0]),
        ("not", True, "/on", [2, 2.0]),
        ("above", 1, "/n", [2, 2.0]),
        ("above", 1, "/name", []),
        ("same_as", "/n", "/n", [1, 2, 2.0]),
        ("same_as", "/missing", "/missing", []),
        ("is", "a", "/name/0", []),
    ],
)
def test_a_row_counts_if_every_condition_holds(
    test: str, value: Any, at: str, found: list[Any]
) -> None:
    assert rows(test, value, at) == found


@pytest.mark.parametrize(
    ("pointer", "found"),
    [
        ("/a~1b/~0", 5),
        ("/", 7),
        ("/items/1/name", "b"),
        ("/items/9", None),
        ("/items/-1", None),
        ("/items/x", None),
    ],
)
def test_pointers_are_those_of_the_standard(pointer: str, found: Any) -> None:
    assert pointed(DOCUMENT, pointer) == found


@pytest.mark.parametrize("pointer", ["a", "/a~", "/a~2b"])
def test_another_writing_is_no_pointer(pointer: str) -> None:
    assert wrong_pointer(pointer)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("text", 1),
        ("integer", True),
        ("integer", 1.5),
        ("number", "1"),
        ("boolean", 1),
        ("text", []),
    ],
)
def test_a_cell_of_another_type_is_no_answer(kind: str, value: Any) -> None:
    selection = Selection(columns=(Shown("it", kind, "/it"),))
    with pytest.raises(ExchangeError, match="and not"):
        selected(selection, {"it": value})


@pytest.mark.parametrize("value", ["\ud800", float("inf"), float("nan"), {"a": ["\udfff"]}])
@pytest.mark.parametrize("kind", ["text", "number", "json"])
def test_what_could_not_be_written_down_is_no_answer(kind: str, value: Any) -> None:
    selection = Selection(columns=(Shown("it", kind, "/it"),))
    with pytest.raises(ExchangeError, match="cannot be written down"):
        selected(selection, {"it": value})


@pytest.mark.parametrize("document", [{}, [], None, "x", {"other": 1}, {"it": None}])
def test_a_document_that_says_nothing_of_it_is_no_answer(document: Any) -> None:
    with pytest.raises(ExchangeError):
        selected(Selection(columns=(Shown("it", "json", "/it"),)), document)


@pytest.mark.parametrize("document", [{}, {"items": {}}, {"items": None}, []])
def test_where_no_list_is_there_are_no_rows_to_count(document: Any) -> None:
    with pytest.raises(ExchangeError, match="no list"):
        selected(Selection(rows="/items", columns=(Shown("it", "json", ""),)), document)


def test_the_etag_is_a_column_like_any_other() -> None:
    columns = (Shown("etag", "text", "etag"), Shown("name", "text", "/name"))
    assert selected(Selection(columns=columns), {"name": "a"}, etag='"7"') == (('"7"', "a"),)


ANY = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=3)
    ),
)


@given(ANY, st.sampled_from(["", "/", "/0", "/a/b", "/~0/1"]))
def test_whatever_comes_is_rows_or_an_error(document: Any, pointer: str) -> None:
    where = (Condition(pointer, "is", 1), Condition("", "not", "x"))
    columns = (Shown("a", "text", pointer), Shown("b", "json", ""))
    for top in (None, pointer):
        try:
            found = selected(Selection(rows=top, where=where, columns=columns), document)
        except ExchangeError:
            continue
        assert all(len(row) == 2 for row in found)
