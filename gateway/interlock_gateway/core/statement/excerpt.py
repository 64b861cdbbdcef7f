"""A piece of the author's text as a person sees it: its line, and a caret under the piece.

      3 | SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        |        ^~~~~~~~~~~~~~~~~~~~

Compilers show it so. What is hidden is shown as its escape, and what is cut off as `…`; nothing
but the author's own characters is repeated.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest
from unicodedata import category, east_asian_width

from interlock_gateway.core.model import Reason, Statement
from interlock_gateway.core.statement.translate import source_position

WIDTH = 72
"""Columns of an excerpt; indented by as much as eight it fits into 80."""

SHOWN = 3
"""Reasons that are told; a hostile text gives thousands."""

_TAB = "    "
_WORD = re.compile(r"[\w$.]+")
_MARKS = frozenset({"Mn", "Me", "Mc"})


def excerpt(source: str, position: int, length: int = 0) -> str:
    """Return the line of `source` that holds the piece, and a caret under the piece.

    Args:
        source: the author's text.
        position: where the piece begins, in characters; beyond the end it is the end.
        length: how long it is; with 0, as long as the word that begins there.
    """
    begin = max(0, min(position, len(source)))
    first, last = _line(source, begin)
    begin = min(begin, last)
    gutter = f"{source.count(chr(10), 0, first) + 1:>3} | "
    room = WIDTH - len(gutter)
    low, high = max(first, begin - room), min(last, begin + room)
    cells = [*map(_cell, source[low:high]), *([" "] if begin == last else [])]
    length = max(1, length or _word(source, begin))
    whole = (low, high) == (first, last) and _columns(cells) <= room
    view = _View(cells, begin - low, begin - low + length, room if whole else room - 2)
    left = "…" if low > first or view.low > 0 else ""
    right = "…" if high < last or view.high < len(cells) else ""
    text = f"{gutter}{left}{''.join(cells[view.low : view.high])}{right}".rstrip()
    blank = " " * (len(left) + _columns(cells[view.low : view.start]))
    caret = "^" + "~" * (_columns(cells[view.start : min(view.stop, view.high)]) - 1)
    return f"{text}\n{'|':>{len(gutter) - 1}} {blank}{caret}"


def excerpts(source: str, reasons: Sequence[Reason]) -> str:
    """Return what in `source` the most dangerous reasons point at, each place once, as lines."""
    told = [excerpt_of(source, reason) for reason in foremost(reasons)]
    return "\n".join(dict.fromkeys(filter(None, told)))


def excerpt_of(source: str, reason: Reason) -> str:
    """Return what in `source` the reason points at; "" when it has no place there."""
    return "" if reason.position is None else excerpt(source, reason.position, reason.length)


def in_source(statement: Statement, reason: Reason) -> Reason:
    """Return the reason with its place in the author's text, where `$1` is still `:name`."""
    if reason.position is None or not statement.names:
        return reason
    begin = source_position(statement, reason.position)
    end = source_position(statement, reason.position + reason.length)
    return replace(reason, position=begin, length=max(0, end - begin))


def foremost(reasons: Sequence[Reason], count: int = SHOWN) -> list[Reason]:
    """Return the few reasons that a person is told, the most dangerous first."""
    return sorted(reasons, key=lambda reason: -reason.effect.rank)[:count]


def _line(source: str, begin: int) -> tuple[int, int]:
    """Return where the line around `begin` starts and ends, its line break left out."""
    first = source.rfind("\n", 0, begin) + 1
    last = source.find("\n", begin)
    last = len(source) if last < 0 else last
    return first, last - source[first:last].endswith("\r")


def _word(source: str, begin: int) -> int:
    found = _WORD.match(source, begin)
    return found.end() - begin if found else 1


@dataclass(slots=True)
class _View:
    """The cells `low` to `high` that fit: first the piece, then what is around it on both sides.

    The piece is `start` to `stop`; it may itself be wider than the room.
    """

    cells: Sequence[str]
    start: int
    stop: int
    room: int
    low: int = 0
    high: int = 0

    def __post_init__(self) -> None:
        self.stop = min(self.stop, len(self.cells))
        self.low = self.high = self.start
        taken = 0
        for index in self._outward():
            taken += _columns(self.cells[index : index + 1])
            if taken > self.room:
                break
            self.low, self.high = min(self.low, index), max(self.high, index + 1)

    def _outward(self) -> Iterator[int]:
        yield from range(self.start, self.stop)
        after = range(self.stop, len(self.cells))
        for pair in zip_longest(range(self.start - 1, -1, -1), after):
            yield from (index for index in pair if index is not None)


def _cell(character: str) -> str:
    """Return a character as it is shown: never of no width, never steering a terminal."""
    if character == "\t":
        return _TAB
    if character.isprintable() and category(character) not in _MARKS:
        return character
    return character.encode("unicode_escape").decode()


def _columns(cells: Sequence[str]) -> int:
    """Return how many columns of a terminal the cells take (UAX #11)."""
    return sum(2 if east_asian_width(one) in "WF" else 1 for cell in cells for one in cell)
