"""Statements, each compiled once: compiling costs more than most of them take to run."""

from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    BindParameter,
    Column,
    ColumnElement,
    Dialect,
    Executable,
    Select,
    Table,
    bindparam,
    delete,
    false,
    func,
    insert,
    literal_column,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.dialects.postgresql import psycopg

from interlock_gateway.adapters.store.schema import artifacts, counters, events, metadata, parts
from interlock_gateway.service.record import Record
from interlock_gateway.service.records import ROWS

NAMES: dict[type[Record], tuple[str, ...]] = {
    kind: tuple(entry.name for entry in fields(kind))  # type: ignore[arg-type]  # every Record is a dataclass
    for kind in ROWS
}
"""The columns of each record, in the order of its fields."""

_DIALECTS: dict[str, Callable[[], Dialect]] = {
    "sqlite": lambda: sqlite.dialect(paramstyle="qmark"),
    "postgresql": lambda: psycopg.dialect(paramstyle="format"),  # type: ignore[no-untyped-call]  # it has no types
}

Shape = tuple[tuple[str, str], ...]
"""Which columns are compared, and how: `one` value, `null`, or any of so many (`3`)."""


@dataclass(frozen=True, slots=True)
class Compiled:
    """A statement as an engine's driver takes it.

    Attributes:
        text: with the driver's placeholders.
        names: of the value for each placeholder, in their order.
    """

    text: str
    names: tuple[str, ...]


def shape_of(where: dict[str, Any]) -> tuple[Shape, dict[str, Any]]:
    """Return the shape of a condition, and its values by placeholder."""
    shape: list[tuple[str, str]] = []
    values: dict[str, Any] = {}
    for name, value in where.items():
        if value is None:
            shape.append((name, "null"))
        elif isinstance(value, tuple | frozenset | set):
            shape.append((name, str(len(value))))
            values |= {f"{name}_{place}": one for place, one in enumerate(value)}
        else:
            shape.append((name, "one"))
            values[name] = value
    return tuple(shape), values


@lru_cache(maxsize=64)
def adding(engine: str, table: str) -> Compiled:
    """Return the insert of a record."""
    return _compiled(engine, insert(metadata.tables[table]))


@lru_cache(maxsize=4)
def adding_events(engine: str) -> Compiled:
    """Return the insert of an event."""
    return _compiled(engine, insert(events))


@lru_cache(maxsize=4)
def adding_parts(engine: str) -> Compiled:
    """Return the insert of an event's part."""
    return _compiled(engine, insert(parts))


@lru_cache(maxsize=4)
def adding_artifacts(engine: str) -> Compiled:
    """Return the insert of an artifact."""
    return _compiled(engine, insert(artifacts))


@lru_cache(maxsize=4)
def destroying(engine: str, table: str) -> Compiled:
    """Return the deletion of one part or artifact."""
    whole = metadata.tables[table]
    return _compiled(engine, delete(whole).where(whole.c.id == bindparam("id")))


@lru_cache(maxsize=4)
def last_logindex(engine: str) -> Compiled:
    """Return the query for the last index of the whole journal."""
    return _compiled(engine, select(func.max(events.c.logindex)))


@lru_cache(maxsize=4)
def last_sequence(engine: str) -> Compiled:
    """Return the query for the last index of one incident."""
    last = select(func.max(events.c.sequence))
    return _compiled(engine, last.where(events.c.incident == bindparam("incident")))


@lru_cache(maxsize=512)
def selecting(engine: str, table: str, shape: Shape, order: str = "", limit: int = 0) -> Compiled:
    """Return the query for rows of that shape; `order` has a leading `-` for descending."""
    whole = metadata.tables[table]
    query: Select[Any] = select(whole).where(*_all(whole, shape))
    if order:
        column = whole.c[order.removeprefix("-")]
        query = query.order_by(column.desc() if order.startswith("-") else column)
    if limit:
        # Said in the text, and the offset too: SQLAlchemy would add values of its own for SQLite.
        query = query.limit(literal_column(str(limit))).offset(literal_column("0"))
    return _compiled(engine, query)


@lru_cache(maxsize=512)
def counting(engine: str, table: str, shape: Shape) -> Compiled:
    """Return the query for the number of rows of that shape."""
    whole = metadata.tables[table]
    return _compiled(engine, select(func.count()).select_from(whole).where(*_all(whole, shape)))


@lru_cache(maxsize=512)
def changing(engine: str, table: str, changed: tuple[str, ...]) -> Compiled:
    """Return the update of these columns (`new_…`) of a row that is still as it was (`was_…`)."""
    whole = metadata.tables[table]
    unchanged = [_same(column) for column in whole.c]
    new = {name: _bound("new", whole.c[name]) for name in changed}
    return _compiled(engine, update(whole).where(*unchanged).values(new))


@lru_cache(maxsize=4)
def counting_up(engine: str) -> Compiled:
    """Return the statement that takes the next number of a series."""
    one: ColumnElement[int] = literal_column("1")
    upsert = (sqlite if engine == "sqlite" else postgresql).insert(counters)
    statement = upsert.values(series=bindparam("series"), value=one).on_conflict_do_update(
        index_elements=[counters.c.series], set_={"value": counters.c.value + one}
    )
    return _compiled(engine, statement.returning(counters.c.value))


def _compiled(engine: str, statement: Executable) -> Compiled:
    made: Any = statement.compile(dialect=_DIALECTS[engine]())  # type: ignore[attr-defined]  # each of ours is a ClauseElement
    return Compiled(str(made), tuple(made.positiontup or ()))


def _all(table: Table, shape: Shape) -> list[ColumnElement[bool]]:
    return [_matches(table.c[name], how) for name, how in shape]


def _matches(column: Column[Any], how: str) -> ColumnElement[bool]:
    if how == "null":
        return column.is_(None)
    if how == "one":
        return column == bindparam(column.key)
    names = [f"{column.key}_{place}" for place in range(int(how))]
    return column.in_([bindparam(name, type_=column.type) for name in names]) if names else false()


def _same(column: Column[Any]) -> ColumnElement[bool]:
    """Compare with what was read; a key is never null, and `=` finds it by its index."""
    was = _bound("was", column)
    return column == was if column.primary_key else column.is_not_distinct_from(was)


def _bound(role: str, column: Column[Any]) -> BindParameter[Any]:
    return bindparam(f"{role}_{column.key}", type_=column.type)
