"""What PostgreSQL says of a transaction after its line is gone: committed, rolled back, or not.

A transaction's number means something in one history of one cluster. After a failover, a crash or
a backup put back, the same number may be another transaction's: then nothing is proven by it.

Source: https://www.postgresql.org/docs/current/functions-info.html (`pg_xact_status`).
"""

from collections.abc import Mapping

import psycopg
from psycopg import errors

from interlock_gateway.adapters.targets.pgline import Connection
from interlock_gateway.adapters.targets.pgtransaction import is_standby
from interlock_gateway.adapters.targets.pgwire import ask
from interlock_gateway.service.targets import Became, Proof

_HISTORY = """
  (SELECT s.system_identifier::pg_catalog.text FROM pg_catalog.pg_control_system() AS s) AS system,
  pg_catalog.substr(pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_insert_lsn()), 1, 8)
    AS timeline,
  (SELECT d.oid::pg_catalog.text FROM pg_catalog.pg_database AS d
    WHERE d.datname OPERATOR(pg_catalog.=) pg_catalog.current_database()) AS database,
  pg_catalog.pg_stat_get_bgwriter_stat_reset_time()::pg_catalog.text AS since"""
"""Which cluster, which of its histories, and since when it has not crashed: a crash that loses
WAL gives its numbers out again, and statistics begin anew with it."""

_NAMED = f"""
SELECT pg_catalog.pg_current_xact_id()::pg_catalog.text AS xid,
  pg_catalog.pg_current_wal_insert_lsn()::pg_catalog.text AS place, {_HISTORY}""".encode()

_SAME = f"""
SELECT pg_catalog.pg_current_wal_insert_lsn()
    OPERATOR(pg_catalog.>=) $1::pg_catalog.pg_lsn AS after, {_HISTORY}""".encode()

_STATUS = b"SELECT pg_catalog.pg_xact_status($1::pg_catalog.xid8)"

_WORDS = {
    "committed": Became.COMMITTED,
    "aborted": Became.ROLLED_BACK,
    "in progress": Became.OPEN,
}


async def named(connection: Connection) -> dict[str, str]:
    """Return the names of the open transaction; empty where the server does not tell them.

    Its number is given out with this, if nothing was written yet.

    Raises:
        psycopg.Error: the connection is gone.
    """
    if is_standby(connection):
        return {}
    await ask(connection, b"SAVEPOINT named")
    try:
        answer = await ask(connection, _NAMED)
    except psycopg.Error:
        if connection.closed:
            raise
        await ask(connection, b"ROLLBACK TO SAVEPOINT named")
        return {}
    await ask(connection, b"RELEASE SAVEPOINT named")
    cells = dict(zip(answer.names, answer.rows[0], strict=True))
    return {name: cell for name, cell in cells.items() if cell is not None}


async def became(connection: Connection, transaction: Mapping[str, str]) -> Proof:
    """Return what the server says of a transaction that `named` named.

    Raises:
        psycopg.Error: it cannot be asked now.
    """
    if "xid" not in transaction:
        return Proof(Became.UNTOLD, "The server did not tell the transaction's number.")
    if is_standby(connection):
        words = "A standby answers in its place; which history is the right one is not known."
        return Proof(Became.UNTOLD, words)
    differs = await _differs(connection, transaction)
    if differs:
        return Proof(Became.UNTOLD, f"It is not the same server any more: {differs}.")
    number = transaction["xid"]
    try:
        answer = await ask(connection, _STATUS, [number])
    except errors.InvalidParameterValue:
        return Proof(Became.UNTOLD, f"The server has not come to transaction {number} yet.")
    status = answer.rows[0][0]
    if status not in _WORDS:
        return Proof(Became.UNTOLD, f"The server has forgotten transaction {number}: too old.")
    return Proof(_WORDS[status], f"pg_xact_status says that transaction {number} is {status}.")


async def _differs(connection: Connection, transaction: Mapping[str, str]) -> str:
    """Return what tells this server's history from the transaction's, or ""."""
    answer = await ask(connection, _SAME, [transaction.get("place", "0/0")])
    now = dict(zip(answer.names, answer.rows[0], strict=True))
    checks = {
        "system": "another cluster",
        "database": "another database",
        "timeline": "another timeline, as after a failover",
        "since": "it crashed, or its statistics were reset",
    }
    for name, words in checks.items():
        if name not in transaction or now[name] != transaction[name]:
            return words
    return "" if now["after"] == "t" else "its WAL ends before the transaction"
