"""DuckDB's values as wire values, by the type that DuckDB gives a column.

DuckDB's Python client decides what arrives here: nanoseconds are cut to microseconds, a month in
an interval arrives as 30 days, `infinity` as the last moment of the year 9999, and a date beyond
Python's as text. A column with such a text in it is text as a whole.
Source: https://duckdb.org/docs/stable/clients/python/conversion.
"""

import base64
import json
import math
from collections.abc import Callable, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from interlock_gateway.core.model import Column

_INTEGERS = "tinyint smallint integer bigint hugeint utinyint usmallint uinteger ubigint uhugeint"
_KINDS = {
    **dict.fromkeys(_INTEGERS.split(), "integer"),
    **dict.fromkeys(("float", "double"), "number"),
    **dict.fromkeys(("decimal", "bignum"), "numeric"),
    **dict.fromkeys(("varchar", "char", "enum", "bit", "null", "time with time zone"), "text"),
    **dict.fromkeys(("blob", "geometry"), "bytes"),
    **dict.fromkeys(("timestamp", "timestamp_s", "timestamp_ms", "timestamp_ns"), "timestamp"),
    **dict.fromkeys(("timestamp with time zone", "timestamptz_ns"), "timestamptz"),
    **dict.fromkeys(("time", "time_ns"), "time"),
    "boolean": "boolean",
    "date": "date",
    "interval": "interval",
    "uuid": "uuid",
}
_MAY_BE_TEXT = frozenset({"timestamp", "timestamptz", "date", "time", "interval", "uuid"})


def table(
    description: Sequence[tuple[Any, ...]], rows: Sequence[tuple[Any, ...]]
) -> tuple[list[Column], list[tuple[Any, ...]]]:
    """Return the columns with their wire types, and the rows as JSON values of these types.

    Args:
        description: the cursor's, with DuckDB's types.
        rows: cells as DuckDB's client made them.
    """
    heads: list[Column] = []
    columns: list[Sequence[Any]] = []
    for index, (name, type_, *_) in enumerate(description):
        kind, cells = _column(type_, [row[index] for row in rows])
        heads.append(Column(name, kind))
        columns.append(cells)
    return heads, list(zip(*columns, strict=True)) if columns else []


def _column(type_: Any, cells: list[Any]) -> tuple[str, Sequence[Any]]:
    kind = _KINDS.get(type_.id, "json")
    if str(type_) == "JSON":
        return "json", [None if cell is None else _document(cell) for cell in cells]
    if kind in _MAY_BE_TEXT and any(isinstance(cell, str) for cell in cells):
        return "text", [None if cell is None else str(plain(cell)) for cell in cells]
    as_kind = _AS.get(kind, plain)
    return kind, [None if cell is None else as_kind(cell) for cell in cells]


def _document(text: str) -> Any:
    """Return the JSON value of `text`, or the text where Python's JSON knows no such value."""
    try:
        return json.loads(text, parse_constant=str)
    except (ValueError, RecursionError):
        return text


def _number(cell: float) -> float | str:
    return cell if math.isfinite(cell) else repr(cell)


def _bytes(cell: bytes) -> str:
    return base64.b64encode(cell).decode()


_AS: dict[str, Callable[[Any], Any]] = {"number": _number, "bytes": _bytes, "numeric": str}


def plain(cell: Any) -> Any:
    """Return a value inside a list, a struct or a map as JSON can say it."""
    match cell:
        case None | bool() | int() | str():
            return cell
        case float():
            return _number(cell)
        case list() | tuple():
            return [plain(one) for one in cell]
        case dict():
            return {str(plain(key)): plain(value) for key, value in cell.items()}
        case _:
            return _scalar(cell)


def _scalar(cell: Any) -> str:
    match cell:
        case datetime() | date() | time():
            return cell.isoformat()
        case timedelta():
            return f"{cell // timedelta(microseconds=1)}us"
        case bytes():
            return f"x'{cell.hex()}'"
        case Decimal() | UUID():
            return str(cell)
        case _:
            return repr(cell)


def size(cell: Any) -> int:
    """Return about how many bytes a value takes, for the byte limit while rows are fetched."""
    match cell:
        case str() | bytes():
            return len(cell)
        case list() | tuple():
            return sum(map(size, cell)) + 2
        case dict():
            return sum(size(key) + size(value) for key, value in cell.items()) + 2
        case _:
            return 8
