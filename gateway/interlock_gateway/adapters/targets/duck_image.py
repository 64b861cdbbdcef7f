"""What the rows of a change are right before it: read in its transaction, in the child.

DuckDB itself prints each value as text, and takes that text back as the same value where the
column has a type of which that is so.
"""

import re
from typing import Any

import duckdb

from interlock_gateway.adapters.targets import duck_lock, duck_values, values
from interlock_gateway.adapters.targets.file_child import Task
from interlock_gateway.core.model import Before, Limits, Stored

LIMITS = Limits(rows=100, bytes=256 * 1024)
"""Of the evidence; the change itself has limits of its own."""

_EXACT = (
    "boolean tinyint smallint integer bigint hugeint utinyint usmallint uinteger ubigint uhugeint "
    "float double decimal varchar enum bit blob uuid date time interval timestamp timestamp_s "
    "timestamp_ms timestamp_ns"
)
_EXACT_TYPES = frozenset(_EXACT.split()) | {"timestamp with time zone"}
_GENERATED = re.compile(r"\bgenerated\s+always\s+as\b", re.IGNORECASE)
_OTHERS = frozenset({"system", "temp"})

# Asked by the engine's own names, without a sign that calls anything: see `duck_catalogue`.
_TABLES = """
SELECT database_name, schema_name, table_name, sql FROM system.main.duckdb_tables()
"""
_KEYS = """
SELECT database_name, schema_name, table_name, constraint_type, constraint_column_names
  FROM system.main.duckdb_constraints()
"""
_COLUMNS = """
SELECT database_name, schema_name, table_name, column_name FROM system.main.duckdb_columns()
"""


def image(connection: duckdb.DuckDBPyConnection, task: Task) -> Before | None:
    """Return the rows that a deed will change.

    Raises:
        duckdb.Error: they cannot be read, or time is up; the change is not made then.
        TargetError: DuckDB sees another kind of statement.
    """
    if task.image is None:
        return None
    stored = _stored(connection, task.table)
    given = {name: task.given[name] for name in task.image.names}
    parameters = values.given(task.image, given)
    text = f"SELECT *, COLUMNS(*)::VARCHAR FROM ({task.image.text}\n)"  # noqa: S608  a proven read
    duck_lock.run(connection, text, parameters, duck_lock.READS)
    described = list(connection.description or [])
    found, cut = _taken(connection)
    half = len(described) // 2
    heads, cells = duck_values.table(described[:half], [row[:half] for row in found])
    rows = values.capped(heads, cells, LIMITS, cut=cut)
    exact = [_is_exact(type_) for _, type_, *_ in described[:half]]
    literals = [tuple(map(_literal, exact, row[half:])) for row in found[: len(rows.rows)]]
    return Before(rows, stored, tuple(literals))


def _taken(connection: duckdb.DuckDBPyConnection) -> tuple[list[tuple[Any, ...]], str]:
    """Return the first rows, and the limit that cut the rest off."""
    found: list[tuple[Any, ...]] = []
    size = 0
    while row := connection.fetchone():
        size += duck_values.size(row)
        if len(found) == LIMITS.rows or size > 2 * LIMITS.bytes:
            full = len(found) == LIMITS.rows
            return found, (values.rows_limit if full else values.bytes_limit)(LIMITS)
        found.append(row)
    return found, ""


def _is_exact(type_: Any) -> bool:
    return str(type_) == "JSON" or type_.id in _EXACT_TYPES


def _literal(exact: object, printed: str | None) -> str | None:
    if printed is None:
        return "NULL"
    if not exact or "\0" in printed:
        return None
    return "'" + printed.replace("'", "''") + "'"


# --- the table ----------------------------------------------------------------------------------


def _stored(connection: duckdb.DuckDBPyConnection, named: tuple[str, ...]) -> tuple[Stored, ...]:
    """Return the columns of a table whose rows can be written back; else nothing."""
    if not named or [one.lower() for one in named[:-1]] not in ([], ["main"]):
        return ()
    wanted = ("main", named[-1].lower())
    tables = _of(connection.execute(_TABLES).fetchall(), wanted)
    if len(tables) != 1 or _GENERATED.search(str(tables[0][0])):
        return ()
    keys = _of(connection.execute(_KEYS).fetchall(), wanted)
    key = {name for kind, names in keys if kind == "PRIMARY KEY" for name in names}
    columns = _of(connection.execute(_COLUMNS).fetchall(), wanted)
    return tuple(Stored(str(name), key=name in key) for (name,) in columns)


def _of(rows: list[tuple[Any, ...]], wanted: tuple[str, str]) -> list[tuple[Any, ...]]:
    """Return what is told of one table of the file."""
    return [
        tuple(more)
        for database, schema, table, *more in rows
        if database not in _OTHERS and (schema.lower(), table.lower()) == wanted
    ]
