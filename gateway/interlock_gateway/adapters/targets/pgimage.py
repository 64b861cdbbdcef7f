"""What the rows of a change are right before it: read in its transaction, and locked.

Each value is written back as the server prints it under the pinned settings, quoted: it reads its
own words as the same value, whatever the type.
"""

import asyncio
from dataclasses import replace

import psycopg

from interlock_gateway.adapters.targets import pgtypes, values
from interlock_gateway.adapters.targets.pgline import Connection
from interlock_gateway.adapters.targets.pgwire import Answer, Cap, ask
from interlock_gateway.core.model import Before, Limits, Stored
from interlock_gateway.service.targets import Deed

_LIMITS = Limits(rows=100, bytes=256 * 1024)
"""Of the evidence; the change itself has limits of its own."""

_ELSEWHERE = frozenset((24, 790, 2202, 2203, 2204, 2205, 2206, 3734, 3769, 4089, 4096, 4191))
"""Types whose words depend on the session: money, and the names of things (regclass, …)."""

_STORED = b"""
SELECT a.attname, coalesce(a.attnum OPERATOR(pg_catalog.=) ANY (i.indkey), false),
       a.attgenerated OPERATOR(pg_catalog.<>) '', a.attidentity OPERATOR(pg_catalog.=) 'a'
  FROM pg_catalog.pg_attribute AS a
  JOIN pg_catalog.pg_class AS c ON c.oid OPERATOR(pg_catalog.=) a.attrelid AND NOT c.relhasrules
   AND (c.relkind OPERATOR(pg_catalog.=) 'p'
        OR c.relkind OPERATOR(pg_catalog.=) 'r' AND NOT c.relhassubclass)
   AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_trigger AS t
        WHERE t.tgrelid OPERATOR(pg_catalog.=) c.oid AND NOT t.tgisinternal)
   AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_constraint AS f
        WHERE f.confrelid OPERATOR(pg_catalog.=) c.oid
          AND (f.confupdtype OPERATOR(pg_catalog.<>) ALL ('{a,r}'::pg_catalog."char"[])
            OR f.confdeltype OPERATOR(pg_catalog.<>) ALL ('{a,r}'::pg_catalog."char"[])))
  LEFT JOIN pg_catalog.pg_index AS i
    ON i.indrelid OPERATOR(pg_catalog.=) a.attrelid AND i.indisprimary
 WHERE a.attrelid OPERATOR(pg_catalog.=) $1::pg_catalog.oid
   AND a.attnum OPERATOR(pg_catalog.>) 0 AND NOT a.attisdropped
 ORDER BY a.attnum
"""


async def image(connection: Connection, deed: Deed, seconds: float) -> Before | None:
    """Return the rows that `deed` will change, or None where they cannot be read.

    A login that may change a table need not be allowed to read all of it: then the change goes
    on without. Its transaction is as it was before.

    Raises:
        TimeoutError, psycopg.Error: the connection does not answer any more, or is gone.
    """
    if deed.image is None:
        return None
    text = deed.image.text.encode() + b"\nFOR UPDATE"
    named = {name: deed.values[name] for name in deed.image.names}  # SET has others of its own
    parameters = [pgtypes.parameter(one) for one in values.given(deed.image, named)]
    words = (values.rows_limit(_LIMITS), values.bytes_limit(_LIMITS))
    cap = Cap(rows=_LIMITS.rows, bytes=2 * _LIMITS.bytes, words=words, cancel=False)
    async with asyncio.timeout(seconds):
        await ask(connection, b"SAVEPOINT image")
        try:
            answer = await ask(connection, text, parameters, cap)
            stored = await _stored(connection, answer)
        except psycopg.Error:
            if connection.closed:
                raise
            await ask(connection, b"ROLLBACK TO SAVEPOINT image")
            return None
        await ask(connection, b"RELEASE SAVEPOINT image")
    columns, rows = pgtypes.table(answer.names, answer.oids, answer.rows)
    found = values.capped(columns, rows, _LIMITS, cut=answer.cut)
    if connection.info.parameter_status("server_encoding") == "SQL_ASCII":
        stored = ()  # its texts may be any bytes, which are not shown as they are
    literals = [tuple(map(_literal, answer.oids, row)) for row in answer.rows[: len(found.rows)]]
    return Before(replace(found, affected=None), stored, tuple(literals))


def _literal(oid: int, printed: str | None) -> str | None:
    if printed is None:
        return "NULL"
    return None if oid in _ELSEWHERE else "'" + printed.replace("'", "''") + "'"


async def _stored(connection: Connection, answer: Answer) -> tuple[Stored, ...]:
    """Return the columns of the table that all of the answer comes from, or nothing.

    Behind a view, a rule or a table that others inherit from there can be columns that the answer
    does not show; a trigger changes what is written, and a foreign key takes other rows along:
    what brings such rows back is not certain.
    """
    (table, *more) = {relation for relation, _ in answer.sources} or {0}
    if more or not table:
        return ()
    told = await ask(connection, _STORED, [table], Cap(rows=2_000, bytes=1 << 20))
    return tuple(Stored(str(name), *(flag == "t" for flag in flags)) for name, *flags in told.rows)
