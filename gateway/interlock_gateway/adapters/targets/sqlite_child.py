"""The child of `sqlite.py`; see `file_child.py` for what is asked of it."""

import sys

from interlock_gateway.adapters.targets import sqlite_watch
from interlock_gateway.adapters.targets.file_child import Bounds, serve
from interlock_gateway.adapters.targets.sqlite_work import SqliteWork
from interlock_gateway.core.model import Dialect

RESTS_S = 2.0
"""Seconds without a call after which a child closes its file; whoever opens it again waits less
than a millisecond, and whoever wants it closed by everybody (a change of the journal's mode) does
not wait for us."""

_BOUNDS = Bounds(sqlite_watch.PROCESS_MEMORY, sqlite_watch.LONGEST_FILE, RESTS_S)

if __name__ == "__main__":
    serve(sys.argv[1], Dialect.SQLITE, SqliteWork, _BOUNDS)
