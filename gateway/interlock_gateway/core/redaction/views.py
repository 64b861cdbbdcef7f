r"""Texts as their readers decode them, with the way back to where each character stood.

A secret may be written `%68unter…`, `\u0068unter…`, `&#104;unter…` or with a line break in the
middle of its Base64. Each view is searched like the text itself.
Sources: RFC 3986 (2.1), RFC 8259 (7), https://html.spec.whatwg.org/#character-references
"""

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field

ROUNDS = 3
"""How often a text is decoded: what is escaped four times over is not found."""

# Each alternative begins with the character itself: that lets the search skip what is plain.
_KINDS = {
    "%": r"%(?P<percent>[0-9A-Fa-f]{2}(?:%[0-9A-Fa-f]{2})*)",
    "\\": (
        r"\\x(?P<bytes>[0-9A-Fa-f]{2}(?:\\x[0-9A-Fa-f]{2})*)"
        r"|\\(?P<letter>[nrtbf])|\\(?P<other>[^A-Za-z0-9\s])"
        r"|\\u(?P<high>[dD][89abAB][0-9A-Fa-f]{2})\\u(?P<low>[dD][c-fC-F][0-9A-Fa-f]{2})"
        r"|\\u(?P<u>[0-9A-Fa-f]{4})|\\U(?P<long>000[0-9A-Fa-f]{5}|0010[0-9A-Fa-f]{4})"
        r"|\\u\{(?P<brace>[0-9A-Fa-f]{1,6})\}"
    ),
    "&": (
        r"&\#[xX](?P<hex>[0-9A-Fa-f]{1,6});?|&\#(?P<decimal>[0-9]{1,7});?"
        r"|&(?P<name>amp|lt|gt|quot|apos|sol|num|excl|dollar|percnt|ast|plus|equals|commat|colon);"
    ),
}
_ONE = {sign: re.compile(pattern) for sign, pattern in _KINDS.items()}
_TOKEN = re.compile("|".join(_KINDS.values()))
_LETTERS = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}
_NAMES = {
    "amp": "&",
    "lt": "<",
    "gt": ">",
    "quot": '"',
    "apos": "'",
    "sol": "/",
    "num": "#",
    "excl": "!",
    "dollar": "$",
    "percnt": "%",
    "ast": "*",
    "plus": "+",
    "equals": "=",
    "commat": "@",
    "colon": ":",
}
_BREAKS = re.compile(r"[\r\n]+")
_NO_HEX = re.compile(r"[^0-9A-Fa-f]")
_SURROGATE = re.compile("[\ud800-\udfff]")
_UNKNOWN = "\ufffd"
_LAST = 0x10FFFF


@dataclass(slots=True)
class View:
    """A text as it is searched; where its characters stood is worked out for what is found."""

    text: str
    before: "View | None" = None
    tokens: re.Pattern[str] = _BREAKS
    _map: "_Map | None" = None

    def original(self, start: int, end: int) -> tuple[int, int]:
        """Return the span of the text itself that `start` to `end` was decoded from."""
        if self.before is None:
            return start, end
        if self._map is None:
            self._map = _mapped(self.before.text, self.tokens)
        return self.before.original(self._map.start(start), self._map.end(end - 1))


@dataclass(frozen=True, slots=True)
class _Map:
    """For pieces of a decoded text, from where to where each was written; end 0: as it is."""

    at: list[int] = field(default_factory=list)
    written: list[tuple[int, int]] = field(default_factory=list)

    def start(self, place: int) -> int:
        piece = bisect_right(self.at, place) - 1
        start, end = self.written[piece]
        return start if end else start + place - self.at[piece]

    def end(self, last: int) -> int:
        piece = bisect_right(self.at, last) - 1
        start, end = self.written[piece]
        return end or start + last - self.at[piece] + 1


def views(text: str) -> Iterator[View]:
    """Yield the text, without halves of characters, and every way in which it may be read."""
    view = View(text if text.isascii() else _SURROGATE.sub(_UNKNOWN, text))
    yield view
    yield from _unbroken(view)
    signs = [sign for sign in _ONE if sign in view.text]
    if len(signs) > 1:  # one sign may be an escape, and another a part of the secret
        for sign in signs:
            yield from _decoded_by(view, _ONE[sign])
    for _ in range(ROUNDS):
        if not any(sign in view.text for sign in _ONE):
            return
        text = decoded(view.text)
        if text == view.text:
            return
        view = View(text, view, _TOKEN)
        yield view
        yield from _unbroken(view)


def decoded(text: str) -> str:
    """Return `text` as it reads when everything in it that looks like an escape is decoded."""
    return _TOKEN.sub(_plain, text)


def _decoded_by(view: View, tokens: re.Pattern[str]) -> Iterator[View]:
    text = tokens.sub(_plain, view.text)
    if text != view.text:
        yield View(text, view, tokens)


def _unbroken(view: View) -> Iterator[View]:
    text = view.text.replace("\n", "").replace("\r", "")
    if len(text) != len(view.text):
        yield View(text, view, _BREAKS)


def _plain(token: re.Match[str]) -> str:
    kind = token.lastgroup
    if kind == "letter":  # by far the most of them
        return _LETTERS[token[kind]]
    return "".join(char for char, _ in _decoded(token))


def _mapped(text: str, tokens: re.Pattern[str]) -> _Map:
    """Return where each piece of `text`, decoded, was written in it."""
    found, length, last = _Map(), 0, 0
    for token in tokens.finditer(text):
        start, end = token.span()
        if start > last:
            found.at.append(length)
            found.written.append((last, 0))
            length += start - last
        for _, where in _decoded(token):
            found.at.append(length)
            found.written.append(where)
            length += 1
        last = end
    found.at.append(length)
    found.written.append((last, 0))
    return found


def _decoded(token: re.Match[str]) -> Iterator[tuple[str, tuple[int, int]]]:
    """Yield each character of a token, and from where to where it is written."""
    kind = token.lastgroup
    if kind is None:
        return  # a line break, which is left out
    if kind in {"percent", "bytes"}:
        yield from _bytes(token, 3 if kind == "percent" else 4)
    else:
        yield _character(token, kind), token.span()


def _character(token: re.Match[str], kind: str) -> str:
    found = token.group(kind)
    match kind:
        case "low":
            return bytes.fromhex(token.group("high") + found).decode("utf-16-be")
        case "letter":
            return _LETTERS[found]
        case "name":
            return _NAMES[found]
        case "other":
            return str(found)
        case _:
            return _numbered(int(found, 10 if kind == "decimal" else 16))


def _numbered(number: int) -> str:
    char = chr(number) if number <= _LAST else _UNKNOWN
    return _SURROGATE.sub(_UNKNOWN, char)


def _bytes(token: re.Match[str], width: int) -> Iterator[tuple[str, tuple[int, int]]]:
    """Yield the characters of a run of bytes, each written with `width` characters."""
    content = bytes.fromhex(_NO_HEX.sub("", token.group()))
    at = token.start()
    for char in content.decode("utf-8", "surrogateescape"):
        size = width * len(char.encode("utf-8", "surrogateescape"))
        yield _SURROGATE.sub(_UNKNOWN, char), (at, at + size)
        at += size
