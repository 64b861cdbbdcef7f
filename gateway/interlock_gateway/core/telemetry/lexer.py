"""PromQL and LogQL as tokens: a part of what their servers read, and nothing read differently.

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


class Kind(StrEnum):
    """What a token is."""

    NAME = "name"
    NUMBER = "number"
    DURATION = "duration"
    BYTES = "bytes"
    FLAG = "flag"
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


@dataclass(frozen=True, slots=True)
class Language:
    """What tells one language's tokens from another's.

    Attributes:
        name: as users call it.
        pattern: one token at a time; each group is called as its `Kind`, or `blank`.
        server: who understands it, and may keep a part of a query as a rule.
        trails: whether a comma may end a list.
    """

    name: str
    pattern: re.Pattern[str]
    server: str
    trails: bool

    @property
    def plainer(self) -> str:
        """What to do about something that is not understood."""
        return f"What is not understood is not sent; write it in plainer {self.name}."


_ESCAPE = r"""\\(?:[abfnrtv\\'"]|x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4})"""
_BLANK = r"(?P<blank>[ \t\r\n]+)"
_NUMBER = r"(?P<number>(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?(?![A-Za-z0-9_.]))"
_PARAMETER = r"(?P<parameter>:[A-Za-z_][A-Za-z0-9_]*)"

PROMQL = Language(
    "PromQL",
    re.compile(
        rf"""{_BLANK}
        | (?P<duration>(?:[0-9]+(?:ms|[smhdwy]))+(?![A-Za-z0-9_.]))
        | {_NUMBER}
        | (?P<name>[A-Za-z_][A-Za-z0-9_:]*)
        | (?P<string>"(?:[^"\\\x00-\x1f\x7f]|{_ESCAPE})*"
                   | '(?:[^'\\\x00-\x1f\x7f]|{_ESCAPE})*'
                   | `[^`\x00-\x1f\x7f]*`)
        | {_PARAMETER}
        | (?P<sign>=~|!~|==|!=|<=|>=|[-+*/%^=<>(){{}}\[\],:@])""",
        re.VERBOSE,
    ),
    "Prometheus",
    trails=True,
)

# Only what Go's strconv.Unquote reads as the same characters: no octal, no half of a pair, and no
# \x beyond ASCII, which would be one byte and no letter.
_GO_ESCAPE = r"""\\(?:[abfnrtv\\"]|x[0-7][0-9a-fA-F]|u(?![dD][89a-fA-F])[0-9a-fA-F]{4})"""

LOGQL = Language(
    "LogQL",
    re.compile(
        rf"""{_BLANK}
        | (?P<bytes>[0-9]+(?:\.[0-9]+)?(?:[kKMGT]i?)?B(?![A-Za-z0-9_.]))
        | (?P<duration>(?:[0-9]+(?:\.[0-9]+)?(?:[num]s|[smhdwy]))+(?![A-Za-z0-9_.]))
        | {_NUMBER}
        | (?P<flag>--(?:strict|keep-empty)(?![A-Za-z0-9_-]))
        | (?P<name>[A-Za-z_][A-Za-z0-9_]*)
        | (?P<string>"(?:[^"\\\x00-\x1f\x7f]|{_GO_ESCAPE})*" | `[^`\x00-\x1f\x7f]*`)
        | {_PARAMETER}
        | (?P<sign>\|=|\|~|\|>|!>|=~|!~|==|!=|<=|>=|[-+*/%^=<>(){{}}\[\],|])""",
        re.VERBOSE,
    ),
    "Loki",
    trails=False,
)

_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800, "y": 31_536_000}
_PART = re.compile(r"([0-9]+)(ms|[smhdwy])")
_WHOLE = re.compile(r"(?:[0-9]+(?:ms|[smhdwy]))+")
_ESCAPED = re.compile(r"\\(?:x(..)|u(....)|(.))")
_MEANT = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_DESCENDING = ("y", "w", "d", "h", "m", "s", "ms")


def tokens(text: str, language: Language = PROMQL) -> list[Token]:
    """Return the tokens of `text`, and one more that stands for its end.

    Raises:
        TelemetryError: too long, or something that is no token.
    """
    if len(text) > MAX_TEXT:
        raise TelemetryError(
            "not-understood",
            f"The query has {len(text):,} characters; the limit is {MAX_TEXT:,}.",
            help=f"Make it shorter, or record a part of it as a rule in {language.server}.",
        )
    found = [*_read(text, language), Token(Kind.END, "", len(text))]
    if len(found) > MAX_TOKENS:
        message = f"The query has more than {MAX_TOKENS:,} words."
        raise TelemetryError("not-understood", message, help=language.plainer)
    return found


def _read(text: str, language: Language) -> Iterator[Token]:
    at = 0
    while at < len(text):
        match = language.pattern.match(text, at)
        if match is None:
            said = _stuck(text[at])
            raise TelemetryError("not-understood", said, position=at, help=language.plainer)
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
    if char == "$":
        return "Variables of Grafana are not known here; write :name, or the value."
    shown = char if char.isprintable() else char.encode("unicode_escape").decode()
    return f"{shown!r} is not understood here."


def duration_s(text: str) -> float | None:
    """Return the seconds of a duration such as `1h30m`, or None for one that has two orders."""
    if not _WHOLE.fullmatch(text):
        return None
    parts = _PART.findall(text)
    order = [_DESCENDING.index(unit) for _, unit in parts]
    if order != sorted(set(order)):
        return None
    return float(sum(int(number[:12]) * _UNITS[unit] for number, unit in parts))


def content(string: str) -> str:
    """Return what a string token of LogQL stands for."""
    if string.startswith("`"):
        return string[1:-1]
    return _ESCAPED.sub(_unescaped, string[1:-1])


def _unescaped(match: re.Match[str]) -> str:
    byte, unit, char = match.groups()
    return _MEANT.get(char, char) if char else chr(int(byte or unit, 16))
