"""The tables: one per record of `service.records`, and the journal's events and parts."""

from dataclasses import fields
from datetime import UTC, datetime, timedelta
from typing import Any, get_type_hints

from sqlalchemy import (
    BigInteger,
    Column,
    Dialect,
    ForeignKey,
    Index,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.types import TypeDecorator, TypeEngine

from interlock_gateway.service.record import Record
from interlock_gateway.service.records import ROWS

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Moment(TypeDecorator[datetime]):
    """An aware moment as microseconds since 1970: exact and sortable on every engine."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:  # noqa: ARG002  the signature is SQLAlchemy's
        """Return microseconds for the database."""
        return None if value is None else (value - _EPOCH) // _MICROSECOND

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:  # noqa: ARG002  the signature is SQLAlchemy's
        """Return the moment that the database holds."""
        return None if value is None else _EPOCH + int(value) * _MICROSECOND


metadata = MetaData()

events = Table(
    "events",
    metadata,
    Column("logindex", BigInteger, primary_key=True, autoincrement=False),
    Column("id", Text, nullable=False, unique=True),
    Column("incident", Text, nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("type", Text, nullable=False),
    Column("recorded", Moment, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("leaf", LargeBinary, nullable=False),
    UniqueConstraint("incident", "sequence", name="events_incident_sequence"),
)

parts = Table(
    "parts",
    metadata,
    Column("id", Text, primary_key=True),
    Column("event", Text, ForeignKey("events.id"), nullable=False, index=True),
    Column("salt", LargeBinary, nullable=False),
    Column("content", LargeBinary, nullable=False),
    Column("mediatype", Text, nullable=False),
)

artifacts = Table(
    "artifacts",
    metadata,
    Column("id", Text, primary_key=True),
    Column("event", Text, ForeignKey("events.id"), nullable=False, index=True),
    Column("salt", LargeBinary, nullable=False),
    Column("content", LargeBinary, nullable=False),
    Column("mediatype", Text, nullable=False),
    Column("preview", Text, nullable=False),
)

counters = Table(
    "counters",
    metadata,
    Column("series", Text, primary_key=True),
    Column("value", BigInteger, nullable=False),
)

_TYPES: dict[Any, TypeEngine[Any]] = {
    str: Text(),
    int: BigInteger(),
    bytes: LargeBinary(),
    datetime: Moment(),
    datetime | None: Moment(),
}


def _table(kind: type[Record]) -> Table:
    hints = get_type_hints(kind)
    columns = [
        Column(
            entry.name,
            _TYPES[hints[entry.name]],
            primary_key=entry.name in kind.KEY,
            nullable=hints[entry.name] == datetime | None,
        )
        for entry in fields(kind)  # type: ignore[arg-type]  # every Record is a dataclass
    ]
    return Table(kind.TABLE, metadata, *columns)


TABLES: dict[type[Record], Table] = {kind: _table(kind) for kind in ROWS}

_named = {table.name: table.c for table in TABLES.values()}
Index("members_person", _named["members"].person)
Index("runs_incident", _named["runs"].incident)
Index("runs_key", _named["runs"].requester, _named["runs"].key, unique=True)
Index("incidents_key", _named["incidents"].declared_by, _named["incidents"].key, unique=True)
Index("approvals_incident", _named["approvals"].incident)
Index("approvals_state", _named["approvals"].state)
Index("approvals_run", _named["approvals"].run)
Index(
    "approvals_plan",
    _named["approvals"].plan,
    _named["approvals"].place,
    unique=True,
    sqlite_where=_named["approvals"].plan != "",
    postgresql_where=_named["approvals"].plan != "",
)
Index("plans_run", _named["plans"].run)
Index("breaks_person", _named["breaks"].person)
Index("followups_incident", _named["followups"].incident)
Index("tombstones_event", _named["tombstones"].event)
Index("followups_state", _named["followups"].state)
Index("questions_incident", _named["questions"].incident)
Index("outbox_open", _named["outbox"].delivered_at, _named["outbox"].id)
Index("inbox_open", _named["inbox"].handled_at, _named["inbox"].received_at)
Index("links_person", _named["links"].person)
Index("chat_notes_message", _named["chat_notes"].room, _named["chat_notes"].ts)
Index("rooms_room", _named["rooms"].room)
Index("posts_message", _named["posts"].room, _named["posts"].ts)
