"""The child of `duck.py`; see `file_child.py` for what is asked of it."""

import sys

from interlock_gateway.adapters.targets import duck_lock
from interlock_gateway.adapters.targets.duck_work import DuckWork
from interlock_gateway.adapters.targets.file_child import Bounds, serve
from interlock_gateway.core.model import Dialect

if __name__ == "__main__":
    serve(sys.argv[1], Dialect.DUCKDB, DuckWork, Bounds(duck_lock.PROCESS_MEMORY))
