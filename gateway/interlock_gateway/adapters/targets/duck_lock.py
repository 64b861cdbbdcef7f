"""The DuckDB engine lock: a file opened so that nothing but its own rows can be reached.

`read_only` alone still reads and writes any other file; what closes the rest are settings that
cannot be changed back in the same process. Sources:
https://duckdb.org/docs/stable/operations_manual/securing_duckdb/overview,
https://duckdb.org/docs/stable/connect/concurrency.
"""

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import duckdb

from interlock_gateway.service.targets import TargetError

MEMORY = "512MB"
PROCESS_MEMORY = 1 << 30
"""Bytes for the process: DuckDB counts its buffers, and not one huge value, against `MEMORY`."""

_THREADS = 2
_BUSY_SECONDS = 2.0
_RETRY_SECONDS = 0.02

_OPENED_WITH = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "allow_community_extensions": "false",
    "allow_unsigned_extensions": "false",
    "python_enable_replacements": "false",  # FROM x must never find a variable of the gateway
    "python_scan_all_frames": "false",
    "memory_limit": MEMORY,
    "threads": str(_THREADS),
}
# The order counts: each is refused after the last, and some after the one before it.
_THEN = (
    "SET GLOBAL temp_directory = ''",  # else a large sort writes beside the file
    "SET GLOBAL TimeZone = 'UTC'",
    "SET GLOBAL allow_persistent_secrets = false",
    "SET GLOBAL allow_unredacted_secrets = false",
    "SET GLOBAL enable_external_access = false",
    "SET GLOBAL lock_configuration = true",
)
_WAL = (".wal", ".wal.checkpoint", ".wal.recovery")
# Of the engine's own schema: a macro of the file called `current_setting` would say what it likes.
_IS_LOCKED = """
SELECT system.main.current_setting('lock_configuration'),
       NOT system.main.current_setting('enable_external_access')"""

Kind = duckdb.StatementType
READS = frozenset({Kind.SELECT, Kind.EXPLAIN})
DEFINITIONS = frozenset({Kind.CREATE, Kind.ALTER, Kind.DROP})
CHANGES = DEFINITIONS | {Kind.SELECT, Kind.INSERT, Kind.UPDATE, Kind.DELETE, Kind.MERGE_INTO}
"""Not here, and so refused: COPY, ATTACH, SET, LOAD, CALL, PRAGMA, PREPARE, COMMIT, …"""


class Door:
    """Opens files in one mode. Connections to one file share its settings, so one door locks."""

    def __init__(self, *, read_only: bool) -> None:
        """Open nothing yet."""
        self._read_only = read_only
        self._turn = threading.Lock()

    @contextmanager
    def opened(self, path: str, name: str, seconds: float) -> Iterator[duckdb.DuckDBPyConnection]:
        """Open an existing file, locked; another connection's variables are not to be seen in it.

        Args:
            path: the file; it is not created.
            name: the target's, for messages.
            seconds: to wait for somebody else to close the file, two at most.

        Raises:
            TargetError: `target-unreachable`, or `target-failed` when the lock cannot be proven.
        """
        with self._turn:
            connection = self._waited_for(path, name, min(_BUSY_SECONDS, seconds))
            try:
                _lock(connection, name, () if self._read_only else _beside(path))
            except BaseException:
                connection.close()
                raise
        with closing(connection):
            yield connection

    def _waited_for(self, path: str, name: str, seconds: float) -> duckdb.DuckDBPyConnection:
        end = time.monotonic() + seconds
        file = Path(path).absolute()  # never `md:…`, `:memory:` or another address
        while True:
            if not file.is_file():
                raise _unreachable(name, "is not there", "It is not created.")
            try:
                return duckdb.connect(
                    str(file), read_only=self._read_only, config=dict(_OPENED_WITH)
                )
            except duckdb.Error as error:
                if not _is_in_use(error) or time.monotonic() > end:
                    raise _cannot_open(name, error) from error
            time.sleep(_RETRY_SECONDS)


def _beside(path: str) -> Sequence[str]:
    """Return the files that DuckDB writes before it writes into the file at `path`."""
    head, mark, tail = str(Path(path).absolute()).partition("?")  # DuckDB puts endings before it
    return [f"{head}{ending}{mark}{tail}" for ending in ("", *_WAL)]


def _lock(connection: duckdb.DuckDBPyConnection, name: str, allowed: Sequence[str]) -> None:
    """Close everything but the file, unless another connection of this process already has."""
    if connection.execute(_IS_LOCKED).fetchone() != (True, True):
        paths = ", ".join("'" + path.replace("'", "''") + "'" for path in allowed)
        # `[…]` would call `list_value`, which a macro of the file can be.
        connection.execute(f"SET GLOBAL allowed_paths = system.main.list_value({paths})")
        for statement in _THEN:
            connection.execute(statement)
    if connection.execute(_IS_LOCKED).fetchone() != (True, True):
        raise TargetError(
            "target-failed",
            f"The engine lock of target {name} could not be proven, so nothing was run. "
            "Run `interlock doctor`.",
        )


def run(
    connection: duckdb.DuckDBPyConnection,
    text: str,
    values: Sequence[Any],
    allowed: frozenset[duckdb.StatementType],
) -> duckdb.StatementType:
    """Run `text` if DuckDB sees exactly one statement in it, of an allowed type; return the type.

    Raises:
        TargetError: it sees anything else; nothing was run.
    """
    found = connection.extract_statements(text)
    kinds = [_kind(statement) for statement in found]
    if len(found) != 1 or kinds[0] not in allowed:
        seen = ", ".join(kind.name for kind in kinds) or "nothing"
        raise TargetError(
            "target-failed",
            f"DuckDB sees {seen} in the statement; allowed is one of "
            f"{', '.join(sorted(kind.name for kind in allowed))}. Nothing was run.",
        )
    connection.execute(found[0], list(values))
    return kinds[0]


def _kind(statement: duckdb.Statement) -> duckdb.StatementType:
    """Return the type of a statement; the client lacks a name for some newer ones."""
    try:
        return statement.type
    except ValueError:
        return Kind.INVALID


def _is_in_use(error: duckdb.Error) -> bool:
    """Tell whether another process, or this one in another mode, has the file open."""
    words = str(error)
    return "Could not set lock" in words or "different configuration" in words


def _cannot_open(name: str, error: duckdb.Error) -> TargetError:
    if _is_in_use(error):
        return _unreachable(
            name,
            "is in use: DuckDB lets one process write a file or several read it, never both",
            "Try again when the other one has closed it, or point the target at a copy.",
        )
    return _unreachable(name, f"cannot be opened ({_line(error)})", "It is not created.")


def _unreachable(name: str, why: str, then: str) -> TargetError:
    return TargetError("target-unreachable", f"The file of target {name} {why}. {then}")


def _line(error: duckdb.Error) -> str:
    return str(error).splitlines()[0].rstrip(".")[:200]
