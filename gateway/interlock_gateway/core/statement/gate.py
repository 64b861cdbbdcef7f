"""The lexical gate: what two parsers could read differently is refused before either reads it.

Nothing here knows SQL. Each rule stands for a difference between an engine and a parser that was
executed once: nested comments, blanks that are letters to the engine, backslashes before quotes,
dollar quotes that are identifiers. The design page sql-guard.md lists them.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from interlock_gateway.core.model import Dialect, Effect, Reason
from interlock_gateway.core.statement.lexer import (
    COMMENTS,
    MAX_BYTES,
    QUOTES,
    Landmark,
    Mark,
    landmarks,
)
from interlock_gateway.core.statement.lexis import lexis

MAX_NESTING = 200
MAX_SUBSCRIPTS = 50

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_ASCII_TAG = re.compile(r"\$(?:[A-Za-z_][A-Za-z0-9_]*)?\$")
_PAIRS = {"(": ")", "[": "]", "{": "}"}
_BEFORE_DOLLAR = frozenset(" \t\n(,=")
_AFTER_DASHES = frozenset({"", " ", "\t"})


# Words, numbers, common signs and plain strings only: nothing in such a text is a matter of
# opinion. It spares a usual statement the walk over its landmarks.
_USUAL_PARTS = (
    r"[A-Za-z0-9_ \t\n,.*=<>+%|()]++|'[^'\\\x00-\x08\x0b-\x1f\x7f]*+'|::|-(?!-)|/(?![*/])"
)
_USUAL = re.compile(f"(?:{_USUAL_PARTS})*+")
_USUAL_NUMBERED = re.compile(rf"(?:{_USUAL_PARTS}|(?<!\w)\$[0-9]++(?!\w))*+")


def refusal(dialect: Dialect, text: str) -> Reason | None:
    """Return why `text` may not reach a parser, or None when it may."""
    if len(text) < MAX_BYTES and text.isascii() and _is_usual(dialect, text):
        return None
    return _encoding(text) or next(_violations(dialect, text), None)


def _is_usual(dialect: Dialect, text: str) -> bool:
    """Tell whether there is nothing to look at: not even brackets that could nest deeply."""
    pattern = _USUAL_NUMBERED if lexis(dialect).sign == "$" else _USUAL
    opened = text.count("(")
    return opened <= MAX_SUBSCRIPTS and opened == text.count(")") and bool(pattern.fullmatch(text))


def _encoding(text: str) -> Reason | None:
    try:
        size = len(text.encode())
    except UnicodeEncodeError as error:
        return _refused("it is not valid UTF-8", error.start, 1)
    if size > MAX_BYTES:
        return _refused(f"it has {size:,} bytes; the limit is {MAX_BYTES:,}", 0, 0)
    at = text.find("\x00")
    return None if at < 0 else _refused("it contains a NUL character", at, 1)


def _refused(why: str, position: int, length: int) -> Reason:
    return Reason(
        Effect.UNKNOWN,
        "lexical gate",
        f"Refused before parsing: {why}.",
        position=position,
        length=length,
    )


def _violations(dialect: Dialect, text: str) -> Iterator[Reason]:
    brackets = _Brackets()
    colons = lexis(dialect).colons
    usual = text.isascii() and not _CONTROL.search(text)
    ended = False
    for landmark in landmarks(dialect, text):
        piece = text[landmark.start : landmark.end]
        mark = landmark.mark
        colon = mark is Mark.ODD and piece == ":" and (colons or brackets.take_colons)
        harmless = colon or (usual and mark is Mark.PLAIN)
        why = "" if harmless else _against(dialect, text, landmark)
        if ended and not why and mark not in COMMENTS:
            why = "" if piece.isspace() else "there is more than one statement"
        why = why or brackets.after(mark, piece)
        if why:
            yield _refused(why, landmark.start, landmark.end - landmark.start)
        ended = ended or mark is Mark.END
    if brackets.opened:
        yield _refused("a bracket is never closed", len(text), 0)


@dataclass(slots=True)
class _Brackets:
    """The brackets open at this place of the text."""

    opened: list[str] = field(default_factory=list)
    chain: int = 0
    closed_before: bool = False

    @property
    def take_colons(self) -> bool:
        """A colon makes a slice in a subscript, and a struct or a map in braces."""
        return bool(self.opened) and self.opened[-1] in "[{"

    def after(self, mark: Mark, piece: str) -> str:
        """Count one landmark; return what is wrong with the brackets so far, or ""."""
        if mark is Mark.OPEN:
            self.opened.append(piece)
            self.chain = self.chain + 1 if self.closed_before else 0
            if len(self.opened) > MAX_NESTING or self.chain > MAX_SUBSCRIPTS:
                return f"it nests deeper than {MAX_NESTING}"
        elif mark is Mark.CLOSE and (not self.opened or _PAIRS[self.opened.pop()] != piece):
            return "a bracket closes that was never opened"
        self.closed_before = mark is Mark.CLOSE
        return ""


def _against(dialect: Dialect, text: str, landmark: Landmark) -> str:
    """Return what is wrong with one landmark, or ""."""
    mark = landmark.mark
    if mark is Mark.UNTERMINATED:
        return "a quote or comment is never closed"
    if mark is Mark.ODD:
        return _odd(dialect, text[landmark.start : landmark.end])
    piece = text[landmark.start : landmark.end]
    if mark in COMMENTS:
        return _comment(piece) or _dashes(dialect, piece)
    if mark in QUOTES:
        return _quote(text, landmark, piece)
    if mark is Mark.OPEN:
        return _template(text, landmark) if piece == "{" else ""
    return _plain(piece) if mark is Mark.PLAIN else ""


def _odd(dialect: Dialect, character: str) -> str:
    if character in "{}" or character == ":":
        return f"{character!r} has no meaning in {dialect.value} outside quotes"
    return f"the character {character!a} stands outside quotes"


def _template(text: str, landmark: Landmark) -> str:
    after = text[landmark.end : landmark.end + 1]
    return "a template, which somebody should have filled in" if after in ("{", "%", "#") else ""


def _dashes(dialect: Dialect, piece: str) -> str:
    if not piece.startswith("--") or not lexis(dialect).blank_after_dashes:
        return ""
    return "" if piece[2:3] in _AFTER_DASHES else "a `--` without a blank after it"


def _comment(piece: str) -> str:
    inner = piece[2:-2] if piece.startswith("/*") else piece.removeprefix("#").removeprefix("--")
    if "/*" in inner or inner.startswith("/") or inner.endswith("/"):
        return "a comment that could begin or end another comment"
    if piece.startswith(("/*!", "/*M!", "/*+")):
        return "a comment that some engines execute"
    if _CONTROL.search(piece) or not all(c.isprintable() or c in "\t\n" for c in piece):
        return "a control character, or a carriage return, in a comment"
    return ""


def _quote(text: str, landmark: Landmark, piece: str) -> str:
    if landmark.mark is Mark.DOLLAR:
        before = text[landmark.start - 1 : landmark.start]
        if not _ASCII_TAG.match(piece) or (before and before not in _BEFORE_DOLLAR):
            return "a dollar quote with an unusual tag, or after a character that may join it"
        return ""
    if "\\" + piece[-1] in piece:
        return "a backslash before a quote, which ends the text for some settings only"
    return ""


def _plain(piece: str) -> str:
    if _CONTROL.search(piece.replace("\r\n", "\n")):
        return "a control character outside quotes"
    if not piece.isascii() and not all(c.isascii() or c.isalpha() for c in piece):
        return "a character outside quotes that is no letter, and a blank to some parsers"
    return ""
