"""Text from outside, made harmless and honest: nothing invisible, nothing endless.

What a target, a notebook or a person wrote is data. Before any renderer sees it, characters
that a reader could not see (control, bidirectional, zero-width; UTS #55, CVE-2021-42574) are
shown by their number, and what is too long is cut with the number of characters left out.
"""

import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from types import NoneType
from typing import Any

MAX_DEPTH = 40
"""Levels of nesting that are shown; what lies deeper is named and left out."""

LEAVES = frozenset({str, int, float, bool, NoneType})
"""The types of JSON's values that hold no others."""
_UNSEEN = re.compile(
    "["
    "\x00-\x08\x0b-\x1f\x7f-\x9f"  # C0 but tab and line feed, DEL, C1 (0x9b starts ANSI too)
    "\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f"
    "\u0600-\u0605\u06dd\u070f\u0890\u0891\u08e2"  # prepended marks that swallow what follows
    "\u200b-\u200f\u2028-\u202e\u2060-\u206f\u2800\u3164"  # zero width, separators, bidi
    "\ud800-\udfff\ufdd0-\ufdef\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff"
    "\U000110bd\U000110cd\U00013430-\U0001345f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\U000e0000-\U000e0fff"  # tags and variation selectors: text that models read and people don't
    "]"
)
_COMMON = b"\t\n" + bytes(range(32, 127))
"""What most text is made of, all of it seen."""
_PRESENTED = re.compile("[\u203c-\u3299\U0001f000-\U0001faff]\ufe0f")
"""A symbol and the selector that gives it its colours: the one selector that is seen."""
_EMPTY_BEFORE = re.compile(r"\A(?:[ \t]*\r?\n)+")
_BREAK = re.compile(r"[ \t]*\n[ \t]*")


def visible(text: str) -> str:
    """Return `text` with every unseen character written as its number, as in ⟦U+202E⟧.

    Line feeds and tabs stay; CR LF becomes LF.
    """
    if text.isascii() and text.isprintable():
        return text  # most text there is, at a tenth of the cost
    text = text.replace("\r\n", "\n")
    return _UNSEEN.sub(_numbered, text) if _hides(text) else text


def _hides(text: str) -> bool:
    """Tell whether something unseen is in it: asked of what is left without plain ASCII."""
    rest = text.encode("utf-8", "surrogatepass").translate(None, _COMMON)
    return bool(_UNSEEN.search(rest.decode("utf-8", "surrogatepass")))


def _numbered(match: re.Match[str]) -> str:
    start = match.start()
    if start and _PRESENTED.match(match.string, start - 1):
        return match.group()
    return f"⟦U+{ord(match.group()):04X}⟧"


def capped(text: str, limit: int) -> str:
    """Return at most `limit` characters of `text`, and say how many more there were."""
    if len(text) <= limit:
        return text
    return f"{text[:limit]}… {len(text) - limit:,} more characters"


def block(text: str, limit: int) -> str:
    """Return `text` for a box of its own: visible, lines kept, at most `limit` characters."""
    # Cut first: what is left out is then counted in characters of the data itself.
    return visible(capped(text, limit))


def trimmed(text: str) -> str:
    """Return `text` without empty lines before and after it; its own lines stay as they are."""
    return _EMPTY_BEFORE.sub("", text.rstrip(" \t\r\n"))


def line(text: str, limit: int) -> str:
    """Return `text` for one line: visible, line breaks as ⏎, tabs as ⇥, at most `limit` long."""
    whole = _BREAK.sub(" ⏎ ", block(text.strip(), limit))
    return whole.replace("\t", "⇥")


def fits(text: str, limit: int) -> bool:
    """Tell whether `line` shows all of `text`, so that a box of its own would add nothing."""
    stripped = text.strip()
    return len(stripped) <= limit and "\n" not in stripped


def shown(value: Any) -> str:
    """Return any JSON value as text for a person; text stays as it is."""
    kind = type(value)
    if kind is str:
        return value  # type: ignore[no-any-return]  # it is text, as the line above asks
    if kind is int and -_PLAIN_INT < value < _PLAIN_INT:
        return str(value)
    return value if isinstance(value, str) else json_text(value)


_PLAIN_INT = 2**63
"""Integers below this are written by `str` as JSON writes them, without a detour."""


def json_text(value: Any, *, indent: int | None = None) -> str:
    """Return `value` as JSON in which every unseen character is an escape.

    It reads back to the same value, and no terminal or browser is moved by it.
    """
    return written(plain(value), indent=indent)


def written(
    value: Any, *, indent: int | None = None, default: Callable[[Any], Any] | None = None
) -> str:
    """Return what `plain` made as JSON text, with unseen characters as escapes.

    Args:
        value: the value.
        indent: spaces a level; none for one line, which is also several times faster.
        default: gives what stands for a value that JSON does not know.
    """
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, indent=indent, default=default)
    if text.isascii() and "\x7f" not in text:
        return text  # what else is unseen in ASCII is an escape already
    return _UNSEEN.sub(_escaped, text) if _hides(text) else text


def _escaped(match: re.Match[str]) -> str:
    return json.dumps(match.group())[1:-1]


def plain(value: Any, depth: int = MAX_DEPTH) -> Any:
    """Return `value` made of what JSON knows alone; what JSON cannot say becomes text."""
    kind = type(value)
    if kind is str or value is None or kind is bool:
        return value
    if kind is dict and depth > 0:  # what JSON is made of, without asking abstract classes
        return {
            key if type(key) is str else shown(key): item
            if type(item) is str
            else plain(item, depth - 1)
            for key, item in value.items()
        }
    if kind is int and -_PLAIN_INT < value < _PLAIN_INT:
        return value
    if kind is list and depth > 0:
        return [item if type(item) is str else plain(item, depth - 1) for item in value]
    return _plain_other(value, depth)


def _plain_other(value: Any, depth: int) -> Any:
    if isinstance(value, (bool, str)):
        return value
    if isinstance(value, (int, float)):
        return _number(value)
    if depth <= 0:
        return f"… nested deeper than {MAX_DEPTH} levels"
    if isinstance(value, (dict, Mapping)):  # dict first: asking an abstract class takes longer
        return {shown(key): plain(item, depth - 1) for key, item in value.items()}
    if isinstance(value, (list, Sequence)) and not isinstance(value, (bytes, bytearray)):
        return [plain(item, depth - 1) for item in value]
    return f"… a {type(value).__name__}, which JSON cannot say"


_MAX_BITS = 4_096
"""Python refuses to write integers of more than 4,300 digits; no target delivers this many."""


def _number(value: float) -> Any:
    if isinstance(value, int):
        return value if value.bit_length() <= _MAX_BITS else f"… {value.bit_length():,} bits"
    return value if math.isfinite(value) else repr(value)


# --- durations ---------------------------------------------------------------------------------

_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400
_TENTHS_BELOW = 10


def duration(seconds: float) -> str:
    """Return a length of time as people say it.

    Examples:
        >>> duration(0.006), duration(1.25), duration(41), duration(125), duration(3720)
        ('6 ms', '1.2 s', '41 s', '2 min 5 s', '1 h 2 min')
    """
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < _TENTHS_BELOW:
        return f"{seconds:.1f} s".replace(".0 s", " s")
    whole = round(seconds)
    for unit, name, part, part_name in (
        (_DAY, "d", _HOUR, "h"),
        (_HOUR, "h", _MINUTE, "min"),
        (_MINUTE, "min", 1, "s"),
    ):
        if whole >= unit:
            rest = whole % unit // part
            return f"{whole // unit} {name}" + (f" {rest} {part_name}" if rest else "")
    return f"{whole} s"


def offset(seconds: float) -> str:
    """Return a distance from the incident's start, such as `T+04:10`; earlier has a minus."""
    sign = "−" if seconds < 0 else "+"  # noqa: RUF001  a minus sign, so that it aligns with the plus
    whole = int(abs(seconds))
    minutes, rest = divmod(whole, _MINUTE)
    hours, minutes = divmod(minutes, _MINUTE)
    clock = f"{minutes:02}:{rest:02}"
    return f"T{sign}{hours}:{clock}" if hours else f"T{sign}{clock}"


def count(number: int, one: str, many: str = "") -> str:
    """Return a number with its noun: `1 row`, `2 rows`, `1,000 rows`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"
