"""The SQLite engine lock: read-only file, authorizer, time limit in the engine, one statement."""

import base64
import json
import math
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

from interlock_gateway.adapters.targets import sqlite_fence, sqlite_lock, values
from interlock_gateway.adapters.targets.expectations import Outcome, check
from interlock_gateway.adapters.targets.sqlite_catalogue import snapshot
from interlock_gateway.adapters.targets.sqlite_fence import Fence
from interlock_gateway.adapters.targets.sqlite_parser import Program, program
from interlock_gateway.adapters.targets.sqlite_watch import Watch
from interlock_gateway.adapters.targets.threads import in_thread
from interlock_gateway.core.model import Column, Limits, Rows, Statement, Target
from interlock_gateway.core.statement import Catalogue
from interlock_gateway.service.targets import Deed, OutcomeUnknownError, Secrets, TargetError

_GRACE_SECONDS = 0.5
_BUSY_SECONDS = 2.0
_EXACT_FLOAT = 2**53
T = TypeVar("T")
_ROLLED_BACK = (
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_CONSTRAINT,
)


class SqliteReader:
    """Reads a file that is opened read-only, with an authorizer that only knows reads."""

    def __init__(self, secrets: Secrets) -> None:
        """Open nothing yet; `secrets` gives the file's path at each call."""
        self._secrets = secrets

    async def read(
        self, target: Target, statement: Statement, given: values.Typed, limits: Limits
    ) -> Rows:
        """Run `statement` as a read; see `service.targets.Reader.read`."""
        values.sendable(statement)
        parameters = [_parameter(value) for value in values.given(statement, given)]
        path = self._secrets.resolve(target.read)

        def work(watch: Watch) -> Rows:
            with _explained(target, watch), _looked_at(path, target, watch) as connection:
                fence = sqlite_fence.fence(connection, target, statement.text)
                watch.bound(connection, _planned(connection, statement, fence))
                with (
                    sqlite_fence.explained(fence),
                    closing(connection.execute(statement.text, parameters)) as cursor,
                ):
                    return _rows(cursor, watch)

        watch = Watch(limits)
        return await _in_thread(work, watch, patience=limits.seconds + _GRACE_SECONDS)

    async def catalogue(self, target: Target) -> Catalogue:
        """Return what the names in the file mean; see `service.targets.Catalogues`."""
        path = self._secrets.resolve(target.read)

        def work(watch: Watch) -> Catalogue:
            with _explained(target, watch), _looked_at(path, target, watch) as connection:
                return snapshot(connection)

        watch = Watch(target.limits)
        return await _in_thread(work, watch, patience=target.limits.seconds + _GRACE_SECONDS)

    async def aclose(self) -> None:
        """Nothing to close: files are open as long as their call."""


class SqliteActor:
    """Changes a file in one transaction that stands only if its result is the approved one."""

    def __init__(self, secrets: Secrets) -> None:
        """Open nothing yet; `secrets` gives the file's path at each call."""
        self._secrets = secrets

    async def act(self, target: Target, deed: Deed, limits: Limits) -> Rows:
        """Run `deed` once; see `service.targets.Actor.act`. Shield the awaiting task."""
        values.sendable(deed.statement)
        given = values.given(deed.statement, deed.values)
        parameters = [_parameter(value) for value in given]
        if not target.act:
            raise TargetError(
                "target-failed",
                f"Target {target.name} has no action login, so nothing can be changed there. "
                "Give it `act` in targets.toml.",
            )
        path = self._secrets.resolve(target.act)

        def work(watch: Watch) -> Rows:
            with _explained(target, watch), _opened(path, "rw", target, limits) as connection:
                return _change(connection, deed, parameters, watch)

        return await _in_thread(work, Watch(limits))

    async def aclose(self) -> None:
        """Nothing to close: files are open as long as their deed."""


def _change(
    connection: sqlite3.Connection, deed: Deed, parameters: list[Any], watch: Watch
) -> Rows:
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("BEGIN IMMEDIATE")
    try:
        sqlite_lock.lock(connection, sqlite_lock.changing, read_only=False)
        watch.over(connection)
        with closing(connection.execute(deed.statement.text, parameters)) as cursor:
            rows = _rows(cursor, watch, stop=False)
        connection.set_progress_handler(None, 0)
        connection.set_authorizer(None)
        affected: int = connection.execute("SELECT changes()").fetchone()[0]
        first = rows.rows[0][0] if rows.rows else None
        check(deed, Outcome(len(rows.rows), first, affected, "changes"))
        _commit(connection)
    finally:
        connection.set_progress_handler(None, 0)
        connection.set_authorizer(None)
        if connection.in_transaction:
            connection.execute("ROLLBACK")
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


async def _in_thread(
    work: Callable[[Watch], T], watch: Watch, *, patience: float | None = None
) -> T:
    """Run `work` beside the event loop, under `watch`."""
    return await in_thread(
        lambda: work(watch),
        watch.stop,
        patience=patience,
        late=f"The file did not answer within {watch.limits.seconds:g} s.",
    )


@contextmanager
def _looked_at(path: str, target: Target, watch: Watch) -> Iterator[sqlite3.Connection]:
    """Open a file for one read, locked and watched, all of it at one moment of the file."""
    with _opened(path, "ro", target, watch.limits) as connection:
        connection.execute("BEGIN")  # closing ends it
        sqlite_lock.lock(connection, sqlite_lock.reading, read_only=True)
        watch.over(connection)
        yield connection


def _planned(connection: sqlite3.Connection, statement: Statement, fence: Fence | None) -> Program:
    """Return what SQLite would run; refuse what is no read, or reads what may not be read."""
    planned = program(connection, statement, fence.reading if fence else sqlite_lock.reading)
    if fence:
        fence.check(statement, planned)
    if planned.doubt:
        raise TargetError("target-failed", f"{planned.doubt.detail} It was not run.")
    return planned


@contextmanager
def _opened(path: str, mode: str, target: Target, limits: Limits) -> Iterator[sqlite3.Connection]:
    """Open an existing file; the mode keeps SQLite from making a new one."""
    try:
        connection = sqlite3.connect(
            f"file:{quote(str(Path(path).absolute()))}?mode={mode}",
            uri=True,
            isolation_level=None,
            timeout=min(_BUSY_SECONDS, limits.seconds),
        )
    except sqlite3.Error as error:
        raise TargetError(
            "target-unreachable",
            f"The file of target {target.name} cannot be opened ({error}). It is not created.",
        ) from error
    with closing(connection):
        connection.text_factory = _text
        yield connection


@contextmanager
def _explained(target: Target, watch: Watch) -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, sqlite3.Warning) as error:  # Warning: two statements, before 3.12
        stopped = watch.why(error)
        if stopped:
            raise TargetError(stopped[0], f"Target {target.name} {stopped[1]}") from error
        code = "target-unreachable" if _is_unreachable(error) else "target-failed"
        raise TargetError(code, f"Target {target.name} answered: {error}.") from error
    except (OverflowError, MemoryError) as error:
        raise TargetError(
            "target-failed", f"A value is too large for target {target.name}: {error}."
        ) from error


def _is_unreachable(error: Exception) -> bool:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_CANTOPEN


# --- rows ---------------------------------------------------------------------------------------


def _rows(cursor: sqlite3.Cursor, watch: Watch, *, stop: bool = True) -> Rows:
    """Fetch up to the limits; with `stop` False take the rest too, so that all of it happens."""
    limits = watch.limits
    kept: list[tuple[Any, ...]] = []
    size, cut = 0, ""
    for row in cursor:
        size += sum(len(cell) if isinstance(cell, str | bytes) else 8 for cell in row)
        if not cut and len(kept) == limits.rows:
            cut = values.rows_limit(limits)
        elif not cut and size > limits.bytes:
            cut = values.bytes_limit(limits)
        if cut and stop:
            break
        if not cut:
            kept.append(row)
    columns, cells = _table([entry[0] for entry in cursor.description or ()], kept)
    return replace(
        values.capped(columns, cells, limits, cut=cut), elapsed_ms=round(watch.elapsed * 1000, 3)
    )


def _table(
    names: list[str], rows: list[tuple[Any, ...]]
) -> tuple[list[Column], list[tuple[Any, ...]]]:
    """Type each column by the values in it: SQLite columns have no type of their own."""
    kinds: list[str] = []
    columns: list[Sequence[Any]] = []
    for index in range(len(names)):
        kind, cells = _column([row[index] for row in rows])
        kinds.append(kind)
        columns.append(cells)
    heads = [Column(name, kind) for name, kind in zip(names, kinds, strict=True)]
    return heads, list(zip(*columns, strict=True)) if columns else []


def _column(cells: list[Any]) -> tuple[str, Sequence[Any]]:
    kinds = {type(cell) for cell in cells if cell is not None}
    if not kinds or kinds == {str}:
        return "text", cells
    if kinds == {int}:
        return "integer", cells
    if kinds == {bytes}:
        return "bytes", [None if c is None else base64.b64encode(c).decode() for c in cells]
    if kinds <= {int, float} and all(_exact(cell) for cell in cells):
        return "number", [None if c is None else _number(c) for c in cells]
    return "json", [_mixed(cell) for cell in cells]


def _exact(cell: Any) -> bool:
    return not isinstance(cell, int) or -_EXACT_FLOAT <= cell <= _EXACT_FLOAT


def _number(cell: float) -> float | str:
    return float(cell) if math.isfinite(cell) else repr(float(cell))


def _mixed(cell: Any) -> Any:
    match cell:
        case bytes():
            return f"x'{cell.hex()}'"
        case float():
            return _number(cell)
        case _:
            return cell


def _text(data: bytes) -> str:
    return data.decode("utf-8", "backslashreplace")


# --- parameters ---------------------------------------------------------------------------------


def _parameter(value: Any) -> Any:
    """Return `value` as SQLite stores such things: times as UTC text, intervals as seconds."""
    match value:
        case None | int() | float() | str() | bytes():
            return value
        case datetime():
            moment = value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo else value
            return moment.isoformat(sep=" ")
        case timedelta():
            return value.total_seconds()
        case list() | dict():
            return json.dumps(value, ensure_ascii=False)
        case _:  # date, time, Decimal, UUID
            return str(value)
