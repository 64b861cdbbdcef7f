"""A MySQL session: let in by no stronger login than needed, pinned, and clean for the next."""

import asyncio
from collections.abc import Awaitable, Callable

from interlock_gateway.adapters.targets import mysqlline
from interlock_gateway.adapters.targets.mysqladdress import Address, address
from interlock_gateway.adapters.targets.mysqlline import RefusedError, open_line
from interlock_gateway.adapters.targets.mysqlpacket import LostError
from interlock_gateway.adapters.targets.mysqlrights import too_strong
from interlock_gateway.adapters.targets.mysqlwire import Connection, command, done, lines
from interlock_gateway.core.model import Dialect, Limits
from interlock_gateway.service.targets import TargetError

_TIDY_SECONDS = 5.0

_Fit = Callable[[Connection], Awaitable[None]]
"""Refuses a login that does not fit its purpose."""

# --- a transaction with everything pinned --------------------------------------------------------

SQL_MODE = "STRICT_TRANS_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION"
"""What a text means under the classifier's rules: no ANSI_QUOTES, no NO_BACKSLASH_ESCAPES, …"""

_PINNED: dict[str, str | float] = {
    "sql_mode": SQL_MODE,
    "character_set_client": "utf8mb4",
    "character_set_results": "utf8mb4",
    "collation_connection": "utf8mb4_general_ci",
    "time_zone": "+00:00",
    "autocommit": 1,
    "completion_type": "NO_CHAIN",
    "sql_select_limit": 2**64 - 1,
    "max_error_count": 64,
    "group_concat_max_len": 1 << 20,
}
_READ_ONLY = {Dialect.MARIADB: "tx_read_only", Dialect.MYSQL: "transaction_read_only"}
_TIME_LIMIT = {Dialect.MARIADB: "max_statement_time", Dialect.MYSQL: "max_execution_time"}


async def begin(connection: Connection, limits: Limits, *, read_only: bool) -> None:
    """Pin every setting that changes what a text means or may cost; then begin a transaction.

    The session is read-only as well as the transaction: a statement that commits implicitly
    would otherwise leave the transaction first and then run (measured on MariaDB 10.11: DROP,
    TRUNCATE, ALTER, CREATE and GRANT are refused only with both).

    Raises:
        TargetError: the server did not take a setting over; nothing was run.
    """
    pinned = _settings(connection.dialect, limits, read_only=read_only)
    values = (f"{name} = {_literal(value)}" for name, value in pinned.items())
    await command(connection, f"SET {', '.join(values)}")
    asked = ", ".join(f"@@{name}" for name in pinned)
    found = await lines(connection, f"SELECT {asked}, CONNECTION_ID(), DATABASE()")
    wanted = [*pinned.values(), connection.thread, connection.address.database]
    strange = [
        f"{name} is {said}"
        for name, want, said in zip(
            [*pinned, "connection", "database"], wanted, found[0], strict=True
        )
        if not _same(want, said)
    ]
    if strange:
        raise TargetError(
            "target-failed",
            f"The server did not take the pinned settings over: {', '.join(strange)}. Nothing was "
            "run. Is there a connection pooler in between?",
        )
    await command(connection, f"START TRANSACTION READ {'ONLY' if read_only else 'WRITE'}")


def _settings(dialect: Dialect, limits: Limits, *, read_only: bool) -> dict[str, str | float]:
    whole = min(max(1, int(limits.seconds)), 5)
    exact = limits.seconds if dialect is Dialect.MARIADB else max(1, int(limits.seconds * 1000))
    return {
        **_PINNED,
        _READ_ONLY[dialect]: int(read_only),
        _TIME_LIMIT[dialect]: exact,
        "lock_wait_timeout": whole,
        "innodb_lock_wait_timeout": whole,
    }


def _literal(value: str | float) -> str:
    return f"'{value}'" if isinstance(value, str) else f"{value}"


def _same(want: str | float, said: str | None) -> bool:
    if said is None:
        return False
    if isinstance(want, str):
        return said.casefold() == want.casefold()  # a database's name may be kept in lower case
    return float(said) == float(want)


async def warnings(connection: Connection) -> dict[int, str]:
    """Return what the server wants to add to its last answer, by error number."""
    found = await lines(connection, "SHOW WARNINGS")
    return {int(number or 0): words or "" for _, number, words in found}


async def alive(connection: Connection) -> None:
    """Ask nothing, and hear the server's status."""
    connection.line.say(mysqlline.PING)
    done(connection, await connection.line.heard())


async def tidied(connection: Connection) -> bool:
    """Roll back and forget everything the session holds; if that is not certain, hang up.

    COM_RESET_CONNECTION rolls back and drops user variables, temporary tables, named locks,
    prepared statements and settings; it is no SQL, so nothing a session holds can change what
    it means.
    """
    try:
        if not connection.closed:
            async with asyncio.timeout(_TIDY_SECONDS):
                connection.line.say(mysqlline.RESET)
                done(connection, await connection.line.heard())
                return True
    except (LostError, RefusedError, TimeoutError):
        pass
    except BaseException:
        await connection.close()
        raise
    await connection.close()
    return False


# --- connecting -------------------------------------------------------------------------------


async def connect(url: str, where: str, dialect: Dialect, *, reading: bool) -> Connection:
    """Open a connection with a login that is no stronger than its purpose.

    Args:
        url: the credential.
        where: what to call it in messages, such as `read login of target orders`.
        dialect: the engine that must be there.
        reading: whether the login is for reads, which need still less.

    Raises:
        TargetError: unreachable, another engine, or the login has rights that no lock could hold.
    """

    async def fit(connection: Connection) -> None:
        await _refuse_if_too_strong(connection, where, reading=reading)

    return await opened(url, where, dialect, fit)


async def opened(url: str, where: str, dialect: Dialect, fit: _Fit | None = None) -> Connection:
    """Open a connection; without `fit`, as in `interlock doctor`, whatever its login may do."""
    there = address(url, where)
    try:
        async with asyncio.timeout(2 * mysqlline.CONNECT_SECONDS):
            return await _let_in(there, where, dialect, fit)
    except TimeoutError:
        words = f"no answer within {2 * mysqlline.CONNECT_SECONDS} s"
    except (LostError, RefusedError) as error:
        words = " ".join(str(error).split())
    if there.password:
        words = words.replace(there.password, "***")
    raise TargetError("target-unreachable", f"The {where} cannot be used: {words}")


async def _let_in(there: Address, where: str, dialect: Dialect, fit: _Fit | None) -> Connection:
    connection = Connection(await open_line(there), there, dialect)
    try:
        await _refuse_another_engine(connection, where)
        if fit:
            await fit(connection)
    except BaseException:
        await connection.close()
        raise
    return connection


async def _refuse_another_engine(connection: Connection, where: str) -> None:
    version = (await lines(connection, "SELECT VERSION()"))[0][0] or ""
    found = Dialect.MARIADB if "mariadb" in version.lower() else Dialect.MYSQL
    if found is not connection.dialect:
        raise TargetError(
            "target-failed",
            f"The {where} leads to {found} ({version}), but the target is {connection.dialect}: "
            "its statements were classified by another engine's rules. Nothing was run. Write "
            f'dialect = "{found}" in targets.toml.',
        )


async def grants(connection: Connection) -> list[str]:
    """Return the lines of `SHOW GRANTS` as `mysqlrights` reads them. Secrets are in them."""
    await command(connection, f"SET sql_mode = '{SQL_MODE}', sql_quote_show_create = 1")
    return [row[0] or "" for row in await lines(connection, "SHOW GRANTS")]


async def _refuse_if_too_strong(connection: Connection, where: str, *, reading: bool) -> None:
    rights = too_strong(await grants(connection), reading=reading)
    if rights:
        raise TargetError(
            "target-failed",
            f"The {where} is too strong ({', '.join(rights)}), so the engine could not hold it "
            "back. Nothing was run. Create a right-sized login: docs/guide.md says how.",
        )
