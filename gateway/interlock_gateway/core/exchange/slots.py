"""Texts and bodies with places for values: `{name}`, `{seen.column}`, `{ask.incident}`.

A text that is one place alone becomes the value itself, with its JSON type; a place inside a
text becomes text. What comes out is encoded as a whole where it is used, so that no value can
leave its place.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from interlock_gateway.core.exchange.errors import ExchangeError

ASKED = ("incident", "requester", "reason", "at", "token")
"""What `{ask.…}` can be; `token` is a random word of this one request for approval."""

FORMS = ("quoted", "minutes_from_now")
"""What may stand behind a bar: `{value|quoted}`, `{minutes|minutes_from_now}`."""

EACH, ITEM = "$each", "$item"
"""How files write that there is one of something for every item of a list."""

_NAME = r"(?:(?:ask|seen|item)\.)?[a-z][a-z0-9_]*"
_HOLE = re.compile(r"\{(" + _NAME + r")(?:\|([a-z_]+))?\}")
_QUOTED = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n"})


@dataclass(frozen=True, slots=True)
class Hole:
    """A place for a value.

    Attributes:
        name: of an argument, or `seen.…`, `ask.…`, `item.…`.
        form: one of `FORMS`, or "" for the value as it is.
    """

    name: str
    form: str = ""


@dataclass(frozen=True, slots=True)
class Text:
    """A text with places in it; `pieces` are its parts in order."""

    pieces: tuple[str | Hole, ...]

    @classmethod
    def of(cls, source: str) -> "Text":
        """Return what `source` writes.

        Raises:
            ExchangeError: a brace that is no part of a place.
        """
        pieces: list[str | Hole] = []
        at = 0
        for found in _HOLE.finditer(source):
            pieces += [source[at : found.start()], Hole(found[1], found[2] or "")]
            at = found.end()
        pieces.append(source[at:])
        for piece in pieces:
            if isinstance(piece, str) and re.search(r"[{}]", piece):
                raise ExchangeError(f"{source[:80]!r} has a brace that encloses no name.")
            if isinstance(piece, Hole) and piece.form not in ("", *FORMS):
                raise ExchangeError(f"{source[:80]!r}: known behind a bar: {', '.join(FORMS)}.")
        return cls(tuple(piece for piece in pieces if piece != ""))

    def filled(self, values: Mapping[str, Any]) -> Any:
        """Return the value itself where the text is one place alone, else the text."""
        match self.pieces:
            case [Hole() as hole]:
                return _value(hole, values)
            case pieces:
                return "".join(
                    piece if isinstance(piece, str) else as_text(_value(piece, values))
                    for piece in pieces
                )


@dataclass(frozen=True, slots=True)
class Each:
    """One `item` for every entry of a list argument; inside, `{item.field}` is its field."""

    name: str
    item: Any

    def filled(self, values: Mapping[str, Any]) -> list[Any]:
        """Return the items."""
        entries = _value(Hole(self.name), values)
        if not isinstance(entries, list):
            raise ExchangeError(f"{self.name} is no list.")
        return [
            filled(self.item, {**values, **{f"item.{key}": one for key, one in entry.items()}})
            for entry in entries
        ]


def filled(tree: Any, values: Mapping[str, Any]) -> Any:
    """Return a tree of JSON with every place filled.

    Raises:
        ExchangeError: there is no value for a place.
    """
    match tree:
        case Text() | Each():
            return tree.filled(values)
        case dict():
            return {key: filled(inner, values) for key, inner in tree.items()}
        case list():
            return [filled(inner, values) for inner in tree]
        case _:
            return tree


def holes(tree: Any) -> Iterator[Hole]:
    """Yield every place of a tree; the list of an `Each` is one as well."""
    match tree:
        case Text(pieces):
            yield from (piece for piece in pieces if isinstance(piece, Hole))
        case Each(name, item):
            yield Hole(name)
            yield from holes(item)
        case dict():
            for inner in tree.values():
                yield from holes(inner)
        case list() | tuple():
            for inner in tree:
                yield from holes(inner)


def as_text(value: Any) -> str:
    """Return a single value as text.

    Raises:
        ExchangeError: a list or an object, which is not one text.
    """
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return value
        case int():
            return str(value)
        case float():
            return repr(value)
        case _:
            raise ExchangeError(f"A {type(value).__name__} cannot stand inside a text.")


def _value(hole: Hole, values: Mapping[str, Any]) -> Any:
    value = values.get(hole.name)
    if value is None:
        told = "The preview does not say" if "seen." in hole.name else "There is no value for"
        raise ExchangeError(f"{told} {{{hole.name}}}.")
    match hole.form:
        case "quoted":
            return '"' + as_text(value).translate(_QUOTED) + '"'
        case "minutes_from_now":
            return _later(values, value)
        case _:
            return value


def _later(values: Mapping[str, Any], minutes: Any) -> str:
    if not isinstance(minutes, int) or isinstance(minutes, bool):
        raise ExchangeError("Minutes are a whole number.")
    then = datetime.fromisoformat(str(values["ask.at"])) + timedelta(minutes=minutes)
    return moment(then)


def moment(at: datetime) -> str:
    """Return a moment as RFC 3339 with whole seconds, which every vendor reads."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
