"""Values of SQLite: typed parameters in, capped rows out."""

import base64
import json
import math
import sqlite3
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from interlock_gateway.adapters.targets import values
from interlock_gateway.adapters.targets.sqlite_watch import Watch
from interlock_gateway.core.model import Column, Rows, Statement

_EXACT_FLOAT = 2**53


def parameters(statement: Statement, given: values.Typed) -> list[Any]:
    """Return the values of the statement's placeholders, as SQLite stores such things.

    Raises:
        TargetError: a value is missing, superfluous or not of its type.
    """
    return [_parameter(value) for value in values.given(statement, given)]


def rows(cursor: sqlite3.Cursor, watch: Watch, *, stop: bool = True) -> Rows:
    """Fetch up to the limits of `watch`; without `stop` take the rest too, so that all happens."""
    limits = watch.limits
    kept: list[tuple[Any, ...]] = []
    size, cut = 0, ""
    for row in cursor:
        size += sum(len(cell) if isinstance(cell, str | bytes) else 8 for cell in row)
        if not cut and len(kept) == limits.rows:
            cut = values.rows_limit(limits)
        elif not cut and size > limits.bytes:
            cut = values.bytes_limit(limits)
        if cut and stop:
            break
        if not cut:
            kept.append(row)
    columns, cells = table([entry[0] for entry in cursor.description or ()], kept)
    return replace(
        values.capped(columns, cells, limits, cut=cut), elapsed_ms=round(watch.elapsed * 1000, 3)
    )


def table(
    names: list[str], found: list[tuple[Any, ...]]
) -> tuple[list[Column], list[tuple[Any, ...]]]:
    """Type each column by the values in it: SQLite columns have no type of their own."""
    kinds: list[str] = []
    columns: list[Sequence[Any]] = []
    for index in range(len(names)):
        kind, cells = _column([row[index] for row in found])
        kinds.append(kind)
        columns.append(cells)
    heads = [Column(name, kind) for name, kind in zip(names, kinds, strict=True)]
    return heads, list(zip(*columns, strict=True)) if columns else []


def _column(cells: list[Any]) -> tuple[str, Sequence[Any]]:
    kinds = {type(cell) for cell in cells if cell is not None}
    if not kinds or kinds == {str}:
        return "text", cells
    if kinds == {int}:
        return "integer", cells
    if kinds == {bytes}:
        return "bytes", [None if c is None else base64.b64encode(c).decode() for c in cells]
    if kinds <= {int, float} and all(_exact(cell) for cell in cells):
        return "number", [None if c is None else _number(c) for c in cells]
    return "json", [_mixed(cell) for cell in cells]


def _exact(cell: Any) -> bool:
    return not isinstance(cell, int) or -_EXACT_FLOAT <= cell <= _EXACT_FLOAT


def _number(cell: float) -> float | str:
    return float(cell) if math.isfinite(cell) else repr(float(cell))


def _mixed(cell: Any) -> Any:
    match cell:
        case bytes():
            return f"x'{cell.hex()}'"
        case float():
            return _number(cell)
        case _:
            return cell


def text(data: bytes) -> str:
    """Return what is stored as text, whatever its bytes are: a connection's `text_factory`."""
    return data.decode("utf-8", "backslashreplace")


def _parameter(value: Any) -> Any:
    """Return `value` as SQLite stores such things: times as UTC text, intervals as seconds."""
    match value:
        case None | int() | float() | str() | bytes():
            return value
        case datetime():
            moment = value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo else value
            return moment.isoformat(sep=" ")
        case timedelta():
            return value.total_seconds()
        case list() | dict():
            return json.dumps(value, ensure_ascii=False)
        case _:  # date, time, Decimal, UUID
            return str(value)
