"""How an answer is read: which status is good, where its rows are, and what their columns are.

Pointers are JSON pointers (RFC 6901): `""` is the whole, `/status/history` a member of a member,
`/0` the first of a list. What is not there is null in a column and fails a condition; what is
there with another type than declared is an error, since nobody knows what it means.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from interlock_gateway.core.exchange.errors import ExchangeError
from interlock_gateway.core.exchange.slots import filled

TYPES = ("text", "integer", "number", "boolean", "json")
"""The types of columns, as `interlock.wire` has them."""

TESTS = ("is", "in", "not", "above", "same_as")
"""`is` this value, `in` these, `not` this one, `above` this number, `same_as` another pointer."""

ETAG = "etag"
"""Written in place of a pointer: the answer's ETag field, by which a change can be conditional."""

_ABSENT = object()


@dataclass(frozen=True, slots=True)
class Condition:
    """What must hold of a row for it to count.

    Attributes:
        at: a pointer inside the row.
        test: one of `TESTS`.
        value: what it is compared with; for `same_as` a pointer, else JSON with places.
    """

    at: str
    test: str
    value: Any


@dataclass(frozen=True, slots=True)
class Shown:
    """One column: its name, its type and the pointer inside the row."""

    name: str
    type: str
    at: str


@dataclass(frozen=True, slots=True)
class Selection:
    """How one answer is read.

    Attributes:
        status: the statuses of a good answer.
        changed: statuses that say: it is no longer as it was when it was looked at.
        rows: a pointer to the list of rows; None where the answer itself is the one row.
        where: conditions that a row must meet.
        columns: what is taken from it; with none, nothing of the answer is read.
    """

    status: tuple[int, ...] = (200,)
    changed: tuple[int, ...] = ()
    rows: str | None = None
    where: tuple[Condition, ...] = ()
    columns: tuple[Shown, ...] = ()

    def filled(self, values: Mapping[str, Any]) -> "Selection":
        """Return it with every place in its conditions filled."""
        where = tuple(replace(one, value=filled(one.value, values)) for one in self.where)
        return replace(self, where=where)


def selected(
    selection: Selection, document: Any, *, etag: str = ""
) -> tuple[tuple[Any, ...], ...]:
    """Return the rows of an answer: one cell for each column.

    Args:
        selection: with every place filled.
        document: the answer, read as JSON.
        etag: of the answer's head.

    Raises:
        ExchangeError: there is no list where the rows should be, or a cell of another type.
    """
    kept = [row for row in _rows(selection, document) if _counts(selection, row)]
    cells = tuple(tuple(_cells(selection, row, etag)) for row in kept)
    if selection.rows is None and cells and all(cell is None for cell in cells[0]):
        raise ExchangeError("nothing of what is looked for is in it")
    return cells


def pointed(document: Any, pointer: str) -> Any:
    """Return what a JSON pointer points at; None where nothing is."""
    found = _at(document, pointer)
    return None if found is _ABSENT else found


def wrong_pointer(pointer: str) -> str:
    """Return why this is no JSON pointer; "" for one that is."""
    if pointer and not pointer.startswith("/"):
        return "it begins with a slash"
    rest = pointer.replace("~0", "").replace("~1", "")
    return "a tilde is written ~0, and a slash inside a name ~1" if "~" in rest else ""


def _rows(selection: Selection, document: Any) -> list[Any]:
    if selection.rows is None:
        if not isinstance(document, dict):
            raise ExchangeError("it is no object")
        return [document]
    found = _at(document, selection.rows)
    if not isinstance(found, list):
        raise ExchangeError(f"there is no list at {selection.rows or 'the top'!r}")
    return found


def _counts(selection: Selection, row: Any) -> bool:
    return all(_holds(one, row) for one in selection.where)


def _holds(condition: Condition, row: Any) -> bool:
    found, value = _at(row, condition.at), condition.value
    match condition.test:
        case "is":
            return _same(found, value)
        case "in":
            return any(_same(found, one) for one in value)
        case "not":
            return not _same(found, value)
        case "above":
            return _is_number(found) and _is_number(value) and found > value
        case "same_as":
            return found is not _ABSENT and _same(found, _at(row, value))
    raise ExchangeError(f"{condition.test!r} is no test of a condition")


def _same(found: Any, value: Any) -> bool:
    """Compare as JSON does: true is not 1, and a text is never a number."""
    if isinstance(found, bool) or isinstance(value, bool):
        return found is value
    if _is_number(found) and _is_number(value):
        return bool(found == value)
    return type(found) is type(value) and bool(found == value)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _cells(selection: Selection, row: Any, etag: str) -> Iterator[Any]:
    for column in selection.columns:
        found = (etag or _ABSENT) if column.at == ETAG else _at(row, column.at)
        yield None if found is _ABSENT or found is None else _typed(column, found)


def _typed(column: Shown, value: Any) -> Any:
    _must_be_writable(column, value)
    good = {
        "json": True,
        "text": isinstance(value, str),
        "integer": isinstance(value, int) and not isinstance(value, bool),
        "number": _is_number(value),
        "boolean": isinstance(value, bool),
    }[column.type]
    if not good:
        raise ExchangeError(
            f"{column.name} ({column.at}) is {type(value).__name__} and not {column.type}"
        )
    return value


def _must_be_writable(column: Shown, value: Any) -> None:
    """Refuse what could not be written down: half a character, a number beyond all numbers."""
    try:
        json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, RecursionError):
        message = f"{column.name} ({column.at}) holds what cannot be written down"
        raise ExchangeError(message) from None


def _at(document: Any, pointer: str) -> Any:
    found = document
    for part in pointer.split("/")[1:]:
        name = part.replace("~1", "/").replace("~0", "~")
        if isinstance(found, dict):
            found = found.get(name, _ABSENT)
        elif isinstance(found, list) and name.isascii() and name.isdigit():
            found = found[int(name)] if int(name) < len(found) else _ABSENT
        else:
            return _ABSENT
    return found
