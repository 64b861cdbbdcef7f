"""Has the bytes of what was destroyed leave the files of a store, as far as its engine can.

SQLite writes zeros over what is deleted (`secure_delete`). Older pages stay in its write-ahead
log until that is emptied. PostgreSQL keeps dead rows until VACUUM, and a page's unused bytes
until it is written anew: only VACUUM FULL does that, and it locks the table meanwhile.

Source: sqlite.org/pragma.html (secure_delete, wal_checkpoint); PostgreSQL 16, VACUUM.
"""

import re
import threading
from enum import Enum
from typing import Any

from sqlalchemy import URL, NullPool, create_engine
from sqlalchemy.exc import SQLAlchemyError

from interlock_gateway.adapters.store.lending import Lending

ERASED = (
    *("parts", "artifacts", "calls", "approvals", "steps", "runs", "incidents", "votes"),
    *("breaks", "followups", "deeds", "outbox", "chat_notes", "rooms", "tombstones", "retention"),
)
"""The tables in which something is destroyed."""

_SMALL = 64 * 1024 * 1024
_LOCK_MS = 2_000
_BUSY_MS = 100


class Erasing:
    """Empties the write-ahead log of the embedded store after something was destroyed."""

    def __init__(self, engine: str) -> None:
        """Take the name of the engine; a server has no log that is ours to empty."""
        self._embedded = engine == "sqlite"
        self.due = False
        """Whether the log may hold what was destroyed."""

    def after(self, lending: Lending, *, destroyed: bool) -> None:
        """Empty the log after a commit, if that is due; a reader may keep us from it."""
        self.due = self._embedded and (self.due or destroyed)
        if self.due:
            try:
                with lending.idle() as connection:
                    self.due = not _truncated(connection)
            except Exception:  # noqa: BLE001  it stays due, and the commit stands
                self.due = True


def _truncated(connection: Any) -> bool:
    connection.execute(f"PRAGMA busy_timeout={_BUSY_MS}").close()
    try:
        busy, *_ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    finally:
        connection.execute("PRAGMA busy_timeout=5000").close()
    return not busy


class Vacuum:
    """Vacuums the tables of a PostgreSQL store, on a connection of its own."""

    def __init__(self, url: URL) -> None:
        self._engine = create_engine(
            url, poolclass=NullPool, hide_parameters=True, isolation_level="AUTOCOMMIT"
        )
        self._one = threading.Lock()
        self.due = False
        """Whether a table could not be vacuumed, or kept dead rows for somebody who reads."""

    def __call__(self, *, wholly: bool) -> bool:
        """Vacuum each table; with `wholly` small ones are written anew, under a short lock.

        Return whether all were written anew. What is large is vacuumed as it is.
        """
        with self._one:
            try:
                done = [self._vacuumed(table, wholly=wholly) for table in ERASED]
            except SQLAlchemyError:
                self.due = True
                return False
            self.due = _Done.KEPT in done
            return all(one is _Done.ANEW for one in done)

    def _vacuumed(self, table: str, *, wholly: bool) -> "_Done":
        """Vacuum one table; what somebody who reads may still see is copied, and kept."""
        details: list[str] = []
        with self._engine.connect() as connection:
            raw: Any = connection.connection.driver_connection
            raw.add_notice_handler(lambda notice: details.append(notice.message_detail or ""))
            asked = f"SELECT pg_total_relation_size('{table}')"
            size = int(connection.exec_driver_sql(asked).scalar_one())
            if not (wholly and size <= _SMALL):
                connection.exec_driver_sql(f"VACUUM {table}")
                return _Done.AS_IT_IS
            connection.exec_driver_sql(f"SET lock_timeout = {_LOCK_MS}")
            connection.exec_driver_sql(f"VACUUM (FULL, VERBOSE) {table}")
        dead = [_NUMBER.search(detail) for detail in details]
        return _Done.KEPT if any(one and int(one[0]) for one in dead) else _Done.ANEW


_NUMBER = re.compile(r"[0-9]+")
"""The first number of VACUUM's detail: dead rows that cannot be removed yet, in any language."""


class _Done(Enum):
    """What became of a table: written anew, vacuumed as it is, or dead rows kept for a reader."""

    ANEW = "anew"
    AS_IT_IS = "as it is"
    KEPT = "kept"
