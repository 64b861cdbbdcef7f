"""PostgreSQL's text output to wire types and back; what Python cannot hold stays text.

A column keeps its type only if every one of its cells can be said in that type. One `infinity`
makes the whole column text, as the server prints it: never a crash, never a wrong value.
"""

import base64
import json
import math
import re
from collections.abc import Callable, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

from psycopg import postgres
from psycopg.types.json import Jsonb
from psycopg.types.numeric import Int4, Int8, IntNumeric

from interlock_gateway.core.model import Column

Cell = str | None
Converter = Callable[[str], Any]


class _NotSayableError(ValueError):
    """This cell cannot be said in its column's wire type."""


# --- parameters -------------------------------------------------------------------------------


def parameter(value: Any) -> Any:
    """Return `value` so that psycopg sends it as the type a person would expect.

    Integers are `integer` when they fit (functions such as `pg_terminate_backend` take nothing
    wider), lists are arrays; objects, and lists of them, are `jsonb`. Text is sent untyped: the
    server decides.
    """
    match value:
        case bool():
            return value
        case int():
            return _integer(value)
        case list() if any(isinstance(item, dict) for item in value):
            return Jsonb(value)
        case list():
            return [parameter(item) for item in value]
        case dict():
            return Jsonb(value)
        case _:
            return value


def _integer(value: int) -> int:
    if -(2**31) <= value < 2**31:
        return Int4(value)
    return Int8(value) if -(2**63) <= value < 2**63 else IntNumeric(value)


# --- results ----------------------------------------------------------------------------------


def table(
    names: Sequence[str], oids: Sequence[int], rows: Sequence[Sequence[Cell]]
) -> tuple[list[Column], list[tuple[Any, ...]]]:
    """Return columns with wire types and the rows as JSON values.

    Args:
        names: column names, which may repeat.
        oids: the columns' type OIDs.
        rows: cells as the server printed them under the pinned settings; null is None.
    """
    kinds: list[str] = []
    columns: list[Sequence[Any]] = []
    for index, oid in enumerate(oids):
        kind, cells = _column(oid, [row[index] for row in rows])
        kinds.append(kind)
        columns.append(cells)
    heads = [Column(name, kind) for name, kind in zip(names, kinds, strict=True)]
    return heads, list(zip(*columns, strict=True)) if columns else [() for _ in rows]


def _column(oid: int, cells: list[Cell]) -> tuple[str, Sequence[Any]]:
    kind, convert = _wire_type(oid)
    try:
        return kind, [None if cell is None else convert(cell) for cell in cells]
    except (ValueError, RecursionError):
        return "text", cells


def _wire_type(oid: int) -> tuple[str, Converter]:
    known = _TYPES.get(oid)
    if known:
        return known
    element = _ELEMENTS.get(oid)
    if element is None:
        return "text", str
    return "json", _array_converter(_TYPES.get(element, ("text", str))[1])


def _boolean(text: str) -> bool:
    return text == "t"


def _number(text: str) -> float | str:
    number = float(text)
    return number if math.isfinite(number) else repr(number)


def _bytes(text: str) -> str:
    if not text.startswith("\\x"):
        raise _NotSayableError("bytea_output is not hex")
    return base64.b64encode(bytes.fromhex(text[2:])).decode()


def _json(text: str) -> Any:
    value = json.loads(text)
    json.dumps(value, ensure_ascii=False, allow_nan=False).encode()  # 1e999, lone surrogates
    return value


def _timestamp(text: str) -> str:
    return datetime.fromisoformat(text).isoformat()


def _date(text: str) -> str:
    return date.fromisoformat(text).isoformat()


def _time(text: str) -> str:
    return time.fromisoformat(text).isoformat()


_INTERVAL = re.compile(
    r"(?:(?P<days>[+-]?\d+) days? ?)?"
    r"(?:(?P<sign>[+-])?(?P<h>\d+):(?P<m>\d\d):(?P<s>\d\d)(?:\.(?P<us>\d{1,6}))?)?"
)


def _interval(text: str) -> str:
    """Return whole microseconds; years and months have no length, so they are not sayable."""
    found = _INTERVAL.fullmatch(text)
    if not text or not found:
        raise _NotSayableError(f"an interval without a fixed length: {text}")
    clock = timedelta(
        hours=int(found["h"] or 0),
        minutes=int(found["m"] or 0),
        seconds=int(found["s"] or 0),
        microseconds=int((found["us"] or "").ljust(6, "0")),
    )
    days = int(found["days"] or 0) * 86_400_000_000
    return f"{days + (clock // timedelta(microseconds=1)) * (-1 if found['sign'] == '-' else 1)}us"


# --- arrays -----------------------------------------------------------------------------------

_ARRAY_TOKEN = re.compile(r'[{},]|"((?:[^"\\]|\\.)*)"|[^{},"]+', re.DOTALL)


def _array_converter(element: Converter) -> Converter:
    def convert(text: str) -> Any:
        return _array(text, element)

    return convert


def _array(text: str, element: Converter) -> list[Any]:
    """Return an array literal as nested lists (PostgreSQL manual, 8.15.6)."""
    if not text.startswith("{"):
        raise _NotSayableError("an array with bounds of its own, such as [0:1]={1,2}")
    outer: list[Any] = []
    open_lists: list[list[Any]] = [outer]
    for token in _ARRAY_TOKEN.finditer(text):
        match token.group():
            case "{":
                inner: list[Any] = []
                open_lists[-1].append(inner)
                open_lists.append(inner)
            case "}":
                open_lists.pop()
            case ",":
                pass
            case "NULL":
                open_lists[-1].append(None)
            case bare:
                open_lists[-1].append(element(_unquoted(token, bare)))
    if len(open_lists) != 1 or len(outer) != 1:
        raise _NotSayableError("an array literal that does not close")
    found: list[Any] = outer[0]
    return found


def _unquoted(token: "re.Match[str]", bare: str) -> str:
    quoted = token.group(1)
    return bare if quoted is None else re.sub(r"\\(.)", r"\1", quoted, flags=re.DOTALL)


# --- the table of types -----------------------------------------------------------------------

_BY_NAME: dict[str, tuple[str, Converter]] = {
    "bool": ("boolean", _boolean),
    **dict.fromkeys(("int2", "int4", "int8", "oid", "xid", "cid", "xid8"), ("integer", int)),
    **dict.fromkeys(("float4", "float8"), ("number", _number)),
    "numeric": ("numeric", str),
    "timestamptz": ("timestamptz", _timestamp),
    "timestamp": ("timestamp", _timestamp),
    "date": ("date", _date),
    **dict.fromkeys(("time", "timetz"), ("time", _time)),
    "interval": ("interval", _interval),
    "uuid": ("uuid", str),
    "bytea": ("bytes", _bytes),
    **dict.fromkeys(("json", "jsonb"), ("json", _json)),
}
_MORE_OIDS = {"xid": 28, "cid": 29, "xid8": 5069}  # not in psycopg's registry


def _types_by_oid() -> dict[int, tuple[str, Converter]]:
    found = {info.oid: _BY_NAME[info.name] for info in postgres.types if info.name in _BY_NAME}
    return {**found, **{oid: _BY_NAME[name] for name, oid in _MORE_OIDS.items()}}


_TYPES = _types_by_oid()
_ELEMENTS = {
    info.array_oid: info.oid for info in postgres.types if info.array_oid and info.delimiter == ","
}
