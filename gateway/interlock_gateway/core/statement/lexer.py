"""Where the quoted parts, comments, parameters and brackets of a text lie, by our own rules.

Not a parser: it knows only what must be known to find `:name` outside quotes, and to refuse what
two parsers could read differently. Runs of plain words, numbers, blanks and operators come as
one landmark, so that a usual statement costs little more than its quotes and brackets.
The rules of each dialect and where they come from stand in its `lexis.toml`.
"""

import re
from collections.abc import Iterator
from enum import StrEnum
from typing import NamedTuple

from interlock_gateway.core.model import Dialect
from interlock_gateway.core.statement.lexis import WORD, lexis

MAX_BYTES = 64 * 1024
"""Bytes of UTF-8 in one statement."""


class Mark(StrEnum):
    """What a landmark is."""

    PLAIN = "plain"
    STRING = "string"
    IDENTIFIER = "identifier"
    DOLLAR = "dollar"
    LINE = "line"
    BLOCK = "block"
    PARAMETER = "parameter"
    CAST = "cast"
    ASSIGN = "assign"
    PLACEHOLDER = "placeholder"
    OPEN = "open"
    CLOSE = "close"
    END = "end"
    UNTERMINATED = "unterminated"
    ODD = "odd"
    WORD = "word"
    NUMBER = "number"
    SIGN = "sign"


QUOTES = frozenset({Mark.STRING, Mark.IDENTIFIER, Mark.DOLLAR})
COMMENTS = frozenset({Mark.LINE, Mark.BLOCK})


class Token(NamedTuple):
    """One word, number, sign or quoted part, without blanks and comments."""

    mark: Mark
    text: str
    start: int

    @property
    def end(self) -> int:
        """Where the token's text ends."""
        return self.start + len(self.text)

    @property
    def word(self) -> str:
        """The word in lower case, or "" for anything else."""
        return self.text.lower() if self.mark is Mark.WORD else ""


class Landmark(NamedTuple):
    """A stretch of text, from `start` to before `end`, counted in characters."""

    mark: Mark
    start: int
    end: int


_COMMENT_EDGE = re.compile(r"/\*|\*/")
_SPLIT = re.compile(rf"(?P<word>[{WORD}][{WORD}0-9]*+)|(?P<number>[0-9]++)|(?P<sign>\S)")
_FIRST = re.compile(rf"[ \t\n\r\f\v]*+([{WORD}][{WORD}0-9]*+)")
_NAMED = {mark.value: mark for mark in Mark}


def landmarks(dialect: Dialect, text: str) -> Iterator[Landmark]:
    """Yield the whole of `text` as landmarks, in order and without gaps.

    An unterminated quote or comment reaches to the end of the text and is the last one.
    """
    rules = lexis(dialect)
    match = rules.pattern.match
    position, length = 0, len(text)
    while position < length:
        found = match(text, position)
        if found is None:
            yield Landmark(Mark.ODD, position, length)
            return
        name = found.lastgroup or "odd"
        if name == "comment":
            landmark = _block(text, position, nested=rules.nested)
        elif name == "odd" and text[position] in rules.quotes:
            landmark = Landmark(Mark.UNTERMINATED, position, length)
        else:
            landmark = Landmark(_NAMED[name], position, found.end())
        yield landmark
        position = landmark.end


def tokens(dialect: Dialect, text: str) -> Iterator[Token]:
    """Yield the words, numbers, signs and quoted parts of `text`, without blanks and comments."""
    for landmark in landmarks(dialect, text):
        if landmark.mark in COMMENTS:
            continue
        if landmark.mark is not Mark.PLAIN:
            yield Token(landmark.mark, text[landmark.start : landmark.end], landmark.start)
            continue
        for found in _SPLIT.finditer(text, landmark.start, landmark.end):
            yield Token(_NAMED[found.lastgroup or "sign"], found.group(), found.start())


def first_token(dialect: Dialect, text: str) -> Token | None:
    """Return the first of the tokens; a word, as a rule, and found without the others."""
    found = _FIRST.match(text)
    if found is None:
        return next(tokens(dialect, text), None)
    return Token(Mark.WORD, found[1], found.start(1))


def _block(text: str, start: int, *, nested: bool) -> Landmark:
    """Return the block comment at `start`; some engines nest them, others do not."""
    depth, position = 1, start + 2
    while depth:
        edge = _COMMENT_EDGE.search(text, position)
        if edge is None:
            return Landmark(Mark.UNTERMINATED, start, len(text))
        if edge.group() == "*/":
            depth -= 1
        elif nested:
            depth += 1
        position = edge.end() if edge.group() == "*/" or depth > 1 else edge.start() + 1
    return Landmark(Mark.BLOCK, start, position)
