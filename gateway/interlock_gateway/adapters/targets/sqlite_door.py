"""Opens SQLite files for a child, and keeps one open between reads while it is the same file.

A file is opened anew when anything about it is not as it was before it was opened: another file
at its place, or another time or size of it; another `-wal` or `-shm` beside it. What SQLite itself
changes it notices itself, in the transaction of the next read. Between two reads nothing is left
of the last one: a connection is kept only after a read that was answered, outside of a transaction
and with the file alone in it.
"""

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self
from urllib.parse import quote

from interlock_gateway.adapters.targets import sqlite_lock, sqlite_values
from interlock_gateway.adapters.targets.file_child import Task
from interlock_gateway.adapters.targets.sqlite_watch import Watch
from interlock_gateway.service.targets import TargetError

_BUSY_SECONDS = 2.0
_TOUCHED = "SELECT 1 FROM main.sqlite_master LIMIT 1"
_BESIDE = ("-wal", "-shm")
_ASKED = "SELECT 1 FROM pragma_table_list, pragma_table_xinfo('') LIMIT 0"  # with each snapshot

_ALIKE_NS = 50_000_000  # within which two changes may bear the same time

_Look = tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a file and what SQLite keeps beside it are."""

    path: str
    main: Path
    beside: tuple[Path, ...]

    @classmethod
    def of(cls, path: str) -> Self:
        """Find out where that is now; SQLite follows a link before it names what lies beside."""
        real = os.path.realpath(path)
        return cls(path, Path(path), tuple(Path(real + ending) for ending in _BESIDE))

    def look(self) -> _Look:
        """Return what tells a file from another one there, or from itself at another time.

        What lies beside changes while the file is used, so of that it is known only which it is.
        """
        found = _told(self.main)
        which = (_told(path)[:2] for path in self.beside)
        return (found, *which)

    def is_settled(self, look: _Look) -> bool:
        """Tell whether another change would show in what is told."""
        return bool(look[0]) and time.time_ns() - max(look[0][-2:]) > _ALIKE_NS


def _told(path: Path) -> tuple[int, ...]:
    try:
        found = path.stat()
    except OSError:
        return ()
    return (found.st_ino, found.st_dev, found.st_size, found.st_mtime_ns, found.st_ctime_ns)


@dataclass(frozen=True, slots=True)
class _Opened:
    """A file that is open, where it was, and how it looked just before.

    Attributes:
        settled: whether the file would look otherwise if it changed.
        modules: how many virtual tables SQLite knows there; it makes some when they are named,
            and tells the next who asks for a list; 0 before the first read.
    """

    connection: sqlite3.Connection
    place: _Place
    look: _Look
    settled: bool
    modules: int = 0


class Door:
    """Opens one file for reads, again and again."""

    def __init__(self) -> None:
        """Open nothing yet."""
        self._kept: _Opened | None = None

    @contextmanager
    def looked_at(self, task: Task, watch: Watch) -> Iterator[sqlite3.Connection]:
        """Lend the file for one read, locked and watched, all of it at one moment of the file.

        Raises:
            TargetError: `target-unreachable`: it cannot be opened.
            sqlite3.Error: it cannot be read.
        """
        opened = self._taken(task)
        connection = opened.connection
        try:
            _begin(connection, task, watch)
            modules = opened.modules or _modules_at_first(connection)
            yield connection
            clean = _ended(connection, modules)
        except BaseException:
            connection.close()
            raise
        if clean and opened.settled:
            self._kept = replace(opened, modules=modules)
        else:
            connection.close()

    def let_go(self) -> None:
        """Close the file, if it is open."""
        kept, self._kept = self._kept, None
        if kept:
            kept.connection.close()

    def _taken(self, task: Task) -> _Opened:
        """Return the file, open; it belongs to the caller."""
        kept = self._kept
        if kept and kept.place.path == task.path and kept.place.look() == kept.look:
            self._kept = None
            return kept
        self.let_go()
        place = _Place.of(task.path)
        look = place.look()
        settled = place.is_settled(look)
        return _Opened(_connected(task, "ro"), place, look, settled)


@contextmanager
def writable(task: Task) -> Iterator[sqlite3.Connection]:
    """Open an existing file for a deed; closing it lets go of whatever was not committed.

    Raises:
        TargetError: `target-unreachable`: it cannot be opened.
    """
    with closing(_connected(task, "rw")) as connection:
        yield connection


def _begin(connection: sqlite3.Connection, task: Task, watch: Watch) -> None:
    """Begin a transaction that has looked at the file, so that its schema is the one there is.

    Without that look a statement could be planned by the schema of an earlier read.
    """
    connection.execute(f"PRAGMA busy_timeout = {_busy_seconds(task) * 1000:.0f}")
    connection.execute("BEGIN")
    sqlite_lock.lock(connection, sqlite_lock.reading, read_only=True)
    watch.over(connection)
    connection.execute(_TOUCHED).fetchall()


def _modules_at_first(connection: sqlite3.Connection) -> int:
    """Have SQLite know of the virtual tables that we ask; return how many it knows then."""
    with suppress(sqlite3.Error):  # the file has something of that name, so it is never ours
        connection.execute(_ASKED).fetchall()
    return len(connection.execute("PRAGMA module_list").fetchall())


def _ended(connection: sqlite3.Connection, modules: int) -> bool:
    """End the transaction of a read; tell whether the connection is like a new one."""
    connection.set_progress_handler(None, 0)
    connection.set_authorizer(None)
    connection.execute("ROLLBACK")
    databases = len(connection.execute("PRAGMA database_list").fetchall())
    known = len(connection.execute("PRAGMA module_list").fetchall())
    return (databases, known) == (1, modules)  # else there is a temporary one, or a name


def _busy_seconds(task: Task) -> float:
    return min(_BUSY_SECONDS, task.limits.seconds)


def _connected(task: Task, mode: str) -> sqlite3.Connection:
    """Open an existing file; the mode keeps SQLite from making a new one."""
    try:
        connection = sqlite3.connect(
            f"file:{quote(str(Path(task.path).absolute()))}?mode={mode}",
            uri=True,
            isolation_level=None,
            timeout=_busy_seconds(task),
            cached_statements=0,  # no statement of one read is there for the next
        )
    except sqlite3.Error as error:
        raise TargetError(
            "target-unreachable",
            f"The file of target {task.name} cannot be opened ({error}). It is not created.",
        ) from error
    connection.text_factory = sqlite_values.text
    return connection
