"""What a child does with a SQLite file: read-only file, authorizer, time limit, one statement.

Nothing here runs in the gateway's own process; see `sqlite_child.py`.
"""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from typing import Any

from interlock_gateway.adapters.targets import (
    sqlite_door,
    sqlite_fence,
    sqlite_image,
    sqlite_lock,
    values,
)
from interlock_gateway.adapters.targets import sqlite_values as own
from interlock_gateway.adapters.targets.expectations import Outcome
from interlock_gateway.adapters.targets.file_child import Approved, Task
from interlock_gateway.adapters.targets.sqlite_door import Door
from interlock_gateway.adapters.targets.sqlite_facts import facts
from interlock_gateway.adapters.targets.sqlite_fence import Fence
from interlock_gateway.adapters.targets.sqlite_parser import Program, program
from interlock_gateway.adapters.targets.sqlite_watch import Watch
from interlock_gateway.core.model import Rows
from interlock_gateway.service.targets import OutcomeUnknownError, TargetError

_ROLLED_BACK = (
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_CONSTRAINT,
)
_HALF_CHANGED = (
    "was left in the middle of a change by a program that ended, and a read may not undo that. "
    "Open the file once with a program that may write it, such as `sqlite3 FILE .tables`."
)


class SqliteWork:
    """Implements `file_child.Work`; keeps its file open between reads."""

    def __init__(self) -> None:
        """Open nothing yet."""
        self._door = Door()

    def read(self, task: Task) -> Rows:
        """Run a read, unless SQLite's own parser doubts that it is one.

        Raises:
            TargetError: refused, failed or timed out.
        """
        values.sendable(task.statement)
        parameters = own.parameters(task.statement, task.given)
        watch = Watch(task.limits)
        with _explained(task.name, watch), self._door.looked_at(task, watch) as connection:
            fence = sqlite_fence.fence(connection, task)
            watch.bound(connection, _planned(connection, task, fence))
            with (
                sqlite_fence.explained(fence),
                closing(connection.execute(task.statement.text, parameters)) as cursor,
            ):
                rows = own.rows(cursor, watch)
        if watch.is_late:  # one step of SQLite's machine can take seconds, and asks nobody
            words = f"did not finish within {task.limits.seconds:g} s."
            raise TargetError("target-timeout", f"Target {task.name} {words}")
        return rows

    def facts(self, task: Task) -> Any:
        """Return what `sqlite_catalogue` makes a snapshot of."""
        watch = Watch(task.limits)
        with _explained(task.name, watch), self._door.looked_at(task, watch) as connection:
            return facts(connection)

    def change(self, task: Task, approved: Approved, done: Callable[[], None]) -> None:
        """Change a file, if that is approved."""
        values.sendable(task.statement)
        parameters = own.parameters(task.statement, task.given)
        watch = Watch(task.limits)
        with _explained(task.name, watch), sqlite_door.writable(task) as connection:
            connection.execute("PRAGMA foreign_keys = ON")
            connection.execute("BEGIN IMMEDIATE")
            before = sqlite_image.image(connection, task, watch)
            rows = _changed(connection, task, parameters, watch)
            first = rows.rows[0][0] if rows.rows else None
            if approved(rows, Outcome(len(rows.rows), first, rows.affected, "changes"), before):
                _commit(connection)
                done()

    def rest(self) -> None:
        """Close the file, so that nobody waits for it to be closed."""
        self._door.let_go()


def _planned(connection: sqlite3.Connection, task: Task, fence: Fence | None) -> Program:
    """Return what SQLite would run; refuse what is no read, or reads what may not be read."""
    authorizer = fence.reading if fence else sqlite_lock.reading
    planned = program(connection, task.statement, authorizer)
    if fence:
        fence.check(task.statement, planned)
    if planned.doubt:
        raise TargetError("target-failed", f"{planned.doubt.detail} It was not run.")
    return planned


def _changed(
    connection: sqlite3.Connection, task: Task, parameters: list[Any], watch: Watch
) -> Rows:
    """Run a deed in the transaction that is open, under its lock; leave no lock behind."""
    sqlite_lock.lock(connection, sqlite_lock.changing, read_only=False)
    watch.over(connection)
    with closing(connection.execute(task.statement.text, parameters)) as cursor:
        rows = own.rows(cursor, watch, stop=False)
    connection.set_progress_handler(None, 0)
    connection.set_authorizer(None)
    affected: int = connection.execute("SELECT changes()").fetchone()[0]
    return replace(rows, affected=affected)


def _commit(connection: sqlite3.Connection) -> None:
    try:
        connection.execute("COMMIT")
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code in _ROLLED_BACK:
            raise
        raise OutcomeUnknownError(
            f"Writing to the file failed at the last step: {error}."
        ) from error


@contextmanager
def _explained(name: str, watch: Watch) -> Iterator[None]:
    """Turn what SQLite raises in the block into a TargetError."""
    try:
        yield
    except (sqlite3.Error, sqlite3.Warning) as error:  # Warning: two statements, before 3.12
        raise _told(name, watch, error) from error
    except UnicodeError as error:
        raise TargetError(
            "target-failed", f"Names in target {name} are no text in UTF-8: {error}."
        ) from error
    except (OverflowError, MemoryError) as error:
        raise TargetError(
            "target-failed", f"A value is too large for target {name}: {error}."
        ) from error


def _told(name: str, watch: Watch, error: Exception) -> TargetError:
    stopped = watch.why(error)
    if stopped:
        return TargetError(stopped[0], f"Target {name} {stopped[1]}")
    code = getattr(error, "sqlite_errorcode", 0)
    if code == sqlite3.SQLITE_READONLY_ROLLBACK:
        return TargetError("target-unreachable", f"The file of target {name} {_HALF_CHANGED}")
    unreachable = code & 0xFF == sqlite3.SQLITE_CANTOPEN
    return TargetError(
        "target-unreachable" if unreachable else "target-failed",
        f"Target {name} answered: {error}.",
    )
