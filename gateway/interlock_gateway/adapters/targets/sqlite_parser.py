"""SQLite's own opinion of a statement: prepared against the target's tables, never run.

Under `EXPLAIN` SQLite resolves every table, view, trigger and function and asks the authorizer
about each, then lists the program it would run; a program that opens nothing for writing is a
read. This is the second parser for SQLite, and needs a connection to the target's file.
Source: https://www.sqlite.org/lang_explain.html, https://www.sqlite.org/opcode.html.
"""

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from interlock_gateway.adapters.targets import sqlite_lock
from interlock_gateway.adapters.targets.sqlite_lock import Authorizer
from interlock_gateway.core.model import Effect, Reason, Statement

WHAT = "SQLite's own parser"

# Steps of a program that change a file, a connection or a setting.
_LISTED = """
    Checkpoint Clear CreateBtree Destroy DropIndex DropTable DropTrigger IncrVacuum JournalMode
    LoadAnalysis MaxPgcnt OpenWrite ParseSchema Savepoint SetCookie SqlExec VCreate VDestroy
    VRename VUpdate Vacuum
"""
_WRITES = frozenset(_LISTED.split())
_OPENS = frozenset(("OpenRead", "OpenWrite", "ReopenIdx"))
_OPCODE, _P2, _P4 = 1, 3, 5

# Steps that make a value; and functions that make a document of many values, whose length nobody
# looks at before it is whole (measured on 3.40.1: 1.1 GB in three seconds).
_MAKES = frozenset(("AggStep", "AggStep1", "AggInverse", "Concat", "Function", "PureFunc"))
_GATHER = ("json_group_", "jsonb_group_")
_DOCUMENTS = (*_GATHER, "json_array(", "json_object(", "jsonb_array(", "jsonb_object(")
_OF_A_DOCUMENT = 32


@dataclass(frozen=True, slots=True)
class Program:
    """What SQLite would do for a statement, as far as it tells before it does it.

    Attributes:
        doubt: why it does not see a read; None when it does.
        cells: values that may be long and be there at once: columns, and results of functions.
        roots: pages of the file at which it opens a table or an index.
        gathers: whether it collects rows into one document, which SQLite does not measure while
            it grows.
    """

    doubt: Reason | None
    cells: int = 1
    roots: frozenset[int] = frozenset()
    gathers: bool = False


def doubt(connection: sqlite3.Connection, statement: Statement) -> Reason | None:
    """Return why SQLite does not see a read in `statement`, or None when it does."""
    connection.set_authorizer(None)  # a second question on the same connection locks it again
    sqlite_lock.lock(connection, sqlite_lock.reading, read_only=True)
    return program(connection, statement, sqlite_lock.reading).doubt


def program(
    connection: sqlite3.Connection, statement: Statement, authorizer: Authorizer
) -> Program:
    """Return what SQLite would run for `statement`.

    Leaves the authorizer on the connection. Nothing is run: what is prepared is `EXPLAIN` of the
    text, except a text that is EXPLAIN already, which only plans.

    Args:
        connection: to the target's file, locked; best opened with `mode=ro`.
        statement: classified as a read by `core.statement`.
        authorizer: allows no more than `sqlite_lock.reading`.
    """
    connection.set_authorizer(authorizer)
    asked = sqlite_lock.explained(statement.text)
    values = [None] * len(statement.names)
    try:
        with closing(connection.execute(asked, values)) as cursor:
            rows = cursor.fetchall()
    except (sqlite3.Error, sqlite3.Warning, ValueError) as error:
        return Program(_doubt(f"SQLite refuses to prepare it: {error}."))
    if asked is statement.text:
        return Program(None, cells=len(rows[0]) if rows else 1)
    steps = [_Step(str(row[_OPCODE]), row[_P2], str(row[_P4])) for row in rows]
    acting = next((step.name for step in steps if _acts(step.name, step.p2)), None)
    doubted = _doubt(f"SQLite would run {acting}, which is no read.") if acting else None
    return Program(
        doubted,
        _cells(steps),
        frozenset(step.p2 for step in steps if step.name in _OPENS),
        any(step.p4.startswith(_GATHER) for step in steps),
    )


@dataclass(frozen=True, slots=True)
class _Step:
    name: str
    p2: Any
    p4: str


def _cells(steps: list[_Step]) -> int:
    """Return how many long values there may be at once: those of a row, and those computed."""
    columns = max((int(step.p2) for step in steps if step.name == "ResultRow"), default=0)
    made = (
        _OF_A_DOCUMENT if step.p4.startswith(_DOCUMENTS) else 1
        for step in steps
        if step.name in _MAKES
    )
    return max(1, columns + sum(made))


def _acts(name: str, p2: object) -> bool:
    """Tell whether one step of a program changes anything; `Transaction` says it by a number."""
    return name in _WRITES or (name == "Transaction" and p2 != 0)


def _doubt(detail: str) -> Reason:
    return Reason(Effect.UNKNOWN, WHAT, detail)
