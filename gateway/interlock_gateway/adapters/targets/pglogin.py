"""Connecting to PostgreSQL with a login that is no stronger than its purpose."""

import re

import psycopg
from psycopg import AsyncConnection, conninfo

from interlock_gateway.adapters.targets.pgline import Connection
from interlock_gateway.adapters.targets.pgwire import ask
from interlock_gateway.service.targets import TargetError

CONNECT_SECONDS = 5
"""How long a target may take to let us in."""

# A password with a bare `/` or `@` in it would leave its pieces in one of these.
_SHAPES = {
    "host": re.compile(r"[^@/\s]*|/[^@]*"),
    "port": re.compile(r"[0-9,]*"),
    "dbname": re.compile(r"[^@/\s]+"),
}
_TOO_STRONG = b"""
SELECT coalesce(pg_catalog.string_agg(what, ', ' ORDER BY what), '') FROM (
  SELECT 'superuser' AS what FROM pg_catalog.pg_roles
   WHERE rolname OPERATOR(pg_catalog.=) current_user AND rolsuper
  UNION ALL
  SELECT 'replication' FROM pg_catalog.pg_roles
   WHERE rolname OPERATOR(pg_catalog.=) current_user AND rolreplication
  UNION ALL
  SELECT rolname FROM pg_catalog.pg_roles
   WHERE rolname OPERATOR(pg_catalog.=) ANY ($1::pg_catalog.name[])
     AND pg_catalog.pg_has_role(oid, 'MEMBER')
) AS rights"""
_FILES = ["pg_execute_server_program", "pg_read_server_files", "pg_write_server_files"]
_READER_NEVER = [*_FILES, "pg_signal_backend", "pg_write_all_data"]


async def connect(dsn: str, where: str, *, reading: bool) -> Connection:
    """Open a connection with a login that is no stronger than its purpose.

    Args:
        dsn: the credential.
        where: what to call it in messages, such as `read login of target orders`.
        reading: whether the login is for reads, which need still less.

    Raises:
        TargetError: unreachable, or the login has rights that no lock could hold.
    """
    connection = await opened(dsn, where)
    try:
        await _refuse_if_too_strong(connection, where, reading=reading)
    except BaseException:
        await connection.close()
        raise
    return connection


async def opened(dsn: str, where: str) -> Connection:
    """Open a connection, whatever its login may do: only `interlock doctor` uses such a one."""
    try:
        return await AsyncConnection.connect(
            _checked(dsn, where),
            autocommit=True,
            prepare_threshold=None,
            application_name="interlock",
            connect_timeout=CONNECT_SECONDS,
        )
    except psycopg.Error as error:
        raise TargetError("target-unreachable", _scrubbed(error, dsn, where)) from None


async def too_strong(connection: Connection, *, reading: bool) -> str:
    """Return the rights that a login must not have for its purpose, in order; "" for none."""
    answer = await ask(connection, _TOO_STRONG, [_READER_NEVER if reading else _FILES])
    return answer.rows[0][0] or ""


async def _refuse_if_too_strong(connection: Connection, where: str, *, reading: bool) -> None:
    rights = await too_strong(connection, reading=reading)
    if rights:
        raise TargetError(
            "target-failed",
            f"The {where} is too strong ({rights}), so the engine could not hold it back. "
            "Nothing was run. Create a right-sized login: docs/guide.md says how.",
        )


def _checked(dsn: str, where: str) -> str:
    """Return `dsn` if it is well-formed; a message about any other could quote its secret."""
    try:
        parts = conninfo.conninfo_to_dict(dsn)
    except psycopg.Error:
        parts = {}
    if not all(shape.fullmatch(str(parts.get(key) or "")) for key, shape in _SHAPES.items()):
        raise TargetError(
            "target-unreachable",
            f"The credential for the {where} is not a PostgreSQL connection string with a "
            "database name. Write postgresql://USER:PASSWORD@HOST:PORT/DATABASE and "
            "percent-encode special characters in the password.",
        )
    return dsn


def _scrubbed(error: psycopg.Error, dsn: str, where: str) -> str:
    words = " ".join(str(error).split())
    password = str(conninfo.conninfo_to_dict(dsn).get("password") or "")
    if password:
        words = words.replace(password, "***")
    return f"The {where} cannot be used: {words}"
