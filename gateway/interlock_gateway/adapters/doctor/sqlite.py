"""Proves the SQLite engine lock: the reader itself is asked what it must refuse.

A file has no logins, so the lock is the same for every target: read-only file, authorizer, limit.
Each probe is harmless even on a writable file without them: temporary, in memory, or WHERE 0.
"""

import os
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass, replace

from interlock_gateway.adapters.doctor.check import Check, Notes
from interlock_gateway.adapters.doctor.names import named
from interlock_gateway.adapters.targets.sqlite import SqliteReader
from interlock_gateway.core.model import Dialect, Limits, Reads, Rows, Statement, Target
from interlock_gateway.core.statement.catalogue import Name
from interlock_gateway.service.targets import Secrets, TargetError

_SHORT = Limits(seconds=2.0)
_STRIKES = Limits(seconds=0.3)
_FOREVER = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
_TABLE = """
SELECT t.name, c.name FROM sqlite_schema AS t, pragma_table_info(t.name) AS c
 WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite_%' AND t.sql NOT LIKE 'CREATE VIRTUAL%'
 LIMIT 1"""
_REPORT = "Report it: the lock of SQLite does not depend on how the target is configured."
_DENIED = ("not authorized", "prohibited")


@dataclass(frozen=True, slots=True)
class Probe:
    """A statement that must be refused, and the words by which the lock does."""

    check: str
    text: str
    words: tuple[str, ...] = _DENIED


PROBES = (
    Probe("a second statement", "SELECT 1; SELECT 2", ("one statement at a time",)),
    Probe("a new table", "CREATE TEMPORARY TABLE interlock_doctor_probe (id INTEGER)"),
    Probe("leaving the transaction", "COMMIT"),
    Probe("writing after all", "PRAGMA query_only = OFF"),
    Probe("another file", "ATTACH ':memory:' AS interlock_doctor_probe"),
    Probe("an extension", "SELECT load_extension('interlock_doctor_probe')"),
)
"""Sent as they are; one more is made for a table that is there."""


async def reading(target: Target, secrets: Secrets, notes: Notes) -> AsyncIterator[Check]:
    """Yield whether the file can be read, and what the lock refuses."""
    async with aclosing(SqliteReader(secrets)) as reader:
        async for check in _looked_at(reader, target, notes):
            yield check
    said = "each read ends its transaction; its process closes the file, and ends"
    yield notes.holds("nothing is left behind", "", said)
    yield notes.noted("not for the engine to stop", "", "another program that writes the file")


async def _looked_at(reader: SqliteReader, target: Target, notes: Notes) -> AsyncIterator[Check]:
    version = (await _asked(reader, target, "SELECT sqlite_version()")).rows[0][0]
    tables = (await _asked(reader, target, "SELECT count(*) FROM sqlite_schema")).rows[0][0]
    said = f"SQLite {version}, {tables:,} tables, views and indexes"
    yield notes.holds("readable", "SELECT sqlite_version()", said)
    for probe in [*PROBES, *await _on_a_table(reader, target)]:
        yield await _probed(reader, target, probe, notes)
    yield await _on_time(reader, target, notes)
    for check in await named(await reader.catalogue(target), target, _quoted, notes):
        yield check


async def acting(target: Target, secrets: Secrets, notes: Notes) -> AsyncIterator[Check]:
    """Yield whether approved deeds can change the file."""
    yield writable(secrets.resolve(target.act), notes)


def writable(path: str, notes: Notes) -> Check:
    """Return whether the gateway's account may change the file at `path`; it is not opened."""
    if os.access(path, os.W_OK):
        said = "the file may be written; only approved deeds open it so"
        return notes.holds("writable by deeds", "access(W_OK)", said)
    then = "Let the gateway's account write the file, or leave `act` out."
    return notes.fails("writable by deeds", "access(W_OK)", "the file may not be written", then)


async def _on_a_table(reader: SqliteReader, target: Target) -> list[Probe]:
    rows = (await _asked(reader, target, _TABLE)).rows
    return [Probe("changing no rows", _update(str(table), str(name))) for table, name in rows]


def _update(table: str, column: str) -> str:
    return f"UPDATE {_name(table)} SET {_name(column)} = {_name(column)} WHERE 0"  # noqa: S608  quoted


async def _asked(reader: SqliteReader, target: Target, text: str, limits: Limits = _SHORT) -> Rows:
    everything = replace(target, reads=Reads())  # it is the lock that is asked, not the list
    return await reader.read(everything, Statement(Dialect.SQLITE, text, (), text), {}, limits)


async def _probed(reader: SqliteReader, target: Target, probe: Probe, notes: Notes) -> Check:
    try:
        await _asked(reader, target, probe.text)
    except TargetError as error:
        if any(word in str(error) for word in probe.words):
            return notes.holds(probe.check, probe.text, error)
        return notes.fails(probe.check, probe.text, error, "It proves nothing. Try again.")
    return notes.fails(probe.check, probe.text, "It was not refused.", _REPORT)


async def _on_time(reader: SqliteReader, target: Target, notes: Notes) -> Check:
    try:
        await _asked(reader, target, _FOREVER, _STRIKES)
    except TargetError as error:
        if "interrupted there" in str(error):
            return notes.holds("the time limit", _FOREVER, error)
        return notes.fails("the time limit", _FOREVER, error, _REPORT)
    return notes.fails("the time limit", _FOREVER, "It ran to its end.", _REPORT)


def _quoted(name: Name) -> str:
    return ".".join(map(_name, name))


def _name(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
