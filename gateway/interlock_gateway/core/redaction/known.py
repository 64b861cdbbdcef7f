"""Secrets whose values are known, and one search for all of them in every usual encoding.

Each is looked for as it is, in Base64 at each of its three alignments (once, and Base64 of that),
in hexadecimal of either case, and with quotes doubled as SQL does; and all of these in every view
of a text: percent, JSON, Unicode and HTML escapes decoded, line breaks taken out. What is
compressed, encrypted, written backwards or in another base is not found.

A value that is short, or an ordinary word, stands in texts by chance. Masking it everywhere would
destroy them and protect nothing, so it is masked only where it is written as a credential.
"""

import base64
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from ahocorasick_rs import AhoCorasick

from interlock_gateway.core.redaction.marks import Span, mark
from interlock_gateway.core.redaction.views import ROUNDS, View, decoded, views

KNOWN = "known-secret"
"""The rule of a secret whose value the gateway holds."""

LEAST = 8
"""Characters from which a value is looked for everywhere."""

_LONGEST_WORD, _LONGEST_NUMBER = 14, 9
_WORD = re.compile(r"[A-Za-z]?[a-z]+|[A-Z]+")
_TINY = 4  # characters below which even a record would lose more than the secret
_EDGE = re.compile(r"[A-Za-z0-9+/_-]")
_EDGES = 2  # characters of Base64 that hold bits of the secret and of what stands beside it
_CREDENTIAL = (
    r"(?i:pass(?:word|wd|phrase)?|pwd|secret|token|credentials?|api[-_]?key|auth)"
    r"""["'\]]{0,2}\s*(?:=>|:=|[=:]|\s)\s*["']?"""
)
_USER = r"://[^\s:/@]{0,64}:"


@dataclass(frozen=True, slots=True)
class Secret:
    """A value that must not be stored; it never appears in a representation."""

    value: str = field(repr=False)
    rule: str = KNOWN
    sure: bool = True


@dataclass(frozen=True, slots=True)
class _Pattern:
    rule: str
    sure: bool
    edges: bool  # Base64: the characters beside it hold bits of it


def is_weak(value: str) -> bool:
    """Tell whether a value could stand in a text by chance: short, a word, or a small number."""
    if len(value) < LEAST or value in mark(KNOWN):
        return True
    if value.isdigit():
        return len(value) <= _LONGEST_NUMBER
    return len(value) <= _LONGEST_WORD and _WORD.fullmatch(value) is not None


def _is_mark(secret: Secret) -> bool:
    """Tell whether a value is a piece of the mark itself; every mark would be masked again."""
    return secret.value in mark(KNOWN) and re.search("[⟦⟧]|masked", secret.value) is not None


def _by_chance(secret: Secret) -> bool:
    """Tell whether to look for it only where it is named; what was found was found somewhere."""
    return is_weak(secret.value) and (secret.sure or len(secret.value) < _TINY)


class Known:
    """A compiled search for many secrets; build it once, it is never changed."""

    def __init__(self, secrets: Iterable[Secret]) -> None:
        """Compile the search; milliseconds for a hundred secrets."""
        every = {one.value: one for one in secrets if one.value.strip() and not _is_mark(one)}
        weak = [one for one in every.values() if _by_chance(one)]
        strong = [one for one in every.values() if not _by_chance(one)]
        found = [
            (text, _Pattern(one.rule, one.sure, edges))
            for one in strong
            for text, edges in _encodings(one.value)
        ]
        self._patterns = [pattern for _, pattern in found]
        self._search = AhoCorasick([text for text, _ in found]) if found else None
        self._weak = _written_as_credential([one.value for one in weak]) if weak else None
        self.strong, self.weak = len(strong), len(weak)

    def __repr__(self) -> str:
        """Return how many there are, and none of them."""
        return f"Known({self.strong} strong, {self.weak} weak)"

    def __bool__(self) -> bool:
        """Tell whether there is anything to look for."""
        return self._search is not None or self._weak is not None

    def spans(self, text: str) -> list[Span]:
        """Return where secrets stand in `text`, in any of their encodings; they may overlap."""
        if not self:
            return []
        return [span for view in views(text) for span in self._in(view, text)]

    def _in(self, view: View, text: str) -> Iterator[Span]:
        if self._search is not None:
            for index, start, end in self._search.find_matches_as_indexes(
                view.text, overlapping=True
            ):
                pattern = self._patterns[index]
                where = view.original(start, end)
                if pattern.edges:
                    where = _widened(text, *where)
                yield Span(*where, pattern.rule, pattern.sure)
        if self._weak is not None:
            for match in self._weak.finditer(view.text):
                kind = "named" if match["named"] is not None else "user"
                yield Span(*view.original(*match.span(kind)), KNOWN, sure=True)


def _encodings(value: str) -> Iterator[tuple[str, bool]]:
    """Yield how a value may be written, and whether that is Base64, whose edges are blurred."""
    content = value.encode("utf-8", "backslashreplace")
    texts = {value, value.replace("'", "''"), value.replace(" ", "+")}
    texts |= {content.hex(), content.hex().upper()}
    read = value
    for _ in range(ROUNDS):  # as it reads in a view, should a part of it look like an escape
        read = decoded(read)
        texts |= set() if is_weak(read) else {read}
    yield from ((text, False) for text in sorted(texts))
    once = set(_base64(content))
    inner = (base64.b64encode(content), base64.urlsafe_b64encode(content))
    twice = {text for one in inner for text in _base64(one.rstrip(b"="))}
    yield from ((text, True) for text in sorted(once | twice) if len(text) >= LEAST)


def _base64(content: bytes) -> Iterator[str]:
    """Yield what all Base64 around `content` has in common, for each alignment and alphabet."""
    for before in range(3):
        text = base64.b64encode(b"\0" * before + content).decode()
        core = text[(0, 2, 3)[before] : (before + len(content)) * 8 // 6]
        yield core
        yield core.replace("+", "-").replace("/", "_")


def _widened(text: str, start: int, end: int) -> tuple[int, int]:
    """Return a match of Base64 with the characters beside it that hold bits of the secret."""
    for _ in range(_EDGES):
        if start > 0 and _EDGE.match(text[start - 1]):
            start -= 1
        if end < len(text) and _EDGE.match(text[end]):
            end += 1
    for _ in range(_EDGES):
        if end < len(text) and text[end] == "=":
            end += 1
    return start, end


def _written_as_credential(values: list[str]) -> re.Pattern[str]:
    """Return what finds weak values where a text says that they are a credential."""
    either = "|".join(sorted(map(re.escape, values), key=len, reverse=True))
    named = rf"{_CREDENTIAL}(?P<named>{either})(?![A-Za-z0-9])"
    user = rf"{_USER}(?P<user>{either})(?=@)"
    return re.compile(f"(?:{named}|{user})")
