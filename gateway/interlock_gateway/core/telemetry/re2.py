"""Patterns as RE2 reads them, as far as one must know whether they match nothing at all.

A part of RE2: no look-around and no back-reference, which it has not, and none of its rarer
escapes. What repeats is bounded as RE2 bounds it. Source: the RE2 syntax page, and Go's
regexp/syntax, by which Loki reads patterns.
"""

import re

LONGEST = 1_000
"""Characters of a pattern."""

_MOST_TIMES = 1_000
_DEEPEST = 20
_GROUP = re.compile(
    r"\((?:\?P<[A-Za-z_][A-Za-z0-9_]*>|\?(?:[imsU]+(?:-[imsU]+)?|-[imsU]+)?:|(?!\?))"
)
_FLAGS = re.compile(r"\(\?[imsU]+(?:-[imsU]+)?\)")
_REPEAT = re.compile(r"\{([0-9]{1,9})(?:(,)([0-9]{0,9}))?\}")
_SIGN = r"[ -/:-@\[-`{-~]"
_CHAR = (
    rf"{_SIGN}|[dDwWsSaftnrv]|[pP](?:[A-Z]|\{{\^?[A-Za-z]+\}})"
    r"|x(?:[0-9a-fA-F]{2}|\{[0-9a-fA-F]{1,6}\})"
)
_ITEM = rf"[^\]\\\[]|\\(?:{_CHAR})|\[:\^?[a-z]+:\]|\[(?!:)"
_CLASS = re.compile(rf"\[\^?(?:\]|{_ITEM})(?:{_ITEM})*\]")
_ESCAPE = re.compile(rf"\\(?:({_CHAR})|[bBAz])")


class PatternError(ValueError):
    """The pattern is not understood; the message says what of it."""


def matches_nothing(pattern: str) -> bool:
    """Tell whether `pattern` as a whole can match the empty text.

    Raises:
        PatternError: too long, or not in the part of RE2 that is understood.
    """
    if len(pattern) > LONGEST:
        raise PatternError(f"A pattern may have {LONGEST:,} characters.")
    reading = _Pattern(pattern)
    empty = reading.branches()
    if reading.at < len(pattern):
        raise PatternError("The pattern has a `)` too many.")
    return empty


def named_groups(pattern: str) -> int:
    """Return how many groups of an understood pattern have a name."""
    return len(re.findall(r"(?<!\\)(?:\\\\)*\(\?P<", pattern))


class _Pattern:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.depth = 0

    def branches(self) -> bool:
        self.depth += 1
        if self.depth > _DEEPEST:
            raise PatternError(f"A pattern may nest {_DEEPEST} deep.")
        empty = self._branch()
        while self._sees("|"):
            self.at += 1
            empty = self._branch() or empty
        self.depth -= 1
        return empty

    def _branch(self) -> bool:
        empty = True
        while self.at < len(self.text) and not self._sees("|", ")"):
            empty = self._repeated(self._atom()) and empty
        return empty

    def _sees(self, *chars: str) -> bool:
        return self.text[self.at : self.at + 1] in chars

    def _took(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        match = pattern.match(self.text, self.at)
        self.at = match.end() if match else self.at
        return match

    def _atom(self) -> bool:
        """Read one thing, and tell whether it matches where there is nothing."""
        char = self.text[self.at]
        match char:
            case "(":
                return self._group()
            case "[":
                return self._class()
            case "\\":
                return self._escaped()
        if self._sees("*", "+", "?") or _REPEAT.match(self.text, self.at):
            raise PatternError(f"In the pattern, `{char}` repeats nothing.")
        self.at += 1
        return char in "^$"

    def _group(self) -> bool:
        if self._took(_FLAGS):
            return True
        if self._took(_GROUP) is None:
            raise PatternError("RE2, which reads patterns, has no such group as `(?…`.")
        empty = self.branches()
        if not self._sees(")"):
            raise PatternError("In the pattern, a `)` is missing.")
        self.at += 1
        return empty

    def _class(self) -> bool:
        if self._took(_CLASS) is None:
            raise PatternError("In the pattern, a class such as `[a-z]` is not understood.")
        return False

    def _escaped(self) -> bool:
        match = self._took(_ESCAPE)
        if match is None:
            shown = self.text[self.at : self.at + 2]
            raise PatternError(f"In the pattern, `{shown}` is not understood.")
        return match[1] is None  # a place, such as \\b, and no character

    def _repeated(self, empty: bool) -> bool:  # noqa: FBT001  what an atom told is passed on
        if self._sees("*", "?"):
            empty = True
            self.at += 1
        elif self._sees("+"):
            self.at += 1
        elif match := self._took(_REPEAT):
            least, most = int(match[1]), int(match[3] or match[1])
            if max(least, most) > _MOST_TIMES or (match[3] and most < least):
                raise PatternError(f"In the pattern, `{match[0]}` repeats too often, or oddly.")
            empty = empty or least == 0
        else:
            return empty
        if self._sees("?"):
            self.at += 1
        if self._sees("*", "+", "?") or _REPEAT.match(self.text, self.at):
            raise PatternError("In the pattern, a repetition is repeated.")
        return empty
