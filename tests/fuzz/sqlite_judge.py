"""The SQLite judge: what a statement did to a connection that may write.

No authorizer forbids anything here; one only writes down what SQLite asks about. Whatever the
database's bytes, settings, attached files, or the folder SQLite works in, show afterwards counts.
"""

import os
import re
import sqlite3
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from interlock_gateway.core.model import Statement

_WORLD = Path(__file__).parent / "worlds/sqlite.sql"
_STEPS = 20_000  # of SQLite's machine, then a statement is stopped
_ROWS = 20
_LONGEST = 1_000_000  # bytes of one value
_TRAPS = (
    *("evil", "load_extension", "writefile", "readfile", "edit", "eval", "fsdir", "lsdir"),
    *("fts3_tokenizer", "sqlite_log", "zipfile", "optimize"),
)
_SETTINGS = (
    *("user_version", "application_id", "foreign_keys", "cache_size", "journal_mode"),
    *("synchronous", "query_only", "writable_schema", "recursive_triggers", "temp_store"),
    *("schema_version", "page_size", "encoding", "auto_vacuum", "locking_mode", "busy_timeout"),
    *("secure_delete", "trusted_schema", "ignore_check_constraints", "reverse_unordered_selects"),
    *("cache_spill", "defer_foreign_keys", "legacy_alter_table", "max_page_count", "mmap_size"),
    *("cell_size_check", "automatic_index", "read_uncommitted", "threads", "count_changes"),
    *("journal_size_limit", "hard_heap_limit", "analysis_limit", "checkpoint_fullfsync"),
    *("full_column_names", "short_column_names", "empty_result_callbacks", "soft_heap_limit"),
    *("wal_autocheckpoint", "fullfsync"),
)
_TRACES = (
    *(
        "its bytes",
        "its temporary bytes",
        "the count of changed rows",
        "a transaction",
        "attached files",
        "the folder",
    ),
)
# EXPLAIN of a change asks for the change and only plans it.
_PLANS = re.compile(r"(?:\s|--[^\n]*\n|/\*.*?\*/)*explain\b", re.IGNORECASE | re.DOTALL)
_PLANNED = frozenset({sqlite3.SQLITE_INSERT, sqlite3.SQLITE_UPDATE, sqlite3.SQLITE_DELETE})
# These act, and leave nothing to see in a database in memory.
_ACTING_PRAGMAS = frozenset(
    {"wal_checkpoint", "optimize", "incremental_vacuum", "shrink_memory", "case_sensitive_like"}
)
_QUIET = frozenset({sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_RECURSIVE})


@dataclass(slots=True)
class SqliteJudge:
    """Judges by executing on a database in memory.

    Attributes:
        folder: an empty folder to work in, where nothing may appear.
        ran: statements that worked.
    """

    folder: Path
    ran: int = 0
    _home: Path = field(init=False)
    _connection: sqlite3.Connection = field(init=False)
    _asked: list[str] = field(init=False, default_factory=list)
    _plans: bool = field(init=False, default=False)
    _before: tuple[object, ...] = field(init=False, default=())

    def __post_init__(self) -> None:
        self._home = Path.cwd()
        os.chdir(self.folder)
        self._renew()

    def close(self) -> None:
        """Leave the folder and let go of the database."""
        self._connection.close()
        os.chdir(self._home)

    def judge(self, statements: Sequence[Statement]) -> Sequence[str]:
        """Return for each statement why it is no read, or ""."""
        return self.run(statements)

    def run(self, statements: Sequence[Statement]) -> Sequence[str]:
        """Return what SQLite makes of each statement."""
        return [self._one(statement) for statement in statements]

    def _one(self, statement: Statement) -> str:
        """Judge one statement; make the database anew when it was no read."""
        self._asked.clear()
        self._plans = bool(_PLANS.match(statement.text))
        self._connection.set_authorizer(self._note)
        self._connection.set_progress_handler(_stop, _STEPS)
        said = self._execute(statement)
        self._connection.set_progress_handler(None, 0)  # our own questions may take their time
        self._connection.set_authorizer(None)
        verdict = said or self._changed() or ", ".join(dict.fromkeys(self._asked))
        if verdict:
            self._renew()
        return verdict

    def _execute(self, statement: Statement) -> str:
        """Run it; return what is wrong with how it ran, or "". Errors are nobody's concern."""
        try:
            cursor = self._connection.execute(statement.text, ["1"] * len(statement.names))
            cursor.fetchmany(_ROWS)
            cursor.close()
        except (sqlite3.Warning, sqlite3.ProgrammingError) as error:
            return "it is more than one statement" if "one statement" in str(error) else ""
        except (sqlite3.Error, ValueError, OverflowError, MemoryError):
            return ""
        self.ran += 1
        return ""

    def _note(self, action: int, first: str | None, second: str | None, *_: str | None) -> int:
        """Write down what SQLite asks about, unless it only looks; allow everything."""
        if self._acts(action, first, (second or "").lower()):
            self._asked.append(f"SQLite was asked for action {action} on {first or second}")
        return sqlite3.SQLITE_OK

    def _acts(self, action: int, first: str | None, second: str) -> bool:
        if action == sqlite3.SQLITE_FUNCTION:
            return second in _TRAPS
        if action == sqlite3.SQLITE_PRAGMA:
            return (first or "").lower() in _ACTING_PRAGMAS
        if action == sqlite3.SQLITE_UPDATE and first == "sqlite_master":
            return False  # asked while it connects to json_each or a search table
        return action not in _QUIET and not (self._plans and action in _PLANNED)

    def _changed(self) -> str:
        after = self._look()
        found = [
            name
            for name, old, new in zip((*_TRACES, *_SETTINGS), self._before, after, strict=True)
            if old != new
        ]
        return f"it changed {', '.join(found)}" if found else ""

    def _look(self) -> tuple[object, ...]:
        connection = self._connection
        settings = [connection.execute(f"PRAGMA {name}").fetchall() for name in _SETTINGS]
        return (
            connection.serialize(),
            connection.serialize(name="temp"),
            connection.total_changes,
            connection.in_transaction,
            connection.execute("PRAGMA database_list").fetchall(),
            [path.name for path in self.folder.iterdir()],
            *settings,
        )

    def _renew(self) -> None:
        if hasattr(self, "_connection"):
            self._connection.close()
        for path in self.folder.iterdir():
            path.unlink()
        self._connection = sqlite3.connect(":memory:", isolation_level=None)
        self._connection.executescript(_WORLD.read_text("utf-8"))
        self._connection.execute("CREATE TABLE temp.mine (x)")
        for name in _TRAPS:
            with suppress(sqlite3.Error):
                self._connection.create_function(name, -1, self._trap)
        self._connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _LONGEST)
        self._before = self._look()

    def _trap(self, *_: object) -> int:
        self._asked.append("a trap was called")
        return 1


def _stop() -> int:
    """Interrupt a statement at SQLite's first look, which comes after its share of steps."""
    return 1
