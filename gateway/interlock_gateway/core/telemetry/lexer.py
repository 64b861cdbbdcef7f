"""PromQL as tokens: a part of what Prometheus reads, and nothing that it would read differently.

Left out on purpose: comments, hexadecimal numbers, escapes that few know, letters beyond ASCII
outside strings. `:name` is a parameter where it does not continue the name of a metric.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from interlock_gateway.core.telemetry.errors import TelemetryError

MAX_TEXT = 4_096
"""Characters of one query: it travels in a URL."""

MAX_TOKENS = 1_500
"""Tokens of one query."""

PLAINER = "What is not understood is not sent; write it in plainer PromQL."


class Kind(StrEnum):
    """What a token is."""

    NAME = "name"
    NUMBER = "number"
    DURATION = "duration"
    STRING = "string"
    PARAMETER = "parameter"
    SIGN = "sign"
    END = "end"


@dataclass(frozen=True, slots=True)
class Token:
    """One token, and where it begins in the text."""

    kind: Kind
    text: str
    start: int


_ESCAPE = r"""\\(?:[abfnrtv\\'"]|x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4})"""
_TOKEN = re.compile(
    rf"""(?P<blank>[ \t\r\n]+)
    | (?P<duration>(?:[0-9]+(?:ms|[smhdwy]))+(?![A-Za-z0-9_.]))
    | (?P<number>(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?(?![A-Za-z0-9_.]))
    | (?P<name>[A-Za-z_][A-Za-z0-9_:]*)
    | (?P<string>"(?:[^"\\\x00-\x1f\x7f]|{_ESCAPE})*"
               | '(?:[^'\\\x00-\x1f\x7f]|{_ESCAPE})*'
               | `[^`\x00-\x1f\x7f]*`)
    | (?P<parameter>:[A-Za-z_][A-Za-z0-9_]*)
    | (?P<sign>=~|!~|==|!=|<=|>=|[-+*/%^=<>(){{}}\[\],:@])""",
    re.VERBOSE,
)
_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800, "y": 31_536_000}
_PART = re.compile(r"([0-9]+)(ms|[smhdwy])")
_DESCENDING = ("y", "w", "d", "h", "m", "s", "ms")


def tokens(text: str) -> list[Token]:
    """Return the tokens of `text`, and one more that stands for its end.

    Raises:
        TelemetryError: too long, or something that is no token.
    """
    if len(text) > MAX_TEXT:
        raise TelemetryError(
            "not-understood",
            f"The query has {len(text):,} characters; the limit is {MAX_TEXT:,}.",
            help="Make it shorter, or record a part of it as a rule in Prometheus.",
        )
    found = [*_read(text), Token(Kind.END, "", len(text))]
    if len(found) > MAX_TOKENS:
        raise TelemetryError(
            "not-understood", f"The query has more than {MAX_TOKENS:,} words.", help=PLAINER
        )
    return found


def _read(text: str) -> Iterator[Token]:
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise TelemetryError("not-understood", _stuck(text[at]), position=at, help=PLAINER)
        if match.lastgroup != "blank":
            yield Token(Kind(match.lastgroup or ""), match[0], at)
        at = match.end()


def _stuck(char: str) -> str:
    if char == "#":
        return "Comments are not sent; leave them out."
    if char in "\"'`":
        return "A string does not end on its line, or holds an escape that is not known here."
    if char.isdigit() or char == ".":
        return "This is neither a number such as 1.5 nor a duration such as 5m."
    shown = char if char.isprintable() else char.encode("unicode_escape").decode()
    return f"{shown!r} is not understood here."


def duration_s(text: str) -> float | None:
    """Return the seconds of a duration such as `1h30m`, or None for one that has two orders."""
    parts = _PART.findall(text)
    order = [_DESCENDING.index(unit) for _, unit in parts]
    if order != sorted(set(order)):
        return None
    return float(sum(int(number[:12]) * _UNITS[unit] for number, unit in parts))
