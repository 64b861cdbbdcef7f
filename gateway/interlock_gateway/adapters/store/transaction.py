"""Units of work on the writer's connection: each in its own savepoint, journal rows together."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from interlock_gateway.adapters.store.driver import Driver
from interlock_gateway.adapters.store.echoes import tell
from interlock_gateway.adapters.store.reading import SqlReading
from interlock_gateway.adapters.store.statements import (
    NAMES,
    adding,
    adding_events,
    adding_parts,
    changing,
    counting_up,
    last_logindex,
    last_sequence,
)
from interlock_gateway.core.timeline import SALT_BYTES, Draft, Event, Place, write
from interlock_gateway.service.ports import Cleaner, ConflictError
from interlock_gateway.service.record import Record
from interlock_gateway.service.records import ApprovalRow

R = TypeVar("R", bound=Record)
T = TypeVar("T")


class Heads:
    """The last log index and the last sequence of each incident, as far as they are known."""

    def __init__(self, driver: Driver) -> None:
        last = driver.one(last_logindex(driver.engine), {})
        self._logindex = -1 if last is None else int(last)
        self._sequences: dict[str, int] = {}
        self._before: tuple[int, dict[str, int]] = (self._logindex, {})

    def mark(self) -> None:
        """Remember this moment, for `forget`."""
        self._before = (self._logindex, {})

    def forget(self) -> None:
        """Take back every number taken since `mark`."""
        self._logindex, sequences = self._before
        self._sequences.update(sequences)

    def next(self, driver: Driver, incident: str) -> tuple[int, int]:
        """Return the next (log index from 0, sequence from 1) and take them."""
        if incident not in self._sequences:
            last = driver.one(last_sequence(driver.engine), {"incident": incident})
            self._sequences[incident] = int(last or 0)
        self._before[1].setdefault(incident, self._sequences[incident])
        self._logindex += 1
        self._sequences[incident] += 1
        return self._logindex, self._sequences[incident]


class SqlTransaction(SqlReading):
    """Implements `service.ports.Transaction` for the units of one batch, one after another."""

    def __init__(
        self,
        connection: Connection,
        heads: Heads,
        now: datetime,
        identifier: Callable[[str], str],
        random_bytes: Callable[[int], bytes],
        clean: Cleaner,
    ) -> None:
        super().__init__(connection)
        self._clean = clean
        self.now = now
        self._identifier = identifier
        self._salt = lambda: random_bytes(SALT_BYTES)
        self._heads = heads
        self._written: list[Event] = []
        self._changed: set[str] = set()

    def run(self, unit: Callable[["SqlTransaction"], T], *, alone: bool) -> T:
        """Run one unit; when it raises, nothing of it stays.

        Each of several has a savepoint. One that is `alone` in its transaction needs none: when
        it raises, whoever began the transaction rolls back all of it.
        """
        mark = len(self._written)
        self._heads.mark()
        try:
            with nullcontext() if alone else self._savepoint():
                return unit(self)
        except BaseException:
            del self._written[mark:]
            self._heads.forget()
            raise

    @contextmanager
    def _savepoint(self) -> Iterator[None]:
        self._connection.exec_driver_sql("SAVEPOINT unit")
        try:
            yield
        except BaseException:
            self._connection.exec_driver_sql("ROLLBACK TO SAVEPOINT unit")
            self._connection.exec_driver_sql("RELEASE SAVEPOINT unit")
            raise
        self._connection.exec_driver_sql("RELEASE SAVEPOINT unit")

    def flush(self) -> None:
        """Write the journal rows of all units that stand, and wake who waits elsewhere."""
        if self._changed:
            tell(self._driver, self._changed)
        if not self._written:
            return
        engine = self._driver.engine
        self._driver.many(adding_events(engine), map(_event_row, self._written))
        belonging = [
            {name: getattr(part, name) for name in ("id", "event", "salt", "content", "mediatype")}
            for event in self._written
            for part in event.parts
        ]
        if belonging:
            self._driver.many(adding_parts(engine), belonging)

    def add(self, row: Record) -> None:
        """Insert a row, or raise ConflictError."""
        try:
            values = self._clean.row(_values(row), row.WORDS)
            self._driver.change(adding(self._driver.engine, row.TABLE), values)
        except IntegrityError as error:
            raise ConflictError(f"This exists already in {row.TABLE}: {error.orig}.") from error

    def change(self, row: R, **changes: object) -> R:
        """Replace columns of `row` if it is still as it was read, or raise ConflictError."""
        was = _values(row)
        changes = self._clean.row(changes, row.WORDS)
        values = {f"was_{name}": value for name, value in was.items()}
        values |= {f"new_{name}": value for name, value in changes.items()}
        statement = changing(self._driver.engine, row.TABLE, tuple(changes))
        if self._driver.change(statement, values) != 1:
            raise ConflictError(f"A row of {row.TABLE} was changed by somebody else first.")
        if isinstance(row, ApprovalRow):
            self._changed.add(row.id)
        return type(row)(**{**was, **changes})

    def append(self, draft: Draft) -> str:
        """Append an event; it becomes a row when the batch is flushed."""
        logindex, sequence = self._heads.next(self._driver, draft.incident)
        place = Place(self._identifier("evt"), logindex, sequence, self.now)
        event = write(
            self._clean.draft(draft),
            place,
            part_id=lambda: self._identifier("part"),
            salt=self._salt,
        )
        self._written.append(event)
        return place.event

    def number(self, series: str) -> int:
        """Return the next number of a series; gapless, since a rollback takes it back."""
        statement = counting_up(self._driver.engine)
        return int(self._driver.one(statement, {"series": series}))


def _values(row: Record) -> dict[str, Any]:
    return {name: getattr(row, name) for name in NAMES[type(row)]}


def _event_row(event: Event) -> dict[str, Any]:
    return {
        "logindex": event.place.logindex,
        "id": event.place.event,
        "incident": event.incident,
        "sequence": event.place.sequence,
        "type": event.type,
        "recorded": event.place.recorded,
        "body": event.body,
    }
