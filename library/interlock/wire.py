"""What the kernel, the runner and the gateway say to each other. Standard library only.

Three things live here: typed values (so that a timestamp stays a timestamp through JSON), frames
(so that JSON messages survive a stream socket) and digests (so that both ends name the same
request by the same word).
"""

import base64
import hashlib
import json
import math
import struct
from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

MAX_FRAME = 32 * 1024 * 1024
"""Bytes in one frame; a longer one is refused before it is read."""

_LENGTH = struct.Struct(">I")


class WireError(ValueError):
    """A message or value that does not follow the protocol."""


# --- frames -----------------------------------------------------------------------------------


def frame(message: Mapping[str, Any]) -> bytes:
    """Return `message` as one frame: four bytes of big-endian length, then UTF-8 JSON.

    Raises:
        WireError: the message is larger than `MAX_FRAME` or holds what JSON cannot say.
    """
    try:
        body = json.dumps(message, ensure_ascii=False, allow_nan=False).encode()
    except (TypeError, ValueError) as error:
        raise WireError(f"This message cannot be sent as JSON: {error}.") from error
    if len(body) > MAX_FRAME:
        raise WireError(f"A message of {len(body):,} bytes exceeds the limit of {MAX_FRAME:,}.")
    return _LENGTH.pack(len(body)) + body


def read_frame(receive: Callable[[int], bytes]) -> dict[str, Any] | None:
    """Read one frame through `receive(n)`, which returns exactly n bytes or fewer at the end.

    Returns:
        The message, or None when the peer closed between two frames.

    Raises:
        WireError: the frame is cut short, too long or not a JSON object.
    """
    head = receive(_LENGTH.size)
    if not head:
        return None
    size = frame_size(head)
    body = receive(size)
    if len(body) < size:
        raise WireError("The peer closed in the middle of a message.")
    return message_of(body)


def frame_size(head: bytes) -> int:
    """Return how many bytes follow the four-byte `head` of a frame."""
    if len(head) < _LENGTH.size:
        raise WireError("The peer closed in the middle of a message.")
    size: int = _LENGTH.unpack(head)[0]
    if size > MAX_FRAME:
        raise WireError(f"A message of {size:,} bytes exceeds the limit of {MAX_FRAME:,}.")
    return size


def message_of(body: bytes) -> dict[str, Any]:
    """Return the JSON object in `body`.

    Raises:
        WireError: not UTF-8, not JSON, or not an object.
    """
    try:
        message = json.loads(body, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise WireError(f"This message is not JSON: {error}.") from error
    if not isinstance(message, dict):
        raise WireError("A message must be a JSON object.")
    return message


def _no_number(word: str) -> float:
    raise ValueError(f"{word} is no JSON number")


# --- typed values -----------------------------------------------------------------------------

TYPES = (
    *("null", "boolean", "integer", "number", "numeric", "text"),
    *("timestamptz", "timestamp", "date", "time", "interval"),
    *("uuid", "bytes", "json"),
)
"""Every type a value on the wire can have."""


def encode_value(value: object) -> dict[str, Any]:
    """Return `value` as `{"type": …, "value": …}`, the form every parameter and argument has.

    Examples:
        >>> encode_value(5)
        {'type': 'integer', 'value': 5}
        >>> encode_value(Decimal("1.50"))
        {'type': 'numeric', 'value': '1.50'}

    Raises:
        WireError: the value has a type that no target understands.
    """
    for kind, name, encode in _ENCODERS:
        if isinstance(value, kind):
            return {"type": name if isinstance(name, str) else name(value), "value": encode(value)}
    raise WireError(
        f"A {type(value).__name__} cannot be a parameter. Use str, int, float, Decimal, bool, "
        "None, datetime, date, time, timedelta, UUID, bytes, list or dict."
    )


def decode_value(typed: Mapping[str, Any]) -> Any:
    """Return the Python value that `encode_value` wrote.

    Raises:
        WireError: unknown type, missing key, or a value that its type does not allow.
    """
    if set(typed) != {"type", "value"}:
        raise WireError('A typed value has exactly the keys "type" and "value".')
    return decode_cell(str(typed["type"]), typed["value"])


def decode_cell(type_name: str, value: Any) -> Any:
    """Return one result cell as a Python value of the column's type; null stays None."""
    if value is None:
        return None
    decoder = _DECODERS.get(type_name)
    if decoder is None:
        raise WireError(f"Unknown type {type_name!r}; known: {', '.join(TYPES)}.")
    try:
        return decoder(value)
    except (TypeError, ValueError, ArithmeticError) as error:
        raise WireError(f"{value!r} is not a valid {type_name}: {error}.") from error


def _number(value: Any) -> float | str:
    number = float(value)
    return number if math.isfinite(number) else repr(number)


def _microseconds(value: timedelta) -> str:
    return f"{value // timedelta(microseconds=1)}us"


def _interval(value: str) -> timedelta:
    if not value.endswith("us"):
        raise ValueError("an interval is whole microseconds followed by 'us'")
    return timedelta(microseconds=int(value[:-2]))


def _moment(*, aware: bool) -> Callable[[str], datetime]:
    def decode(value: str) -> datetime:
        moment = datetime.fromisoformat(value)
        if (moment.tzinfo is not None) is not aware:
            raise ValueError("a timestamptz has a zone and a timestamp has none")
        return moment

    return decode


def _strict(kind: type, *, but_not: type | None = None) -> Callable[[Any], Any]:
    def decode(value: Any) -> Any:
        if not isinstance(value, kind) or (but_not and isinstance(value, but_not)):
            raise TypeError(f"expected {kind.__name__}, got {type(value).__name__}")
        return value

    return decode


def _moment_name(value: datetime) -> str:
    return "timestamptz" if value.tzinfo else "timestamp"


# Order matters: bool is an int and datetime is a date, so the narrower type stands first.
_ENCODERS: tuple[tuple[type, str | Callable[[Any], str], Callable[[Any], Any]], ...] = (
    (type(None), "null", lambda _: None),
    (bool, "boolean", bool),
    (int, "integer", int),
    (float, "number", _number),
    (Decimal, "numeric", str),
    (str, "text", str),
    (bytes, "bytes", lambda value: base64.b64encode(value).decode()),
    (UUID, "uuid", str),
    (datetime, _moment_name, datetime.isoformat),
    (date, "date", date.isoformat),
    (time, "time", time.isoformat),
    (timedelta, "interval", _microseconds),
    (list, "json", list),
    (tuple, "json", list),
    (dict, "json", dict),
)

_DECODERS: dict[str, Callable[[Any], Any]] = {
    "null": lambda value: value,
    "boolean": _strict(bool),
    "integer": _strict(int, but_not=bool),
    "number": float,
    "numeric": Decimal,
    "text": _strict(str),
    "timestamptz": _moment(aware=True),
    "timestamp": _moment(aware=False),
    "date": date.fromisoformat,
    "time": time.fromisoformat,
    "interval": _interval,
    "uuid": UUID,
    "bytes": lambda value: base64.b64decode(value, validate=True),
    "json": lambda value: value,
}


# --- digests ----------------------------------------------------------------------------------


def canonical(value: Any) -> bytes:
    """Return `value` as the one JSON text that stands for it: sorted keys, no blanks, UTF-8.

    Used for digests only, and only on values made of objects, lists, strings, integers,
    booleans and null: numbers with a fraction travel as typed values, whose text is fixed.
    """
    text = json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )
    return text.encode()


def json_value(data: bytes) -> Any:
    """Return the JSON value in `data`, the inverse of `canonical`.

    Raises:
        WireError: not UTF-8 or not JSON.
    """
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise WireError(f"This is not JSON: {error}.") from error


def digest(data: bytes) -> str:
    """Return the SHA-256 of `data` as `sha256:` and 64 hex digits."""
    return "sha256:" + hashlib.sha256(data).hexdigest()


def statement_digest(target: str, sql: str, names: list[str]) -> str:
    """Return the digest by which a manifest lists a statement: target, text, parameter names."""
    return digest(canonical(["statement/v1", target, sql, sorted(names)]))


def promql_digest(target: str, promql: str, names: list[str]) -> str:
    """Return the digest by which a manifest lists a question about metrics."""
    return digest(canonical(["promql/v1", target, promql, sorted(names)]))


def logql_digest(target: str, logql: str, names: list[str]) -> str:
    """Return the digest by which a manifest lists a question about logs."""
    return digest(canonical(["logql/v1", target, logql, sorted(names)]))


def request_digest(operation: str, request: Mapping[str, Any]) -> str:
    """Return the digest that tells two requests at the same ordinal apart."""
    return digest(canonical(["request/v1", operation, request]))
