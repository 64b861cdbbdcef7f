"""What the rows of a change are right before it: read in its transaction, in the child.

SQLite keeps a type with each value. So each is written back as what it is, and the table is looked
at for whatever would make that more, or less, than the rows themselves.
"""

import math
import sqlite3
from typing import Any

from interlock_gateway.adapters.targets import sqlite_lock, values
from interlock_gateway.adapters.targets import sqlite_values as own
from interlock_gateway.adapters.targets.file_child import Task
from interlock_gateway.adapters.targets.sqlite_watch import Watch
from interlock_gateway.core.model import Before, Limits, Stored

LIMITS = Limits(rows=100, bytes=256 * 1024)
"""Of the evidence; the change itself has limits of its own."""

_MOST_TABLES = 1_000
_HARMLESS = frozenset({"NO ACTION", "RESTRICT"})
_GENERATED, _PLAIN = frozenset({2, 3}), 0  # `hidden` of table_xinfo; 1 is not shown by *


class _Text(bytes):
    """A text as its bytes, which need not be UTF-8."""

    __slots__ = ()


def image(connection: sqlite3.Connection, task: Task, watch: Watch) -> Before | None:
    """Return the rows that a deed will change, or None where they cannot be read.

    Raises:
        sqlite3.Error: time is up.
    """
    if task.image is None:
        return None
    stored = _stored(connection, task.table)
    given = {name: task.given[name] for name in task.image.names}
    parameters = own.parameters(task.image, given)
    sqlite_lock.lock(connection, sqlite_lock.reading, read_only=False)
    watch.over(connection)
    connection.text_factory = _Text
    try:
        cursor = connection.execute(task.image.text, parameters)
        names = [entry[0] for entry in cursor.description]
        found, cut = _taken(cursor)
        cursor.close()
    except sqlite3.Error as error:
        if watch.why(error):
            raise
        return None
    finally:
        connection.text_factory = own.text
        connection.set_progress_handler(None, 0)
        connection.set_authorizer(None)
    return _before(names, found, cut, stored)


def _taken(cursor: sqlite3.Cursor) -> tuple[list[tuple[Any, ...]], str]:
    """Return the first rows, and the limit that cut the rest off."""
    found: list[tuple[Any, ...]] = []
    size = 0
    for row in cursor:
        size += sum(len(cell) if isinstance(cell, bytes) else 8 for cell in row)
        if len(found) == LIMITS.rows or size > LIMITS.bytes:
            full = len(found) == LIMITS.rows
            return found, (values.rows_limit if full else values.bytes_limit)(LIMITS)
        found.append(row)
    return found, ""


def _before(
    names: list[str], kept: list[tuple[Any, ...]], cut: str, stored: tuple[Stored, ...]
) -> Before:
    shown = [tuple(own.text(c) if isinstance(c, _Text) else c for c in row) for row in kept]
    rows = values.capped(*own.table(names, shown), LIMITS, cut=cut)
    literals = [tuple(map(literal, row)) for row in kept[: len(rows.rows)]]
    return Before(rows, stored, tuple(literals))


def literal(cell: Any) -> str | None:
    """Return a value as SQLite writes it: exactly this one, of exactly this type."""
    match cell:
        case None:
            return "NULL"
        case _Text():
            return _text(cell)
        case bytes():
            return f"x'{cell.hex()}'"
        case float():
            return _real(cell)
        case _:
            return str(cell)  # an integer


def _real(number: float) -> str | None:
    if math.isinf(number):
        return "9e999" if number > 0 else "-9e999"
    return None if repr(number) == "-0.0" else repr(number)  # SQLite reads -0.0 as 0.0


def _text(data: bytes) -> str:
    try:
        text = data.decode()
    except UnicodeDecodeError:
        text = ""
    if text.isprintable() and (text or not data):
        return "'" + text.replace("'", "''") + "'"
    return f"CAST(x'{data.hex()}' AS TEXT)"


# --- the table ----------------------------------------------------------------------------------


def _stored(connection: sqlite3.Connection, named: tuple[str, ...]) -> tuple[Stored, ...]:
    """Return the columns of a table whose rows can be written back; else nothing.

    Asked are the schema and pragmas, whose names no table of a file can take.
    """
    if not named or [one.lower() for one in named[:-1]] not in ([], ["main"]):
        return ()
    wanted = named[-1].lower()
    encoding = connection.execute("PRAGMA encoding").fetchone()[0]
    schema = connection.execute("SELECT type, name, tbl_name, sql FROM main.sqlite_master")
    things = [(kind, str(name), str(table), str(text)) for kind, name, table, text in schema]
    tables = [(name, text) for kind, name, _, text in things if kind == "table"]
    same = [one for one in tables if one[0].lower() == wanted]
    if encoding != "UTF-8" or len(same) != 1 or len(tables) > _MOST_TABLES:
        return ()
    ((name, text),) = same
    triggers = [one for one in things if one[0] == "trigger" and one[2].lower() == wanted]
    if triggers or _is_odd(text) or _takes_along(connection, wanted, [one for one, _ in tables]):
        return ()
    return _columns(connection, name)


def _is_odd(text: str) -> bool:
    """Tell whether a table is virtual, or may answer to a conflict by removing other rows."""
    words = text.lower()
    return not words.startswith("create table") or "conflict" in words


def _takes_along(connection: sqlite3.Connection, wanted: str, tables: list[str]) -> bool:
    """Tell whether a foreign key changes or removes other rows with those of the table."""
    for name in tables:
        keys = connection.execute(f"PRAGMA main.foreign_key_list({_quoted(name)})").fetchall()
        for _, _, parent, _, _, on_update, on_delete, _ in keys:
            if str(parent).lower() == wanted and not {on_update, on_delete} <= _HARMLESS:
                return True
    return False


def _columns(connection: sqlite3.Connection, name: str) -> tuple[Stored, ...]:
    told = connection.execute(f"PRAGMA main.table_xinfo({_quoted(name)})").fetchall()
    if any(hidden not in {_PLAIN, *_GENERATED} for *_, hidden in told):
        return ()
    return tuple(
        Stored(str(column), key=bool(key), generated=hidden in _GENERATED)
        for _, column, _, _, _, key, hidden in told
    )


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
