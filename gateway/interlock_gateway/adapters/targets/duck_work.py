"""What a child does with a DuckDB file: each call on a connection of its own, stopped on time.

One file is one target. What the guard calls a read is shown to DuckDB's own parser first; then it
runs on a connection that lives as long as the call, so that nobody sees another's variables,
temporary tables or prepared statements. Settings belong to the file and are locked. Nothing here
runs in the gateway's own process; see `duck_child.py`.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import duckdb

from interlock_gateway.adapters.duckdb_parser import DuckdbParser
from interlock_gateway.adapters.targets import (
    duck_catalogue,
    duck_image,
    duck_lock,
    duck_macros,
    duck_values,
    values,
)
from interlock_gateway.adapters.targets.duck_lock import Door
from interlock_gateway.adapters.targets.expectations import Outcome
from interlock_gateway.adapters.targets.file_child import Approved, Task
from interlock_gateway.core.model import Limits, Rows
from interlock_gateway.service.targets import OutcomeUnknownError, TargetError

_AGAIN_SECONDS = 0.05  # an interrupt between two pieces of work is lost; so it is repeated
_TOO_MUCH = f"it needs more than the limit of {duck_lock.MEMORY} of memory; ask for less"
_CHUNK = 64  # rows made into Python values at a time
_ROLLED_BACK = (duckdb.TransactionException, duckdb.ConstraintException)


class _Watch:
    """Interrupts DuckDB when time is up."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.started = time.monotonic()
        self.expired = False
        self._finished = threading.Event()

    @contextmanager
    def over(self, connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
        """Watch over what runs on `connection` in the block."""
        guard = threading.Thread(target=self._guard, args=(connection,), daemon=True)
        guard.start()
        try:
            yield
        finally:
            self._finished.set()
            guard.join()

    def _guard(self, connection: duckdb.DuckDBPyConnection) -> None:
        left = self.limits.seconds - self.elapsed
        while not self._finished.wait(max(left, 0.0)):
            self.expired = True
            connection.interrupt()
            left = _AGAIN_SECONDS

    @property
    def elapsed(self) -> float:
        """Seconds since the call began."""
        return time.monotonic() - self.started


class DuckWork:
    """Implements `file_child.Work`; nothing of a file stays open between two calls."""

    def __init__(self) -> None:
        """Load the parser that reads are shown to."""
        self._parser = DuckdbParser()

    def read(self, task: Task) -> Rows:
        """Run a read."""
        return read(task, self._parser)

    def facts(self, task: Task) -> Any:
        """Return what `duck_catalogue` makes a snapshot of."""
        with (
            _explained(task.name, _Watch(task.limits)),
            Door(read_only=True).opened(task.path, task.name, task.limits.seconds) as connection,
        ):
            return duck_catalogue.facts(connection)

    def change(self, task: Task, approved: Approved, done: Callable[[], None]) -> None:
        """Change a file, if that is approved."""
        change(task, approved, done)

    def rest(self) -> None:
        """Nothing is kept."""


def read(task: Task, parser: DuckdbParser) -> Rows:
    """Run a read, unless DuckDB's own parser doubts that it is one.

    Raises:
        TargetError: refused, failed or timed out.
    """
    values.sendable(task.statement)
    parameters = values.given(task.statement, task.given)
    watch = _Watch(task.limits)
    door = Door(read_only=True)
    with (
        _explained(task.name, watch),
        door.opened(task.path, task.name, task.limits.seconds) as connection,
        watch.over(connection),
    ):
        trusted = frozenset(name.lower() for name in task.reads.functions)
        macros = duck_macros.Macros(connection, trusted)
        reason = parser.doubt(task.statement, macros)
        if reason is not None:
            raise TargetError("target-failed", f"{reason.what}: {reason.detail} Nothing was run.")
        duck_lock.run(connection, task.statement.text, parameters, duck_lock.READS)
        return _rows(connection, watch)


def change(task: Task, approved: Approved, done: Callable[[], None]) -> None:
    """Change a file, if that is approved; see `file_child.Work.change`."""
    values.sendable(task.statement)
    parameters = values.given(task.statement, task.given)
    watch = _Watch(task.limits)
    door = Door(read_only=False)
    with (
        _explained(task.name, watch),
        door.opened(task.path, task.name, task.limits.seconds) as connection,
    ):
        connection.execute("BEGIN TRANSACTION")
        with watch.over(connection):
            before = duck_image.image(connection, task)
            kind = duck_lock.run(connection, task.statement.text, parameters, duck_lock.CHANGES)
            rows = _changed(connection, kind, watch)
        first = rows.rows[0][0] if rows.rows else None
        if approved(rows, Outcome(len(rows.rows), first, rows.affected, kind.name), before):
            _commit(connection)
            done()


def _changed(
    connection: duckdb.DuckDBPyConnection, kind: duckdb.StatementType, watch: _Watch
) -> Rows:
    """Return the rows of RETURNING and their number; without it, the number alone.

    Of a SELECT nobody knows how many rows a function in it changed.
    """
    rows, count = _taken(connection, watch, stop=False)
    if kind is duck_lock.Kind.SELECT:
        return rows
    counted = connection.rowcount  # -1 where it answers with rows, or with nothing
    if counted >= 0 or kind in duck_lock.DEFINITIONS:
        return replace(rows, columns=(), rows=(), affected=counted if counted >= 0 else None)
    return replace(rows, affected=count)


def _commit(connection: duckdb.DuckDBPyConnection) -> None:
    try:
        connection.execute("COMMIT")
    except _ROLLED_BACK:
        raise
    except (duckdb.Error, MemoryError) as error:
        raise OutcomeUnknownError(
            f"Writing to the file failed at the last step: {error}."
        ) from error


@contextmanager
def _explained(name: str, watch: _Watch) -> Iterator[None]:
    try:
        yield
    except duckdb.Error as error:
        if watch.expired:
            raise TargetError(
                "target-timeout",
                f"Target {name} did not finish within {watch.limits.seconds:g} s; "
                "interrupted there.",
            ) from error
        raise TargetError("target-failed", f"Target {name} answered: {_said(error)}.") from error
    except MemoryError as error:
        raise TargetError("target-failed", f"Target {name} answered: {_TOO_MUCH}.") from error
    except UnicodeDecodeError as error:  # DuckDB cuts a character of its own message in two
        message = f"Target {name} refused it, in words that are no text."
        raise TargetError("target-failed", message) from error
    except (OverflowError, TypeError, UnicodeEncodeError) as error:
        raise TargetError(
            "target-failed", f"A value cannot be sent to target {name}: {error}."
        ) from error


def _said(error: duckdb.Error) -> str:
    if isinstance(error, duckdb.OutOfMemoryException):
        return _TOO_MUCH
    return str(error).splitlines()[0].rstrip(".")[:300]


# --- rows ---------------------------------------------------------------------------------------


def _rows(connection: duckdb.DuckDBPyConnection, watch: _Watch) -> Rows:
    rows, _ = _taken(connection, watch, stop=True)
    return rows


def _taken(
    connection: duckdb.DuckDBPyConnection, watch: _Watch, *, stop: bool
) -> tuple[Rows, int]:
    """Fetch up to the limits; with `stop` False take the rest too, so that all of it happens."""
    limits = watch.limits
    kept: list[tuple[Any, ...]] = []
    count, bytes_, cut = 0, 0, ""
    for row in _each(connection):
        count += 1
        bytes_ += duck_values.size(row)
        if not cut and len(kept) == limits.rows:
            cut = values.rows_limit(limits)
        elif not cut and bytes_ > limits.bytes:
            cut = values.bytes_limit(limits)
        if cut and stop:
            break
        if not cut:
            kept.append(row)
    columns, cells = duck_values.table(connection.description or [], kept)
    rows = values.capped(columns, cells, limits, cut=cut)
    return replace(rows, elapsed_ms=round(watch.elapsed * 1000, 3)), count


def _each(connection: duckdb.DuckDBPyConnection) -> Iterator[tuple[Any, ...]]:
    while chunk := connection.fetchmany(_CHUNK):
        yield from chunk
