"""Questions to one state of the store, on whatever connection they are given."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import Connection, Select, select

from interlock_gateway.adapters.store.driver import Driver, moment
from interlock_gateway.adapters.store.schema import TABLES, Moment, events, parts
from interlock_gateway.adapters.store.statements import counting, selecting, shape_of
from interlock_gateway.service.record import Record

R = TypeVar("R", bound=Record)


@dataclass(frozen=True, slots=True)
class ReadEvent:
    """An event with its parts, as read back."""

    sequence: int
    body: bytes
    parts: Mapping[str, tuple[str, bytes] | None]


_MOMENTS: dict[type[Record], tuple[int, ...]] = {
    kind: tuple(at for at, column in enumerate(table.c) if isinstance(column.type, Moment))
    for kind, table in TABLES.items()
}
"""Where the moments of each record stand."""


_EVENTS = events.c
_WHOLE = select(_EVENTS.id, _EVENTS.sequence, _EVENTS.body)


class SqlReading:
    """Implements `service.ports.Reading` over a SQLAlchemy connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._driver = Driver(connection)

    def get(self, kind: type[R], *key: object) -> R | None:
        """Return the row with this key, or None."""
        shape, values = shape_of(dict(zip(kind.KEY, key, strict=True)))
        found = self._driver.rows(selecting(self._driver.engine, kind.TABLE, shape), values)
        return _made(kind, found[0]) if found else None

    def rows(
        self, kind: type[R], *, order: str = "", limit: int = 0, **where: object
    ) -> Sequence[R]:
        """Return the rows whose columns equal `where`; a tuple means any of its values."""
        shape, values = shape_of(where)
        query = selecting(self._driver.engine, kind.TABLE, shape, order, limit)
        return [_made(kind, found) for found in self._driver.rows(query, values)]

    def count(self, kind: type[Record], **where: object) -> int:
        """Return how many rows match `where`, without reading them."""
        shape, values = shape_of(where)
        return int(self._driver.one(counting(self._driver.engine, kind.TABLE, shape), values))

    def events(self, incident: str, *, after: int = 0, limit: int = 500) -> Sequence[ReadEvent]:
        """Return the events of one incident with a sequence above `after`, in order."""
        query = (
            _WHOLE.where(events.c.incident == incident, events.c.sequence > after)
            .order_by(events.c.sequence)
            .limit(limit)
        )
        return self._whole(query)

    def cited(self, events: Sequence[str]) -> Sequence[ReadEvent]:
        """Return the events with these identifiers, in order."""
        query = _WHOLE.where(_EVENTS.id.in_(list(events))).order_by(_EVENTS.logindex)
        return self._whole(query) if events else []

    def _whole(self, query: Select[Any]) -> list[ReadEvent]:
        found = self._connection.execute(query).all()
        belonging = self._parts([row.id for row in found])
        return [ReadEvent(row.sequence, row.body, belonging.get(row.id, {})) for row in found]

    def journal(
        self, types: Sequence[str], *, since: datetime, after: int = 0, limit: int = 500
    ) -> Sequence[tuple[int, bytes]]:
        """Return (log index, body) of events of all incidents, in the order of the journal."""
        query = (
            select(events.c.logindex, events.c.body)
            .where(
                events.c.logindex > after,
                events.c.recorded >= since,
                events.c.type.in_(list(types)),
            )
            .order_by(events.c.logindex)
            .limit(limit)
        )
        return [(row.logindex, row.body) for row in self._connection.execute(query)]

    def _parts(self, of: Iterable[str]) -> dict[str, dict[str, tuple[str, bytes] | None]]:
        query = select(parts).where(parts.c.event.in_(list(of)))
        out: dict[str, dict[str, tuple[str, bytes] | None]] = {}
        for row in self._connection.execute(query):
            out.setdefault(row.event, {})[row.id] = (row.mediatype, row.content)
        return out


def _made(kind: type[R], found: Sequence[Any]) -> R:
    """Return a record from a row: a table's columns stand in the order of its record's fields."""
    make: Callable[..., R] = kind
    cells = list(found)
    for at in _MOMENTS[kind]:
        if cells[at] is not None:
            cells[at] = moment(cells[at])
    return make(*cells)
