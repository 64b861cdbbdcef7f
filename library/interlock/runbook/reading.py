"""Reading one value: a JSON value or command-line text becomes a Python value, or is refused."""

import math
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

MAX_TEXT = 1_000
MAX_ITEMS = 200

_TARGET = re.compile(r"[a-z][a-z0-9_-]{0,62}")
_SERVICE = re.compile(r"[a-z0-9][a-z0-9._/-]{0,127}", re.IGNORECASE)
_DURATION = re.compile(
    r"(?:(\d{1,6})d)?(?:(\d{1,7})h)?(?:(\d{1,8})m)?(?:(\d{1,9}(?:\.\d{1,6})?)s)?(?:(\d{1,9})ms)?"
)
_YES_NO = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}
_EXTREME = 2**63


class ValueRefusedError(ValueError):
    """A value that a parameter does not take; the message says what it does take."""


def show(value: object) -> str:
    """Return a value as messages show it: short, and nothing that acts on a terminal."""
    text = value if isinstance(value, str) else str(value)
    text = text if text.isprintable() else ascii(text)[1:-1]
    return text if len(text) <= 60 else text[:59] + "…"  # noqa: PLR2004  what fits on a line


def _string(value: object, _now: datetime | None) -> str:
    if not isinstance(value, str):
        raise ValueRefusedError(f"{show(value)} is not text. Put it in quotes.")
    if len(value) > MAX_TEXT:
        raise ValueRefusedError(f"It is longer than {MAX_TEXT:,} characters.")
    if not value.isprintable():
        raise ValueRefusedError(f"{show(value)} holds characters that cannot be shown.")
    return value


def integer(value: object, _now: datetime | None) -> int:
    """Return a whole number of at most 64 bits."""
    if isinstance(value, str) and re.fullmatch(r"[+-]?[0-9]{1,19}", value.strip()):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueRefusedError(f"{show(value)} is not a whole number. Write it like 5.")
    if not -_EXTREME <= value < _EXTREME:
        raise ValueRefusedError("It does not fit into 64 bits.")
    return value


def number(value: object, _now: datetime | None) -> float:
    """Return a finite number."""
    if isinstance(value, str) and re.fullmatch(r"[0-9eE+.-]{1,40}", value.strip()):
        with suppress(ValueError):
            value = float(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueRefusedError(f"{show(value)} is not a number. Write it like 0.5.")
    if not -1e300 < value < 1e300 or not math.isfinite(value):  # noqa: PLR2004  larger is a mistake
        raise ValueRefusedError("It is not a finite number.")
    return float(value)


def _boolean(value: object, _now: datetime | None) -> bool:
    if isinstance(value, str):
        value = _YES_NO.get(value.strip().lower(), value)
    if not isinstance(value, bool):
        raise ValueRefusedError(f"{show(value)} is neither true nor false.")
    return value


def _named(pattern: re.Pattern[str], what: str) -> Callable[[object, datetime | None], str]:
    def read(value: object, _now: datetime | None) -> str:
        if not isinstance(value, str) or not pattern.fullmatch(value):
            raise ValueRefusedError(f"{show(value)} is not {what}.")
        return value

    return read


def _list(value: object, _now: datetime | None) -> list[str]:
    if isinstance(value, str):
        value = [item.strip() for item in value.split(",")] if value.strip() else []
    if not isinstance(value, list | tuple) or len(value) > MAX_ITEMS:
        raise ValueRefusedError(f"{show(value)} is not a list of at most {MAX_ITEMS} texts.")
    return [_string(item, None) for item in value]


def timedelta_of(value: object) -> timedelta:
    """Return a duration written like `90s`, `5m`, `1h30m`, `2d` or `250ms`.

    Raises:
        ValueRefusedError: it is not written like that.
    """
    match = _DURATION.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None or not any(match.groups()):
        bare = f"Did you mean {value}s?" if re.fullmatch(r"\d{1,9}", str(value)[:20]) else ""
        raise ValueRefusedError(
            f"{show(value)} is not a duration. Write it like 90s, 5m or 1h30m. {bare}".rstrip()
        )
    days, hours, minutes, seconds, millis = (float(part or 0) for part in match.groups())
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds, milliseconds=millis)


def _duration(value: object, _now: datetime | None) -> timedelta:
    return value if isinstance(value, timedelta) else timedelta_of(value)


_RELATIVE = re.compile(r"now(?:-(.{1,40}))?")


def _time(value: object, now: datetime | None) -> datetime:
    relative = _RELATIVE.fullmatch(value) if isinstance(value, str) else None
    if relative and now is None:
        raise ValueRefusedError(f"{show(value)} needs a clock, and there is none here.")
    try:
        if relative and now is not None:
            back = timedelta_of(relative[1]) if relative[1] else timedelta()
            return (now - back).astimezone(UTC)
        moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
        if moment.tzinfo is not None:
            return moment.astimezone(UTC)
    except ValueRefusedError:
        raise
    except (ValueError, OverflowError):
        pass
    raise ValueRefusedError(
        f"{show(value)} is not a moment with its zone. Write it like 2026-02-03T10:42:00Z."
    )


def _timerange(value: object, now: datetime | None) -> dict[str, str]:
    if isinstance(value, dict) and set(value) == {"start", "end"}:
        first, last = value["start"], value["end"]
    elif isinstance(value, str) and "/" in value:
        first, last = value.split("/", 1)
    elif isinstance(value, str):
        timedelta_of(value)
        first, last = f"now-{value.strip()}", "now"
    else:
        raise ValueRefusedError(f"{show(value)} is not a time range. Write START/END or 15m.")
    start, end = _time(first, now), _time(last, now)
    if start >= end:
        raise ValueRefusedError("Its start must be before its end.")
    return {"start": start.isoformat(), "end": end.isoformat()}


def _length(value: Mapping[str, str]) -> timedelta:
    return datetime.fromisoformat(value["end"]) - datetime.fromisoformat(value["start"])


READERS: Mapping[str, Callable[[object, datetime | None], Any]] = {
    "string": _string,
    "integer": integer,
    "number": number,
    "boolean": _boolean,
    "enum": _string,
    "duration": _duration,
    "time": _time,
    "timerange": _timerange,
    "target": _named(_TARGET, "the name of a target, such as orders"),
    "service": _named(_SERVICE, "the name of a service, such as checkout"),
    "list": _list,
}

TIMED = ("duration", "timerange")

# type → what is measured, as the message says it, and how
MEASURES: Mapping[str, tuple[str, Callable[[Any], Any]]] = {
    "integer": ("", lambda value: value),
    "number": ("", lambda value: value),
    "duration": ("", lambda value: value),
    "timerange": (" in length", _length),
    "string": (" in length", len),
    "list": (" in items", len),
}
