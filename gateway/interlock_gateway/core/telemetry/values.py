"""Values of parameters as PromQL literals: text is quoted, numbers and durations are typed.

A value is spliced in as one literal that was made here, and the whole text is read again
afterwards: had a value become anything but that literal, the tokens would not be the same.
"""

import json
import re
from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum
from math import isfinite
from typing import Any

from interlock_gateway.core.telemetry.errors import TelemetryError

Values = Mapping[str, Any]
"""Parameter → Python value."""

GIVE = "Give every :name in the query a value of the kind that its place takes."

_CONTROL = re.compile(r"[\x00-\x1f\x7f]|[\ud800-\udfff]")
_MOST = 200  # values of one list
_LONGEST = timedelta(days=3650)


class Role(StrEnum):
    """What may stand where a parameter stands."""

    LABEL = "a label's value"
    PATTERN = "one or several values of a label"
    NUMBER = "a number"
    DURATION = "a duration"


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
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return None
    if not isfinite(value):
        return None
    text = format(value, "f") if isinstance(value, Decimal) else repr(value)
    return f"({text})" if text.startswith("-") else text


def _duration(value: Any) -> str | None:
    if not isinstance(value, timedelta) or not timedelta(0) < value <= _LONGEST:
        return None
    whole = value // timedelta(milliseconds=1)
    return f"{whole}ms" if whole else None


_MAKERS = {
    Role.LABEL: _label,
    Role.PATTERN: _pattern,
    Role.NUMBER: _number,
    Role.DURATION: _duration,
}
_HINTS = {
    Role.LABEL: "a text without control characters",
    Role.PATTERN: f"a text, or a list of at most {_MOST} texts",
    Role.NUMBER: "a finite int, float or Decimal",
    Role.DURATION: "a timedelta above 0",
}
