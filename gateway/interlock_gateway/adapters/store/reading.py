"""Questions to one state of the store, on whatever connection they are given."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from interlock.proof import TILE_HASHES
from sqlalchemy import Connection, Select, func, select

from interlock_gateway.adapters.store.driver import Driver, moment
from interlock_gateway.adapters.store.schema import TABLES, Moment, artifacts, events, parts
from interlock_gateway.adapters.store.statements import counting, selecting, shape_of
from interlock_gateway.core.timeline import StoredPart
from interlock_gateway.service.evidence_records import TombstoneRow
from interlock_gateway.service.log_records import NodeRow
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

    def event(self, event: str) -> ReadEvent | None:
        """Return the event of that identifier, without its parts."""
        query = select(events.c.sequence, events.c.body).where(events.c.id == event)
        row = self._connection.execute(query).one_or_none()
        return None if row is None else ReadEvent(row.sequence, bytes(row.body), {})

    def parts(self, events: Sequence[str]) -> Sequence[StoredPart]:
        """Return every part and artifact of these events that is still there, with its salt."""
        names = ("id", "event", "salt", "content", "mediatype")
        out: list[StoredPart] = []
        for table in (parts, artifacts):
            query = select(*(table.c[name] for name in names)).where(table.c.event.in_(events))
            out += [
                StoredPart(row.id, row.event, bytes(row.salt), bytes(row.content), row.mediatype)
                for row in self._connection.execute(query)
            ]
        return sorted(out, key=lambda part: part.id)

    def sequence_below(self, incident: str, size: int) -> int:
        """Return the last sequence of an incident in the first `size` events of the log."""
        query = select(func.max(events.c.sequence)).where(
            events.c.incident == incident, events.c.logindex < size
        )
        return int(self._connection.execute(query).scalar() or 0)

    def tile(self, level: int, tile: int) -> Sequence[bytes]:
        """Return the hashes of a tile of the log's tree; see the port."""
        first, last = tile * TILE_HASHES, (tile + 1) * TILE_HASHES - 1
        if level == 0:
            place = events.c.logindex
            query = select(events.c.leaf).where(place.between(first, last)).order_by(place)
        else:
            nodes = TABLES[NodeRow].c
            query = select(nodes.hash).where(nodes.level == level).order_by(nodes.place)
            query = query.where(nodes.place.between(first, last))
        return [bytes(row[0]) for row in self._connection.execute(query)]

    def bodies(self, first: int, limit: int) -> Sequence[tuple[int, bytes, bytes]]:
        """Return (log index, body, leaf) of all events from `first` on."""
        query = (
            select(events.c.logindex, events.c.body, events.c.leaf)
            .where(events.c.logindex >= first)
            .order_by(events.c.logindex)
            .limit(limit)
        )
        found = self._connection.execute(query)
        return [(row.logindex, bytes(row.body), bytes(row.leaf)) for row in found]

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

    def contents(self, names: Sequence[str]) -> Mapping[str, tuple[str, bytes]]:
        """Return (media type, content) of those parts and artifacts that are there."""
        out: dict[str, tuple[str, bytes]] = {}
        for table in (parts, artifacts):
            query = select(table.c.id, table.c.mediatype, table.c.content)
            for row in self._connection.execute(query.where(table.c.id.in_(list(names)))):
                out[row.id] = (row.mediatype, row.content)
        return out

    def origin(self, name: str) -> bytes | None:
        """Return the body of the event that a part or artifact belongs to, also of one gone."""
        tombstones = TABLES[TombstoneRow]
        places = (
            (parts, parts.c.id),
            (artifacts, artifacts.c.id),
            (tombstones, tombstones.c.part),
        )
        for table, key in places:
            query = select(events.c.body).join(table, table.c.event == events.c.id)
            found = self._connection.execute(query.where(key == name)).first()
            if found is not None:
                return bytes(found.body)
        return None

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
