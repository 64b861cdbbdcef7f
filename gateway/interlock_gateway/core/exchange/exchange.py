"""One request of an action's file, with places for values, and what comes of filling them."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from interlock_gateway.core.endpoint import Base, RouteError, encoded, segment
from interlock_gateway.core.exchange.errors import ExchangeError
from interlock_gateway.core.exchange.selection import Selection
from interlock_gateway.core.exchange.slots import Each, Hole, Text, as_text, filled, holes
from interlock_gateway.core.exchange.written import Written, pretty

_FIELD = re.compile(r"[\x20-\x7e]{1,1000}")

Segment = str | Hole
Pair = tuple[str, Text | Each]


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request and how its answer is read.

    Attributes:
        method: GET, POST, PUT, PATCH or DELETE.
        path: its segments, each a word or a place.
        query: keys and their values; an `Each` gives its key once for every item.
        body: JSON with places; None for no body.
        media: the media type of the body.
        fields: header fields: `If-Match`, and the one that makes a repeat harmless.
        selection: how the answer is read.
    """

    method: str
    path: tuple[Segment, ...]
    query: tuple[Pair, ...] = ()
    body: Any = None
    media: str = ""
    fields: tuple[tuple[str, Text], ...] = ()
    selection: Selection = field(default_factory=Selection)

    @property
    def title(self) -> str:
        """Method and path as the file writes them."""
        words = (f"{{{one.name}}}" if isinstance(one, Hole) else one for one in self.path)
        return f"{self.method} /{'/'.join(words)}"

    @property
    def sent(self) -> frozenset[str]:
        """The names of everything that goes into what is sent."""
        return frozenset(hole.name for hole in self._holes())

    @property
    def named(self) -> frozenset[str]:
        """The same with what its answer is compared with."""
        compared = holes([one.value for one in self.selection.where])
        return self.sent | {hole.name for hole in compared}

    def _holes(self) -> Iterator[Hole]:
        yield from (one for one in self.path if isinstance(one, Hole))
        for _, value in (*self.query, *self.fields):
            yield from holes(value)
        yield from holes(self.body)

    def filled(self, base: Base, values: Mapping[str, Any]) -> Written:
        """Return the request, addressed and complete.

        Raises:
            ExchangeError: there is no value for a place, or one that cannot stand there.
        """
        try:
            path = "/".join(_segment(one, values) for one in self.path)
            query = "&".join(self._pairs(values))
        except RouteError as error:
            raise ExchangeError(str(error)) from None
        return Written(
            method=self.method,
            url=f"{base}/{path}" + (f"?{query}" if query else ""),
            fields=tuple((name, _field(name, text, values)) for name, text in self.fields),
            media=self.media,
            body="" if self.body is None else pretty(filled(self.body, values)),
            selection=self.selection.filled(values),
        )

    def _pairs(self, values: Mapping[str, Any]) -> Iterator[str]:
        for key, value in self.query:
            found = filled(value, values)
            for one in found if isinstance(value, Each) else [found]:
                yield f"{encoded(key, key)}={encoded(key, as_text(one))}"


def _segment(part: Segment, values: Mapping[str, Any]) -> str:
    if isinstance(part, str):
        return part
    return segment(part.name, as_text(Text((part,)).filled(values)))


def _field(name: str, text: Text, values: Mapping[str, Any]) -> str:
    value = as_text(text.filled(values))
    if not _FIELD.fullmatch(value) or value != value.strip():
        raise ExchangeError(f"{name}: {value[:80]!r} cannot stand in a header field.")
    return value
