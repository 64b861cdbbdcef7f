"""MySQL's binary cells to wire types, and values to parameters; what cannot be said stays text.

A column keeps its type only if every one of its cells can be said in that type. One zero date
makes the whole column text, as the server prints it: never a crash, never a wrong value.

Sources: MariaDB knowledge base, "Result Set Packets" and "COM_STMT_EXECUTE"; MySQL source
documentation, "Binary Protocol Resultset".
"""

import base64
import json
import math
import re
import struct
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from interlock_gateway.adapters.targets.mysqlpacket import Field, Packet
from interlock_gateway.core.model import Column

Cell = int | float | str | bytes | None
Decoder = Callable[[Packet], Cell]

(DECIMAL, TINY, SHORT, LONG, FLOAT, DOUBLE, NULL, TIMESTAMP) = range(8)
(LONGLONG, INT24, DATE, TIME, DATETIME, YEAR, NEWDATE, VARCHAR, BIT) = range(8, 17)
JSON, NEWDECIMAL, BLOB, VAR_STRING, STRING, GEOMETRY = 245, 246, 252, 253, 254, 255
_UNSIGNED = 32
_BINARY = 63  # the number of the collation that means bytes, not text


class _NotSayableError(ValueError):
    """This cell cannot be said in its column's wire type."""


# --- cells as they travel ---------------------------------------------------------------------


def decoder(field: Field) -> Decoder:
    """Return what reads one non-null cell of this column from a binary row.

    Dates and times come back as the text that the server would print.
    """
    kind = field.type
    if kind in _INTEGERS:
        width, signed = _INTEGERS[kind], not field.flags & _UNSIGNED
        return lambda packet: packet.integer(width, signed=signed)
    if kind == FLOAT:
        return lambda packet: _shortest(packet.take(4))
    if kind == DOUBLE:
        return lambda packet: float(struct.unpack("<d", packet.take(8))[0])
    if kind in (TIMESTAMP, DATE, DATETIME, NEWDATE):
        return lambda packet: _printed_moment(packet.take(packet.integer(1)), field)
    if kind == TIME:
        return lambda packet: _printed_time(packet.take(packet.integer(1)), field.decimals)
    return Packet.string


_INTEGERS = {TINY: 1, SHORT: 2, YEAR: 2, INT24: 4, LONG: 4, LONGLONG: 8}


def row(packet: Packet, decoders: Sequence[Decoder]) -> tuple[Cell, ...]:
    """Read a binary row: a zero byte, one bit for each null (from the third on), the cells."""
    packet.integer(1)
    nulls = packet.integer((len(decoders) + 9) // 8)
    return tuple(
        None if nulls >> (place + 2) & 1 else decode(packet)
        for place, decode in enumerate(decoders)
    )


def _shortest(four: bytes) -> float:
    """Return the shortest decimal that is this 32-bit number, as a person wrote it: 0.1."""
    exact = float(struct.unpack("<f", four)[0])
    if not math.isfinite(exact):
        return exact
    for digits in range(6, 9):
        short = float(f"{exact:.{digits}g}")
        if abs(short) <= _LARGEST_FLOAT and struct.pack("<f", short) == four:
            return short
    return float(f"{exact:.9g}")


_LARGEST_FLOAT = 3.4028234663852886e38


def _printed_moment(data: bytes, field: Field) -> str:
    packet = Packet(data.ljust(11, b"\0"))  # trailing zeros are not sent
    day = f"{packet.integer(2):04}-{packet.integer(1):02}-{packet.integer(1):02}"
    if field.type in (DATE, NEWDATE):
        return day
    clock = f"{packet.integer(1):02}:{packet.integer(1):02}:{packet.integer(1):02}"
    return f"{day} {clock}{_fraction(packet.integer(4), field.decimals)}"


def _printed_time(data: bytes, decimals: int) -> str:
    packet = Packet(data.ljust(12, b"\0"))
    sign = "-" if packet.integer(1) else ""
    days, hours = packet.integer(4), packet.integer(1)
    clock = f"{packet.integer(1):02}:{packet.integer(1):02}"
    return f"{sign}{days * 24 + hours:02}:{clock}{_fraction(packet.integer(4), decimals)}"


def _fraction(microseconds: int, decimals: int) -> str:
    """Return the digits of the second that the column shows, all of them where it has no fixed."""
    digits = f"{microseconds:06}"
    shown = digits[:decimals] if decimals <= len(digits) else digits.rstrip("0")
    return f".{shown}" if shown else ""


# --- columns ----------------------------------------------------------------------------------


def table(
    fields: Sequence[Field], rows: Sequence[Sequence[Cell]]
) -> tuple[list[Column], list[tuple[Any, ...]]]:
    """Return columns with wire types and the rows as JSON values.

    Args:
        fields: the columns; names may repeat.
        rows: cells as `row` read them; null is None.
    """
    kinds: list[str] = []
    columns: list[Sequence[Any]] = []
    for index, field in enumerate(fields):
        kind, cells = _column(field, [row[index] for row in rows])
        kinds.append(kind)
        columns.append(cells)
    heads = [
        Column(field.name, kind, field.origin) for field, kind in zip(fields, kinds, strict=True)
    ]
    return heads, list(zip(*columns, strict=True)) if columns else [() for _ in rows]


def _column(field: Field, cells: list[Cell]) -> tuple[str, Sequence[Any]]:
    kind, convert = _wire_type(field)
    try:
        return kind, [None if cell is None else convert(cell) for cell in cells]
    except (ValueError, RecursionError):
        return "text", [None if cell is None else _text(cell) for cell in cells]


def _wire_type(field: Field) -> tuple[str, Callable[[Any], Any]]:
    known = _TYPES.get(field.type)
    if known:
        return known
    return ("bytes", _bytes) if field.charset == _BINARY else ("text", _text)


def _text(cell: Cell) -> str:
    return str(cell, "utf-8", "backslashreplace") if isinstance(cell, bytes) else str(cell)


def _bytes(cell: bytes) -> str:
    return base64.b64encode(cell).decode()


def _number(cell: float) -> float | str:
    return cell if math.isfinite(cell) else repr(cell)


def _bits(cell: bytes) -> int:
    return int.from_bytes(cell, "big")


def _json(cell: bytes) -> Any:
    value = json.loads(cell)
    json.dumps(value, ensure_ascii=False, allow_nan=False).encode()  # lone surrogates
    return value


def _date(cell: str) -> str:
    return date.fromisoformat(cell).isoformat()


def _timestamp(cell: str) -> str:
    return datetime.fromisoformat(cell).isoformat()


def _instant(cell: str) -> str:
    """Return a TIMESTAMP, which is an instant, shown in UTC because the session's zone is."""
    return datetime.fromisoformat(cell).replace(tzinfo=UTC).isoformat()


_TIME = re.compile(r"(-?)(\d+):(\d\d):(\d\d)(?:\.(\d{1,6}))?")


def _span(cell: str) -> str:
    """Return whole microseconds: a TIME may be negative and longer than a day."""
    found = _TIME.fullmatch(cell)
    if not found:
        raise _NotSayableError(f"no time: {cell}")
    sign, hours, minutes, seconds, fraction = found.groups()
    length = timedelta(hours=int(hours), minutes=int(minutes), seconds=int(seconds))
    microseconds = length // timedelta(microseconds=1) + int((fraction or "").ljust(6, "0"))
    return f"{'-' if sign and microseconds else ''}{microseconds}us"


_TYPES: dict[int, tuple[str, Callable[[Any], Any]]] = {
    **dict.fromkeys(_INTEGERS, ("integer", int)),
    BIT: ("integer", _bits),
    **dict.fromkeys((FLOAT, DOUBLE), ("number", _number)),
    **dict.fromkeys((DECIMAL, NEWDECIMAL), ("numeric", _text)),
    **dict.fromkeys((DATE, NEWDATE), ("date", _date)),
    DATETIME: ("timestamp", _timestamp),
    TIMESTAMP: ("timestamptz", _instant),
    TIME: ("interval", _span),
    JSON: ("json", _json),
    GEOMETRY: ("bytes", _bytes),
    NULL: ("text", _text),
}


# --- parameters -------------------------------------------------------------------------------

Parameter = tuple[int, bytes]
"""A type, with bit 15 for unsigned, and the value as it travels."""

_LONGEST_TIME = timedelta(hours=838, minutes=59, seconds=59)


def parameter(value: Any) -> Parameter:  # noqa: C901, PLR0911  one line for each type that travels
    """Return `value` as the type a person would expect: a number a number, a moment a moment.

    A moment with a zone is sent in UTC, which is the session's zone; lists and objects as JSON
    text.

    Raises:
        ValueError: the engine has no such value.
    """
    match value:
        case None:
            return NULL, b""
        case bool() | int():
            return _integer(int(value))
        case float():
            return DOUBLE, _double(value)
        case Decimal():
            return NEWDECIMAL, _string(_decimal(value))
        case bytes():
            return BLOB, length(len(value)) + value
        case datetime():
            return DATETIME, _moment(value)
        case date():
            return DATE, bytes([4]) + _day(value)
        case time():
            return TIME, _clock(value)
        case timedelta():
            return TIME, _duration(value)
        case list() | dict():
            return VAR_STRING, _string(json.dumps(value, ensure_ascii=False))
        case _:  # str, UUID
            return VAR_STRING, _string(str(value))


def execution(statement: int, parameters: Sequence[Parameter]) -> bytes:
    """Return the body of COM_STMT_EXECUTE: no cursor, once, every type said anew."""
    head = struct.pack("<IBI", statement, 0, 1)
    if not parameters:
        return head
    nulls = sum(1 << place for place, (kind, _) in enumerate(parameters) if kind == NULL)
    types = b"".join(struct.pack("<H", kind) for kind, _ in parameters)
    values = b"".join(data for _, data in parameters)
    return head + nulls.to_bytes((len(parameters) + 7) // 8, "little") + b"\x01" + types + values


def length(size: int) -> bytes:
    """Return a length-encoded integer."""
    if size < 0xFB:  # noqa: PLR2004  the protocol's own numbers
        return bytes([size])
    for mark, width in ((0xFC, 2), (0xFD, 3)):
        if size < 1 << 8 * width:
            return bytes([mark]) + size.to_bytes(width, "little")
    return b"\xfe" + size.to_bytes(8, "little")


def _string(text: str) -> bytes:
    data = text.encode()
    return length(len(data)) + data


def _integer(value: int) -> Parameter:
    if -(2**63) <= value < 2**63:
        return LONGLONG, value.to_bytes(8, "little", signed=True)
    if 0 <= value < 2**64:
        return LONGLONG | 0x8000, value.to_bytes(8, "little")
    return NEWDECIMAL, _string(str(value))


def _double(value: float) -> bytes:
    if not math.isfinite(value):
        raise ValueError(f"{value!r} is no number here")
    return struct.pack("<d", value)


def _decimal(value: Decimal) -> str:
    if not value.is_finite():
        raise ValueError(f"{value} is no number here")
    return f"{value:f}"


def _day(value: date) -> bytes:
    return struct.pack("<HBB", value.year, value.month, value.day)


def _moment(value: datetime) -> bytes:
    at = value.astimezone(UTC) if value.tzinfo else value
    clock = struct.pack("<BBBI", at.hour, at.minute, at.second, at.microsecond)
    return bytes([11]) + _day(at) + clock


def _clock(value: time) -> bytes:
    if value.tzinfo:
        raise ValueError("a time of day has no zone here")
    return _duration(
        timedelta(
            hours=value.hour,
            minutes=value.minute,
            seconds=value.second,
            microseconds=value.microsecond,
        )
    )


def _duration(value: timedelta) -> bytes:
    if abs(value) > _LONGEST_TIME:
        raise ValueError(f"{value} is longer than 838:59:59")
    size = abs(value)
    minutes, seconds = divmod(size.seconds, 60)
    clock = (minutes // 60, minutes % 60, seconds, size.microseconds)
    return bytes([12]) + struct.pack("<BIBBBI", value < timedelta(), size.days, *clock)
