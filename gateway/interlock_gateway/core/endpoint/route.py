"""What may be asked of an HTTP target: a template into which values go and stay values.

A value fills one whole segment of the path, one value of the query, or one leaf of the body. It
is encoded there, so it can neither leave its place nor add a key.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from math import isfinite
from typing import Any
from urllib.parse import quote

from interlock_gateway.core.endpoint.url import Base

_SLOT = re.compile(r"\{([a-z][a-z0-9_]*)\}")
_WORD = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*")
_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
_LONGEST = 16 * 1024  # characters of one value
_KINDS: Mapping[str, tuple[type, ...]] = {
    "text": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
}


class RouteError(ValueError):
    """A template is wrong, or a value does not go where it should; the message says which."""


@dataclass(frozen=True, slots=True)
class Slot:
    """A leaf of a body where the value of a parameter goes."""

    name: str


@dataclass(frozen=True, slots=True)
class Request:
    """What is sent: every byte of it is decided before the target is looked up.

    Attributes:
        method: the HTTP method.
        path: path and query as they stand in the request line.
        body: JSON, or None for no body.
        media: the media type of the body.
        fields: more header fields: name and value.
    """

    method: str
    path: str
    body: bytes | None = None
    media: str = "application/json"
    fields: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Route:
    """One thing that may be asked.

    Attributes:
        method: GET, POST, PUT, PATCH or DELETE.
        path: `/api/v1/label/{name}/values`; a parameter is a whole segment.
        params: parameter → text, integer, number or boolean.
        query: the query's keys, each the name of a parameter that may be left out.
        body: JSON with a `Slot` where a value goes; None for no body.
    """

    method: str
    path: str
    params: Mapping[str, str] = field(default_factory=dict)
    query: tuple[str, ...] = ()
    body: Any = None

    def __post_init__(self) -> None:
        if self.method not in _METHODS:
            raise RouteError(f"{self.method!r} is no method: {', '.join(_METHODS)}.")
        places = [*self._in_path(), *self.query, *_slots(self.body)]
        if sorted(places) != sorted(self.params):
            raise RouteError(f"{self.path}: each parameter has exactly one place.")
        wrong = [kind for kind in self.params.values() if kind not in _KINDS]
        if wrong:
            raise RouteError(f"{self.path}: {wrong[0]!r} is no type of a parameter.")

    def request(self, base: Base, values: Mapping[str, Any]) -> Request:
        """Return the request with `values` in their places.

        Raises:
            RouteError: a value is missing, unknown, of another type, or cannot stand there.
        """
        required = set(self.params) - set(self.query)
        unknown, missing = set(values) - set(self.params), required - set(values)
        if unknown or missing:
            names = ", ".join(sorted(unknown or missing))
            raise RouteError(f"{self.path}: {'unknown' if unknown else 'missing'}: {names}.")
        texts = {name: self._checked(name, value) for name, value in values.items()}
        path = "/".join(_segment(part, texts) for part in self.path.split("/"))
        pairs = (f"{key}={quote(texts[key], safe='')}" for key in self.query if key in texts)
        query = "&".join(pairs)
        body = None if self.body is None else json.dumps(_filled(self.body, values)).encode()
        return Request(self.method, base.path + path + (f"?{query}" if query else ""), body)

    def _in_path(self) -> list[str]:
        head, *segments = self.path.split("/")
        if head or not segments:
            raise RouteError(f"{self.path!r}: a path begins with a slash.")
        slots = [_SLOT.fullmatch(segment) for segment in segments]
        for segment, slot in zip(segments, slots, strict=True):
            if not slot and not _WORD.fullmatch(segment):
                raise RouteError(f"{self.path!r}: {segment!r} is neither a word nor one {{name}}.")
        return [slot[1] for slot in slots if slot]

    def _checked(self, name: str, value: Any) -> str:
        kind = self.params[name]
        if not isinstance(value, _KINDS[kind]) or (kind != "boolean" and isinstance(value, bool)):
            raise RouteError(f"{name} must be {kind}, not {type(value).__name__}.")
        if isinstance(value, float) and not isfinite(value):
            raise RouteError(f"{name} must be a finite number.")
        text = json.dumps(value) if not isinstance(value, str) else value
        if len(text) > _LONGEST:
            raise RouteError(f"{name} has {len(text):,} characters; the limit is {_LONGEST:,}.")
        try:
            text.encode()
        except UnicodeEncodeError:
            raise RouteError(f"{name} holds half a character, which cannot be sent.") from None
        return text


def _segment(part: str, texts: Mapping[str, str]) -> str:
    slot = _SLOT.fullmatch(part)
    if slot is None:
        return part
    return segment(slot[1], texts[slot[1]])


def segment(name: str, text: str) -> str:
    """Return `text` as one segment of a path, encoded.

    Raises:
        RouteError: a server could take it for more than one segment, or for none.
    """
    # A server may undo the encoding before it looks for slashes and dots, so these never go.
    if text in ("", ".", "..") or re.search(r"[/\\\x00-\x1f\x7f]", text):
        raise RouteError(f"{name} = {text[:80]!r} cannot be one segment of a path.")
    return encoded(name, text)


def encoded(name: str, text: str) -> str:
    """Return `text` as a value of the query: nothing in it ends the value.

    Raises:
        RouteError: too long, or no text that can be sent.
    """
    if len(text) > _LONGEST:
        raise RouteError(f"{name} has {len(text):,} characters; the limit is {_LONGEST:,}.")
    try:
        return quote(text, safe="")
    except UnicodeEncodeError:
        raise RouteError(f"{name} holds half a character, which cannot be sent.") from None


def _slots(body: Any) -> Iterator[str]:
    match body:
        case Slot(name):
            yield name
        case dict():
            for inner in body.values():
                yield from _slots(inner)
        case list():
            for inner in body:
                yield from _slots(inner)


def _filled(body: Any, values: Mapping[str, Any]) -> Any:
    match body:
        case Slot(name):
            return values[name]
        case dict():
            return {key: _filled(inner, values) for key, inner in body.items()}
        case list():
            return [_filled(inner, values) for inner in body]
        case _:
            return body
