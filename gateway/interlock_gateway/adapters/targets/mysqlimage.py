"""What the rows of a change are right before it: read in its transaction, and locked.

What brings them back is certain only where the login may see what else a change sets off: triggers
are shown to who has TRIGGER on the table, foreign keys of other tables to who has PROCESS.
"""

import math
import struct
from collections.abc import Sequence

from interlock_gateway.adapters.targets import mysqlerrors, mysqltypes, values
from interlock_gateway.adapters.targets.mysqlline import RefusedError
from interlock_gateway.adapters.targets.mysqlpacket import Field
from interlock_gateway.adapters.targets.mysqlsession import alive
from interlock_gateway.adapters.targets.mysqltypes import Cell
from interlock_gateway.adapters.targets.mysqlwire import (
    Answer,
    Cap,
    Connection,
    bound,
    execute,
    prepare,
)
from interlock_gateway.core.model import Before, Dialect, Limits, Stored
from interlock_gateway.service.targets import Deed, TargetError

_LIMITS = Limits(rows=100, bytes=256 * 1024)
"""Of the evidence; the change itself has limits of its own."""

_MANY = Cap(rows=5_000, bytes=1 << 21, cancel=False)

_TABLE = """
SELECT TABLE_SCHEMA, TABLE_NAME FROM information_schema.TABLES
 WHERE TABLE_SCHEMA = COALESCE(?, DATABASE()) AND TABLE_NAME = ?
   AND TABLE_TYPE = 'BASE TABLE' AND ENGINE = 'InnoDB'
"""
_COLUMNS = """
SELECT COLUMN_NAME, COLUMN_KEY, DATA_TYPE, EXTRA FROM information_schema.COLUMNS
 WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ? ORDER BY ORDINAL_POSITION
"""
_SEES_TRIGGERS = """
SELECT 1 FROM
  (SELECT GRANTEE, PRIVILEGE_TYPE, '*' AS place FROM information_schema.USER_PRIVILEGES
   UNION ALL
   SELECT GRANTEE, PRIVILEGE_TYPE, TABLE_SCHEMA FROM information_schema.SCHEMA_PRIVILEGES
   UNION ALL
   SELECT GRANTEE, PRIVILEGE_TYPE, CONCAT(TABLE_SCHEMA, '.', TABLE_NAME)
     FROM information_schema.TABLE_PRIVILEGES) AS rights
 WHERE PRIVILEGE_TYPE = 'TRIGGER' AND place IN ('*', ?, ?)
   AND GRANTEE = CONCAT('\\'', REPLACE(CURRENT_USER(), '@', '\\'@\\''), '\\'')
"""
_TRIGGERS = """
SELECT 1 FROM information_schema.TRIGGERS
 WHERE EVENT_OBJECT_SCHEMA = ? AND EVENT_OBJECT_TABLE = ?
"""
_TAKES_ALONG = {
    Dialect.MARIADB: "SELECT 1 FROM information_schema.INNODB_SYS_FOREIGN WHERE TYPE & 15",
    Dialect.MYSQL: "SELECT 1 FROM information_schema.INNODB_FOREIGN WHERE TYPE & 15",
}
_INEXACT = frozenset({"float", "double"})  # as a key they equal no literal for certain
_FLAG_ENUM = 256
_STRINGS = (mysqltypes.VARCHAR, mysqltypes.BLOB, mysqltypes.VAR_STRING, mysqltypes.STRING)
_BYTES = 63  # the number of the collation that means bytes


async def image(connection: Connection, deed: Deed) -> Before | None:
    """Return the rows that `deed` will change, or None where its login may not read them.

    Raises:
        RefusedError, LostError: they cannot be read for another reason; nothing changed.
        TargetError: the server ended the transaction.
    """
    if deed.image is None:
        return None
    stored = await _stored(connection, deed.table)
    named = {name: deed.values[name] for name in deed.image.names}
    given = [mysqltypes.parameter(one) for one in values.given(deed.image, named)]
    words = (values.rows_limit(_LIMITS), values.bytes_limit(_LIMITS))
    cap = Cap(rows=_LIMITS.rows, bytes=_LIMITS.bytes, words=words, cancel=False)
    try:
        text = deed.image.text.encode() + b"\nFOR UPDATE"
        answer = await execute(connection, bound(await prepare(connection, text), given), cap)
    except RefusedError as error:
        if error.number not in mysqlerrors.DENIED:
            raise
        await alive(connection)
        if not connection.in_transaction:
            raise TargetError("target-failed", "The server ended the transaction.") from error
        return None
    return _before(answer, stored)


def _before(answer: Answer, stored: tuple[Stored, ...]) -> Before:
    columns, cells = mysqltypes.table(answer.fields, answer.rows)
    rows = values.capped(columns, cells, _LIMITS, cut=answer.cut)
    literals = [tuple(map(literal, answer.fields, row)) for row in answer.rows[: len(rows.rows)]]
    return Before(rows, stored, tuple(literals))


# --- a value as SQL -----------------------------------------------------------------------------


def literal(field: Field, cell: Cell) -> str | None:
    """Return a cell as SQL that means it under every sql_mode and character set, or None."""
    match cell:
        case None:
            return "NULL"
        case float():
            return _real(_single(cell) if field.type == mysqltypes.FLOAT else cell)
        case int():
            return str(cell)
        case str():
            return _moment(field, cell)
        case _:
            return _string(field, cell)


def _single(shown: float) -> float:
    """Return the 32-bit number that is shown shorter than it is."""
    return float(struct.unpack("<f", struct.pack("<f", shown))[0])


def _real(number: float) -> str | None:
    if not math.isfinite(number) or repr(number) == "-0.0":
        return None
    return repr(number) if "e" in repr(number) else f"{number!r}e0"


def _moment(field: Field, printed: str) -> str | None:
    """Return a date or a time; what depends on the session's zone or mode is not certain."""
    if field.type == mysqltypes.TIMESTAMP:
        return None
    day = printed[:10] if field.type != mysqltypes.TIME else ""
    return None if day.startswith("0000") or "-00" in day else f"'{printed}'"


def _string(field: Field, data: bytes) -> str | None:
    if field.type == mysqltypes.BIT:
        return f"b'{int.from_bytes(data, 'big'):b}'"
    if field.type in {mysqltypes.DECIMAL, mysqltypes.NEWDECIMAL}:
        return data.decode("ascii")
    if field.type not in _STRINGS or (field.flags & _FLAG_ENUM and not data):
        return None
    return f"x'{data.hex()}'" if field.charset == _BYTES else _text(data)


def _text(data: bytes) -> str | None:
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return None
    if text.isascii() and text.isprintable() and "\\" not in text:
        return "'" + text.replace("'", "''") + "'"
    return f"CONVERT(x'{data.hex()}' USING utf8mb4)"


# --- the table ----------------------------------------------------------------------------------


async def _stored(connection: Connection, named: tuple[str, ...]) -> tuple[Stored, ...]:
    """Return the columns of a table whose rows can be written back; else nothing."""
    if not 1 <= len(named) <= len(("schema", "table")):
        return ()
    schema = named[0] if len(named) > 1 else None
    found = await _asked(connection, _TABLE, schema, named[-1])
    if len(found) != 1:
        return ()
    place = [str(part) for part in found[0]]
    sees = await _asked(connection, _SEES_TRIGGERS, place[0], ".".join(place))
    if not sees or await _asked(connection, _TRIGGERS, *place):
        return ()
    if await _takes_along(connection, place):
        return ()
    return _columns(await _asked(connection, _COLUMNS, *place))


def _columns(told: Sequence[Sequence[str]]) -> tuple[Stored, ...]:
    """Return the columns, unless one is not shown, changes by itself or is no certain key."""
    stored = []
    for name, key, kind, extra in told:
        words = extra.lower().replace("default_generated", "")
        is_key = key == "PRI"
        if "on update" in words or "invisible" in words or (is_key and kind in _INEXACT):
            return ()
        stored.append(Stored(name, key=is_key, generated="generated" in words))
    return tuple(stored)


async def _takes_along(connection: Connection, place: Sequence[str]) -> bool:
    """Tell whether a foreign key may change or remove other rows with those of the table."""
    name = "/".join(place)
    if not name.replace("/", "").replace("_", "").isalnum() or not name.isascii():
        return True  # the engine writes such a name in another way
    text = f"{_TAKES_ALONG[connection.dialect]} AND LOWER(REF_NAME) = LOWER(?)"
    try:
        return bool(await _asked(connection, text, name))
    except RefusedError:
        return True


async def _asked(connection: Connection, text: str, *given: str | None) -> list[list[str]]:
    parameters = [mysqltypes.parameter(one) for one in given]
    execution = bound(await prepare(connection, text.encode()), parameters)
    answer = await execute(connection, execution, _MANY)
    return [[_word(cell) for cell in row] for row in answer.rows]


def _word(cell: Cell) -> str:
    return cell.decode("utf-8", "replace") if isinstance(cell, bytes) else str(cell)
