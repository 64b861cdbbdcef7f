"""Units of work on the writer's connection: each in its own savepoint, journal rows together."""

from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any, TypeVar

from interlock.proof import read_key
from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from interlock_gateway.adapters.store.echoes import tell
from interlock_gateway.adapters.store.heads import Heads, signed
from interlock_gateway.adapters.store.reading import SqlReading
from interlock_gateway.adapters.store.savepoint import Savepoint
from interlock_gateway.adapters.store.statements import (
    NAMES,
    Compiled,
    adding,
    adding_artifacts,
    adding_events,
    adding_parts,
    changing,
    counting_up,
    destroying,
)
from interlock_gateway.core.log import is_due
from interlock_gateway.core.timeline import SALT_BYTES, Draft, Event, Place, write
from interlock_gateway.service.anchoring import announce
from interlock_gateway.service.log_records import CheckpointRow, LogKeyRow, NodeRow
from interlock_gateway.service.ports import Cleaner, Clock, ConflictError, LogSigner
from interlock_gateway.service.record import Record
from interlock_gateway.service.records import ApprovalRow

R = TypeVar("R", bound=Record)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Recording:
    """What an event needs besides its words: a moment, a name, salts, at times a signature.

    Attributes:
        identifier: gives a fresh random identifier with a prefix.
        random_bytes: gives so many fresh random bytes.
        clean: masks secrets in whatever is written.
    """

    clock: Clock
    identifier: Callable[[str], str]
    random_bytes: Callable[[int], bytes]
    signer: LogSigner
    clean: Cleaner


class SqlTransaction(SqlReading):
    """Implements `service.ports.Transaction` for the units of one batch, one after another."""

    def __init__(self, connection: Connection, heads: Heads, recording: "Recording") -> None:
        super().__init__(connection)
        self.now = recording.clock.now()
        self._identifier = recording.identifier
        self._salt = lambda: recording.random_bytes(SALT_BYTES)
        self._signer = recording.signer
        self._clean = recording.clean
        self._heads = heads
        self._savepoint = Savepoint(self._driver)
        self._new_key = ""
        self._is_due = False
        self._written: list[Event] = []
        self._changed: set[str] = set()
        self.destroyed = False
        """Whether something was destroyed whose bytes are still in the store's files."""

    def run(self, unit: Callable[["SqlTransaction"], T], *, alone: bool) -> T:
        """Run one unit; when it raises, nothing of it stays.

        Each of several has a savepoint. One that is `alone` in its transaction needs none: when
        it raises, whoever began the transaction rolls back all of it.
        """
        mark = len(self._written)
        self._heads.mark()
        try:
            with self._savepoint if not alone else nullcontext():
                return unit(self)
        except BaseException:
            del self._written[mark:]
            self._heads.forget()
            raise

    def flush(self) -> None:
        """Write the journal rows of all units that stand, and wake who waits elsewhere.

        Raises:
            BrokenLogError: a checkpoint is due, and nothing can sign it.
        """
        if self._changed:
            tell(self._driver, self._changed)
        if self._written:
            self._write()
        elif self._is_due:
            self._sign()

    def _write(self) -> None:
        """Write events and parts, and with them how the log grew."""
        engine, growth = self._driver.engine, self._heads.grow(self._written)
        rows = zip(self._written, growth.leaves, strict=True)
        self._driver.many(adding_events(engine), (_event_row(*row) for row in rows))
        belonging = [
            {name: getattr(part, name) for name in ("id", "event", "salt", "content", "mediatype")}
            for event in self._written
            for part in event.parts
        ]
        if belonging:
            self._driver.many(adding_parts(engine), belonging)
        large = [
            {name: getattr(one, name) for name in _ARTIFACT}
            for event in self._written
            for one in event.artifacts
        ]
        if large:
            self._driver.many(adding_artifacts(engine), large)
        if growth.nodes:
            self._driver.many(adding(engine, NodeRow.TABLE), map(_values, growth.nodes))
        end = {"size": growth.frontier.size, "peaks": growth.frontier.packed()}
        self._heads.row = self.change(self._heads.row, **end)
        if self._is_due or is_due(event.type for event in self._written):
            self._sign()

    def _sign(self) -> None:
        """Sign where the log ends now, with the new key as well where there is one."""
        row = self._heads.row
        new = read_key(self._new_key).id if self._new_key else ""
        note = signed(row, self._signer, *filter(None, (row.key, new)))
        if self.get(CheckpointRow, row.size) is None:
            self.add(CheckpointRow(row.size, note, self.now))
            told = {event.incident for event in self._written if is_due([event.type])} - {""}
            announce(self, note, {incident: self.length(incident) for incident in sorted(told)})
        if new:
            self.add(LogKeyRow(new, self._new_key, row.size, self.now, note))
            self._heads.row = self.change(row, key=new)

    def add(self, row: Record) -> None:
        """Insert a row, or raise ConflictError."""
        try:
            values = self._clean.row(_values(row), row.WORDS)
            self._change(adding(self._driver.engine, row.TABLE), values)
        except IntegrityError as error:
            raise ConflictError(f"This exists already in {row.TABLE}: {error.orig}.") from error

    def change(self, row: R, **changes: object) -> R:
        """Replace columns of `row` if it is still as it was read, or raise ConflictError."""
        was = _values(row)
        changes = self._clean.row(changes, row.WORDS)
        values = {f"was_{name}": value for name, value in was.items()}
        values |= {f"new_{name}": value for name, value in changes.items()}
        statement = changing(self._driver.engine, row.TABLE, tuple(changes))
        if self._change(statement, values) != 1:
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
            artifact_id=lambda: self._identifier("art"),
            salt=self._salt,
        )
        self._written.append(event)
        return place.event

    def destroy(self, name: str) -> None:
        """Destroy a part or an artifact, salt and bytes; the database wants its tombstone."""
        for table in ("parts", "artifacts"):
            self._change(destroying(self._driver.engine, table), {"id": name})
        self.destroyed = True

    def length(self, incident: str) -> int:
        """Return how many events an incident has, those of this unit among them."""
        return self._heads.last(self._driver, incident)

    def checkpoint(self) -> None:
        """Have a checkpoint signed in this transaction."""
        self._is_due = True

    def rotate(self, key: str) -> None:
        """Have the log signed by another key from now on, and by both this time."""
        self._new_key, self._is_due = key, True

    def number(self, series: str) -> int:
        """Return the next number of a series; gapless, since a rollback takes it back."""
        self._savepoint.take()
        statement = counting_up(self._driver.engine)
        return int(self._driver.one(statement, {"series": series}))

    def _change(self, statement: Compiled, values: Mapping[str, Any]) -> int:
        self._savepoint.take()
        return self._driver.change(statement, values)


_ARTIFACT = ("id", "event", "salt", "content", "mediatype", "preview")


def _values(row: Record) -> dict[str, Any]:
    return {name: getattr(row, name) for name in NAMES[type(row)]}


def _event_row(event: Event, leaf: bytes) -> dict[str, Any]:
    return {
        "logindex": event.place.logindex,
        "id": event.place.event,
        "incident": event.incident,
        "sequence": event.place.sequence,
        "type": event.type,
        "recorded": event.place.recorded,
        "body": event.body,
        "leaf": leaf,
    }
