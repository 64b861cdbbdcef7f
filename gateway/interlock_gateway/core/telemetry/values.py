"""Values of parameters as literals: text is quoted, numbers and durations are typed.

A value is spliced in as one literal that was made here, and the whole text is read again
afterwards: had a value become anything but that literal, the tokens would not be the same.
"""

import json
import re
from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum
from ipaddress import ip_address, ip_network
from math import isfinite
from typing import Any

from interlock_gateway.core.telemetry.errors import TelemetryError

Values = Mapping[str, Any]
"""Parameter → Python value."""

GIVE = "Give every :name in the query a value of the kind that its place takes."

_CONTROL = re.compile(r"[\x00-\x1f\x7f]|[\ud800-\udfff]")
_MOST = 200  # values of one list
_LONGEST = timedelta(days=3650)
_MOST_DIGITS = 60
_LARGEST = 10**_MOST_DIGITS


class Role(StrEnum):
    """What may stand where a parameter stands."""

    LABEL = "a label's value"
    PATTERN = "one or several values of a label"
    NUMBER = "a number"
    DURATION = "a duration"
    AMOUNT = "a number or a duration"
    VALUE = "a text, a number or a duration"
    ADDRESS = "an address"


def literal(name: str, value: Any, role: Role, position: int) -> str:
    """Return the literal that stands for `value`.

    Raises:
        TelemetryError: `bad-arguments`; the value is not what belongs there.
    """
    made = _MAKERS[role](value)
    if made is None:
        kind = type(value).__name__
        raise TelemetryError(
            "bad-arguments",
            f":{name} must be {role} here, {_HINTS[role]}; it is {kind}.",
            position=position,
            help=GIVE,
        )
    return made


def _label(value: Any) -> str | None:
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str) or _CONTROL.search(value):
        return None
    return json.dumps(value, ensure_ascii=False)


def _pattern(value: Any) -> str | None:
    """Match the values themselves: what would be syntax of a pattern is escaped (RE2)."""
    listed = value if isinstance(value, list) else [value]
    if not listed or len(listed) > _MOST:
        return None
    texts = [str(one) if type(one) is int else one for one in listed]
    if not all(isinstance(one, str) for one in texts):
        return None
    return _label("|".join(re.sub(r"[\\.+*?()|\[\]{}^$]", r"\\\g<0>", one) for one in texts))


def _number(value: Any) -> str | None:
    """Write a number out; one with more digits than a query could use is none."""
    match value:
        case bool():
            return None
        case int() if abs(value) < _LARGEST:
            text = str(value)
        case float() if isfinite(value):
            text = repr(value)
        case Decimal() if _is_short(value):
            text = format(value, "f")
        case _:
            return None
    return f"({text})" if text.startswith("-") else text


def _is_short(value: Decimal) -> bool:
    """Tell whether a decimal is a number, and one that is written out in few digits."""
    _, digits, exponent = value.as_tuple()
    return isinstance(exponent, int) and abs(exponent) + len(digits) <= _MOST_DIGITS


def _duration(value: Any) -> str | None:
    if not isinstance(value, timedelta) or not timedelta(0) < value <= _LONGEST:
        return None
    whole = value // timedelta(milliseconds=1)
    return f"{whole}ms" if whole else None


def _amount(value: Any) -> str | None:
    """Return a number as a label filter takes it, without the parentheses of an operand."""
    made = _duration(value) or _number(value)
    return made.strip("()") if made else None


def _any_value(value: Any) -> str | None:
    return _label(value) if isinstance(value, str) else _amount(value)


def _address(value: Any) -> str | None:
    return _label(value) if isinstance(value, str) and is_address(value) else None


def is_address(text: str) -> bool:
    """Tell whether `text` is an address, a range of them such as `10.0.0.1-10.0.0.9`, or CIDR."""
    first, dash, last = text.partition("-")
    try:
        if dash:
            return ip_address(first).version == ip_address(last).version
        ip_network(text, strict=False)
    except ValueError:
        return False
    return "%" not in text  # a zone is of one machine only


_MAKERS = {
    Role.LABEL: _label,
    Role.PATTERN: _pattern,
    Role.NUMBER: _number,
    Role.DURATION: _duration,
    Role.AMOUNT: _amount,
    Role.VALUE: _any_value,
    Role.ADDRESS: _address,
}
_HINTS = {
    Role.LABEL: "a text without control characters",
    Role.PATTERN: f"a text, or a list of at most {_MOST} texts",
    Role.NUMBER: "a finite int, float or Decimal",
    Role.DURATION: "a timedelta above 0",
    Role.AMOUNT: "an int, float, Decimal or timedelta",
    Role.VALUE: "a text without control characters, an int, float, Decimal or timedelta",
    Role.ADDRESS: "a text such as 10.0.0.1, 10.0.0.1-10.0.0.9 or 10.0.0.0/8",
}
