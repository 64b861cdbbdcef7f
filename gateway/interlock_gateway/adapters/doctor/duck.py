"""Proves the DuckDB engine lock on a file that is opened as the reader opens it.

A file has no logins, so the lock is the same for every target. Probes go past the classifier and
past DuckDB's own parser; each runs in a transaction that is rolled back, names a file without
content, or changes rows WHERE false.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

import duckdb

from interlock_gateway.adapters.doctor.check import Check, Notes
from interlock_gateway.adapters.doctor.names import named
from interlock_gateway.adapters.doctor.sqlite import writable
from interlock_gateway.adapters.targets import duck_lock
from interlock_gateway.adapters.targets.duck import DuckdbReader
from interlock_gateway.adapters.targets.duck_lock import Door
from interlock_gateway.core.model import Dialect, Limits, Statement, Target
from interlock_gateway.core.statement.catalogue import Name
from interlock_gateway.service.targets import Secrets, TargetError

_STRIKES = Limits(seconds=0.3)
_FOREVER = "SELECT sum(a.range * b.range) FROM range(1000000) a, range(1000000) b"
_HUGE = "SELECT repeat('x', 4000000000)"
_TABLE = """
SELECT schema_name, table_name, column_name FROM system.main.duckdb_columns()
 WHERE NOT internal AND database_name = system.main.current_database()
   AND table_oid IN (SELECT table_oid FROM system.main.duckdb_tables() WHERE NOT temporary)
 ORDER BY ALL LIMIT 1"""
_ANY = frozenset(duck_lock.Kind.__members__.values())
_REPORT = "Report it: the lock of DuckDB does not depend on how the target is configured."


@dataclass(frozen=True, slots=True)
class Probe:
    """A statement that must be refused, and the words by which the lock does.

    Attributes:
        check: what it tries, in a few words.
        text: harmless, whatever the file is opened with.
        words: part of the refusal.
        allowed: types of statement that go on to the engine; the reader's are fewer.
    """

    check: str
    text: str
    words: str
    allowed: frozenset[duckdb.StatementType] = _ANY


_OUTSIDE = "disabled by configuration"
_SEES = "DuckDB sees"
PROBES = (
    Probe("a second statement", "SELECT 1; SELECT 2", _SEES, duck_lock.READS),
    Probe("leaving the transaction", "COMMIT", _SEES, duck_lock.READS),
    Probe("a new table", "CREATE TABLE interlock_doctor_probe (id INTEGER)", "read-only mode"),
    Probe("reading a file", "SELECT * FROM read_csv('/dev/null')", _OUTSIDE),
    Probe("writing a file", "COPY (SELECT 1 WHERE false) TO '/dev/null'", _OUTSIDE),
    Probe("another file", "ATTACH '/dev/null' AS interlock_doctor_probe (READ_ONLY)", _OUTSIDE),
    Probe("unlocking", "SET GLOBAL lock_configuration = false", "has been locked"),
)
"""Sent as they are; one more is made for a table that is there."""


async def reading(target: Target, secrets: Secrets, notes: Notes) -> AsyncIterator[Check]:
    """Yield whether the file can be read, and what the lock refuses."""
    path = secrets.resolve(target.read)
    for check in await asyncio.to_thread(_probed_all, path, target, notes):
        yield check
    async for check in _bounded(target, secrets, notes):
        yield check
    for check in await _names(target, secrets, notes):
        yield check
    said = "each call opens a connection for itself, and closes it"
    yield notes.holds("nothing is left behind", "", said)


async def _names(target: Target, secrets: Secrets, notes: Notes) -> list[Check]:
    reader = DuckdbReader(secrets)
    try:
        return await named(await reader.catalogue(target), target, _quoted, notes)
    finally:
        await reader.aclose()


def _quoted(place: Name) -> str:
    return ".".join(map(_name, place))


async def acting(target: Target, secrets: Secrets, notes: Notes) -> AsyncIterator[Check]:
    """Yield whether approved deeds can change the file."""
    yield writable(secrets.resolve(target.act), notes)


def _probed_all(path: str, target: Target, notes: Notes) -> list[Check]:
    door = Door(read_only=True)
    with door.opened(path, target.name, target.limits.seconds) as connection:
        tables = connection.execute(_TABLE).fetchall()
        more = [Probe("changing no rows", _update(*row), "read-only mode") for row in tables]
        said = f"DuckDB {duckdb.__version__}, opened read-only and locked"
        return [
            notes.holds("readable", "open", said),
            *(_probed(connection, probe, notes) for probe in [*PROBES, *more]),
        ]


def _probed(connection: duckdb.DuckDBPyConnection, probe: Probe, notes: Notes) -> Check:
    try:
        attempt(connection, probe)
    except (duckdb.Error, TargetError) as error:
        said = str(error).splitlines()[0]
        if probe.words in said:
            return notes.holds(probe.check, probe.text, said)
        return notes.fails(probe.check, probe.text, said, "It proves nothing. Try again.")
    return notes.fails(probe.check, probe.text, "It was not refused.", _REPORT)


def attempt(connection: duckdb.DuckDBPyConnection, probe: Probe) -> None:
    """Run a probe in a transaction of its own, and roll it back whatever happens."""
    connection.execute("BEGIN TRANSACTION")
    try:
        duck_lock.run(connection, probe.text, (), probe.allowed)
    finally:
        connection.execute("ROLLBACK")


def _update(schema: str, table: str, column: str) -> str:
    name = f"{_name(schema)}.{_name(table)}"
    return f"UPDATE {name} SET {_name(column)} = {_name(column)} WHERE false"  # noqa: S608  quoted


async def _bounded(target: Target, secrets: Secrets, notes: Notes) -> AsyncIterator[Check]:
    """Yield whether a process that reads is stopped by time, and by memory."""
    reader = DuckdbReader(secrets)
    try:
        said = await _refusal(reader, target, _FOREVER, _STRIKES)
        timely = said is not None and said.code == "target-timeout"
        yield _stopped(notes, "the time limit", _FOREVER, said, holds=timely)
        said = await _refusal(reader, target, _HUGE, Limits())
        yield _stopped(
            notes,
            "the memory limit",
            _HUGE,
            said,
            holds=said is not None and "memory" in str(said),
        )
    finally:
        await reader.aclose()


async def _refusal(
    reader: DuckdbReader, target: Target, sql: str, limits: Limits
) -> TargetError | None:
    try:
        await reader.read(target, Statement(Dialect.DUCKDB, sql, (), sql), {}, limits)
    except TargetError as error:
        return error
    return None


def _stopped(
    notes: Notes, check: str, tried: str, said: TargetError | None, *, holds: bool
) -> Check:
    if holds and said is not None:
        return notes.holds(check, tried, said)
    return notes.fails(check, tried, said or "It ran to its end.", _REPORT)


def _name(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
