"""What every engine's adapter does to values: typed parameters in, capped rows out."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from interlock.wire import WireError, decode_value

from interlock_gateway.core.model import Column, Limits, Rows, Statement
from interlock_gateway.service.targets import TargetError

Typed = Mapping[str, Mapping[str, Any]]
"""Parameter name to a wire-typed value."""

_JSON = json.JSONEncoder(ensure_ascii=False, allow_nan=False)


def given(statement: Statement, values: Typed) -> list[Any]:
    """Return the Python values of the statement's placeholders, in placeholder order.

    Raises:
        TargetError: a value is missing, superfluous or not of its type; nothing was sent.
    """
    names = set(statement.names)
    if names != set(values):
        wrong = ", ".join(f":{name}" for name in sorted(names ^ set(values)))
        raise TargetError("target-failed", f"Values and parameters differ in {wrong}; not sent.")
    try:
        return [decode_value(values[name]) for name in statement.names]
    except WireError as error:
        raise TargetError("target-failed", f"{error} Nothing was sent.") from error


def sendable(statement: Statement) -> bytes:
    """Return exactly the bytes to send.

    Raises:
        TargetError: the text holds what engines cut it at (NUL) or cannot be UTF-8.
    """
    try:
        text = statement.text.encode()
    except UnicodeEncodeError as error:
        raise TargetError(
            "target-failed", "The statement is not valid Unicode; not sent."
        ) from error
    if b"\0" in text:
        # C interfaces end a text here: less than the classified bytes would run.
        raise TargetError("target-failed", "The statement holds a NUL character; not sent.")
    return text


def capped(
    columns: Sequence[Column], rows: Sequence[tuple[Any, ...]], limits: Limits, *, cut: str = ""
) -> Rows:
    """Return `rows` within the byte limit, saying honestly which limit cut them.

    Args:
        columns: names and wire types.
        rows: cells as JSON values.
        limits: `bytes` is the limit applied here.
        cut: the limit that already cut the rows before they came here, or "".
    """
    kept: list[tuple[Any, ...]] = []
    size = 0
    for row in rows:
        size += len(_JSON.encode(row).encode()) + 1
        if size > limits.bytes:
            return Rows(tuple(columns), tuple(kept), bytes_limit(limits))
        kept.append(row)
    return Rows(tuple(columns), tuple(kept), cut)


def rows_limit(limits: Limits) -> str:
    """Return the words for rows left out because of the row limit."""
    return f"rows ({limits.rows:,})"


def bytes_limit(limits: Limits) -> str:
    """Return the words for rows left out because of the byte limit."""
    return f"bytes ({limits.bytes:,})"
