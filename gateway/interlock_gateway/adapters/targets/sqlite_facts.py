"""What there is in a SQLite file, as its children tell it.

What it means says `sqlite_catalogue.py`, in the gateway. Sources: https://www.sqlite.org/schematab.html,
https://www.sqlite.org/pragma.html#pragma_table_xinfo.
"""

import sqlite3
from contextlib import suppress

SCHEMA = "main"
"""The schema of the one file that a target is."""

SCHEMA_TABLES = ("sqlite_schema", "sqlite_master")
"""Both names of the table that says what is in the file."""

Fact = tuple[str, str, str, list[str]]
"""A relation: its name, `table` or `view`, the statement that made it, and its columns."""

_OBJECTS = "SELECT type, name, sql FROM main.sqlite_schema WHERE type IN ('table', 'view')"
_COLUMNS = "SELECT name FROM pragma_table_xinfo(?, 'main') WHERE hidden <> 1 ORDER BY cid"


def facts(connection: sqlite3.Connection) -> list[Fact]:
    """Return every table and view of the file.

    Raises:
        sqlite3.Error: the file cannot be read, or not in time.
    """
    found = connection.execute(_OBJECTS).fetchall()
    return [
        (str(name), str(kind), str(sql), _columns(connection, name)) for kind, name, sql in found
    ]


def _columns(connection: sqlite3.Connection, relation: object) -> list[str]:
    """Return the columns that `*` stands for; none of a view that SQLite cannot make sense of."""
    with suppress(sqlite3.OperationalError):
        return [str(name) for (name,) in connection.execute(_COLUMNS, (relation,))]
    return []
