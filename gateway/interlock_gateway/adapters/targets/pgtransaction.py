"""A PostgreSQL transaction with everything pinned: begun, looked at afterwards, undone."""

import asyncio
import select
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

import psycopg
from psycopg import errors
from psycopg.pq import TransactionStatus

from interlock_gateway.adapters.targets.pgline import Connection
from interlock_gateway.adapters.targets.pgwire import Answer, Saying, ask, exchange, heard
from interlock_gateway.core.model import Limits
from interlock_gateway.service.targets import TargetError

SEARCH_PATH = "pg_catalog, public, pg_temp"
"""Built-in functions first and temporary tables last: neither can be shadowed."""

_TIDY_SECONDS = 5.0
_AT_REST = (TransactionStatus.IDLE, TransactionStatus.INTRANS, TransactionStatus.INERROR)

_PINNED = {
    "standard_conforming_strings": "on",
    "search_path": SEARCH_PATH,
    "TimeZone": "UTC",
    "DateStyle": "ISO, YMD",
    "IntervalStyle": "postgres",
    "bytea_output": "hex",
    "extra_float_digits": "1",
    "client_encoding": "UTF8",
}
_TIMEOUTS = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout")
_SETTINGS = (*_PINNED, *_TIMEOUTS)
_SET = " AND ".join(
    f"pg_catalog.set_config('{name}', ${place}, true) "
    + (f"OPERATOR(pg_catalog.=) ${place}" if name in _PINNED else "IS NOT NULL")
    for place, name in enumerate(_SETTINGS, start=1)
)
_READ_BACK = ", ', ', ".join(
    f"pg_catalog.current_setting('{name}')" for name in ("transaction_read_only", *_PINNED)
)
_PIN = f"""
SELECT pg_catalog.now(), CASE WHEN {_SET}
  AND pg_catalog.current_setting('transaction_read_only')
    OPERATOR(pg_catalog.=) ${len(_SETTINGS) + 1}
  THEN 1 ELSE pg_catalog.concat('not ', {_READ_BACK})::pg_catalog.int4 END""".encode()
"""Fails where a setting is not taken over: the server then skips what was sent after it."""

_SAME = b"""
SELECT pg_catalog.pg_current_xact_id_if_assigned() IS NULL
   AND pg_catalog.current_setting('transaction_read_only') OPERATOR(pg_catalog.=) 'on',
  pg_catalog.now()"""


def _beginning(limits: Limits, *, read_only: bool) -> list[Saying]:
    milliseconds = max(1, int(limits.seconds * 1000))
    timeouts = (milliseconds, min(milliseconds, 5_000), milliseconds + 30_000)
    values = [*_PINNED.values(), *map(str, timeouts)]
    return [
        Saying(b"BEGIN READ ONLY" if read_only else b"BEGIN READ WRITE"),
        Saying(_PIN, [*values, "on" if read_only else "off"]),
    ]


async def begin(connection: Connection, limits: Limits, *, read_only: bool) -> str:
    """Begin a transaction and pin every setting that changes what a text means or may cost.

    Returns:
        The transaction's timestamp as the server prints it, by which `untouched` knows it.

    Raises:
        TargetError: the server did not take a setting over; nothing was run.
    """
    _, pinned = await _pinned(connection, _beginning(limits, read_only=read_only))
    return _when(pinned)


@dataclass(frozen=True, slots=True)
class Read:
    """What came of a read.

    Attributes:
        began: the transaction's timestamp as the server prints it.
        answer: to the statement.
        same: what the server said of the transaction afterwards.
    """

    began: str
    answer: Answer
    same: Answer


async def read(connection: Connection, limits: Limits, asked: Saying) -> Read:
    """Begin read-only, pin, run a statement and look at the transaction again, all at once.

    The server comes to the statement only after it has begun and pinned: where one of these
    fails, it skips the rest.

    Raises:
        TargetError: the server did not take a setting over; nothing was run.
        psycopg.Error: it refused the statement, or the connection is gone.
    """
    sent = [*_beginning(limits, read_only=True), asked, Saying(_SAME)]
    _, pinned, answer, same = await _pinned(connection, sent)
    return Read(_when(pinned), answer, same)


async def read_on(connection: Connection, began: str, asked: Saying) -> Read:
    """Run a statement in a transaction that `begin` began, and look at the transaction again."""
    answer, same = await exchange(connection, [asked, Saying(_SAME)])
    return Read(began, answer, same)


async def _pinned(connection: Connection, sayings: Sequence[Saying]) -> list[Answer]:
    """Exchange what starts with a beginning, and say so where that is what failed."""
    hearing = await heard(connection, [sayings])
    error = hearing.refusal
    if isinstance(error, errors.InvalidTextRepresentation) and hearing.refused == 1:
        raise TargetError(
            "target-failed",
            f"The server did not take the pinned settings over: {error}. Nothing was run. "
            "Is there a connection pooler in between?",
        ) from error
    if error is not None:
        raise error
    return hearing.answers


def _when(pinned: Answer) -> str:
    return str(pinned.rows[0][0])


async def untouched(connection: Connection, began: str) -> bool:
    """Tell from outside a read whether it neither wrote nor left its transaction."""
    same = Answer()
    if connection.info.transaction_status == TransactionStatus.INTRANS:
        with suppress(errors.QueryCanceled):  # our own cancel at a limit came late, and hit this
            same = await ask(connection, _SAME)
    return stayed(connection, Read(began, Answer(), same))


def stayed(connection: Connection, came: Read) -> bool:
    """Tell the same of a read after which the server was asked already.

    A transaction that has written has an id; one that was ended, or ended and begun again, has
    another timestamp. After an early stop it is aborted, or the connection is closed, and there
    is nothing left to ask.
    """
    status = connection.info.transaction_status
    if connection.closed or status == TransactionStatus.INERROR:
        return True
    return status == TransactionStatus.INTRANS and came.same.rows == [("t", came.began)]


def alive(connection: Connection) -> bool:
    """Tell whether a connection at rest has nothing to say: a server that ends one does."""
    if connection.closed or connection.info.transaction_status != TransactionStatus.IDLE:
        return False
    waiting = select.poll()
    waiting.register(connection.pgconn.socket, select.POLLIN)
    return not waiting.poll(0)


def is_standby(connection: Connection) -> bool:
    """Tell whether it is a standby, where nothing can be written and not even BEGIN says so.

    What is done there, such as going on with its replay, is no write.
    """
    return connection.info.parameter_status("in_hot_standby") == "on"


async def roll_back(connection: Connection) -> None:
    """Undo the transaction, if there is one, and forget everything the session holds."""
    open_still = connection.info.transaction_status != TransactionStatus.IDLE
    undo = [[Saying(b"ROLLBACK")]] if open_still else []
    await exchange(connection, *undo, [Saying(b"DISCARD ALL")])


async def tidied(connection: Connection) -> bool:
    """Roll back and discard all; if that cannot be done for certain, close and say False."""
    if connection.closed or connection.info.transaction_status not in _AT_REST:
        await connection.close()
        return False
    try:
        async with asyncio.timeout(_TIDY_SECONDS):
            await roll_back(connection)
    except (psycopg.Error, TimeoutError):
        await connection.close()
        return False
    except BaseException:
        await connection.close()
        raise
    return True
