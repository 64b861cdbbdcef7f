"""The MariaDB judge: what a statement did to a session that may write.

The login owns the database, several statements in one text are allowed, and nothing is read only,
so that nothing but the guard stands between a statement and an effect. A batch of statements runs
in one session; what the session, its counters and the tables show afterwards counts. Then those
that worked run again in a READ ONLY transaction, where the engine itself refuses writes and locks.
"""

import asyncio
import logging
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import asyncmy
from asyncmy.errors import MySQLError
from fuzz.hunt import CRASHED
from interlock_gateway.adapters.targets import mysqlsession
from interlock_gateway.adapters.targets.mysqlcatalogue import snapshot
from interlock_gateway.core.model import Dialect, Statement
from interlock_gateway.core.statement import Catalogue
from interlock_gateway.core.statement.lexer import Mark, landmarks
from mariadb_server import MariaDatabase

# The driver tells of the notes that most random statements bring.
logging.getLogger("asyncmy").setLevel(logging.ERROR)

_WORLD = Path(__file__).parent / "worlds/mariadb.sql"
_TABLES = "trail, t, u, h, p, m"
_MODES = ("", "NO_BACKSLASH_ESCAPES", "ANSI_QUOTES,PIPES_AS_CONCAT")
_SECONDS = 0.15  # for one statement
_ROWS = 20

# Counters of the session that only what is no read turns, also inside a function; CHECKSUM is our
# own question. Handler_% tells nothing: window functions write and update rows of their own.
_COUNTERS = r"""
    SELECT group_concat(concat(variable_name, '=', variable_value) ORDER BY 1)
      FROM information_schema.session_status
     WHERE variable_name LIKE 'Com\_%'
       AND variable_name NOT RLIKE '^com_(select|show_.*|help|multi|empty_query|checksum)$'
"""
_VARIABLES = """
    SELECT md5(group_concat(concat(variable_name, '=', variable_value) ORDER BY 1))
      FROM information_schema.session_variables
     WHERE variable_name NOT IN ('TIMESTAMP', 'RAND_SEED1', 'RAND_SEED2', 'WARNING_COUNT',
              'ERROR_COUNT', 'GTID_BINLOG_POS', 'LAST_GTID', 'INNODB_BUFFER_POOL_LOAD_AT_STARTUP')
"""
_OWN_VARIABLES = """
    SELECT group_concat(concat(variable_name, '=', ifnull(variable_value, '')) ORDER BY 1)
      FROM information_schema.user_variables
"""
_SEEN = (
    ("counters", _COUNTERS),
    ("settings", _VARIABLES),
    ("user variables", _OWN_VARIABLES),
    ("the last id", "SELECT last_insert_id()"),
    ("the database", "SELECT database()"),
    ("the transaction", "SELECT @@in_transaction"),
    ("the sequence", "SELECT next_not_cached_value FROM s"),
    ("the rows", f"CHECKSUM TABLE {_TABLES}"),
    ("definitions", "SHOW FULL TABLES"),
    ("locks", "SELECT release_all_locks()"),
)
_STORED = (1305, 1630)
_READ_ONLY, _FILES, _NEEDS_RIGHT, _NO_ACCESS = 1792, 1290, 1227, 1045
_LOST = (2006, 2013, 1927)
_INTERRUPTED = 1317
_TOO_SLOW = 1969  # max_statement_time
_TO_SEE = re.compile(r"PROCESS|MONITOR")  # rights to see what others do
# A remark behind the last `;` has a result of its own, and is no statement.
_REMARK_BEHIND = re.compile(r";(?:\s|--[^\n]*|#[^\n]*|/\*.*?\*/)+\Z", re.DOTALL)
_LOOKING = re.compile(
    r"(?:\s|--[^\n]*\n|#[^\n]*\n|/\*.*?\*/)*(?:show|desc|explain|help)", re.IGNORECASE | re.DOTALL
)

# What tells of a view opens the functions behind it, which READ ONLY refuses, and runs none.
_NAMING = re.compile(
    r"(?:\s|--[^\n]*\n|#[^\n]*\n|/\*.*?\*/)*(?:show\b|(?:desc|describe|explain)\b(?!\s*(?:\(|"
    r"select|with|update|delete|insert|replace|values|extended|partitions|format|for)))",
    re.IGNORECASE | re.DOTALL,
)


class LostError(Exception):
    """The connection ended."""


@dataclass(slots=True)
class MariadbJudge:
    """Judges by executing in a database of its own.

    Attributes:
        database: an empty database; its owner is no administrator.
        mend: called when a connection was lost: starts a server again that crashed, and returns
            its last words, or "" when it lives.
        ran: statements that worked.
        catalogue: what the names in its world mean.
    """

    database: MariaDatabase
    mend: Callable[[], str]
    ran: int = 0
    catalogue: Catalogue = field(init=False)
    _runner: asyncio.Runner = field(init=False, default_factory=asyncio.Runner)
    _connection: asyncmy.connection.Connection | None = field(init=False, default=None)
    _batches: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        self._runner.run(self._make_world())
        self.catalogue = self._runner.run(_catalogue(self.database))

    def close(self) -> None:
        """End the session."""
        self._end()
        self._runner.close()

    def judge(self, statements: Sequence[Statement]) -> Sequence[str]:
        """Return for each statement why it is no read, or ""."""
        return self.run(statements)

    def run(self, statements: Sequence[Statement]) -> Sequence[str]:
        """Return what the server makes of each statement."""
        self._batches += 1
        try:
            verdicts = self._runner.run(self._together([sent(one) for one in statements]))
        except LostError as lost:
            words = self.mend()
            why = f"{CRASHED}: {words}" if words else str(lost)
            verdicts = [why] * len(statements)
        if any(verdicts):
            self._end()
            self._renew()
            if len(statements) > 1:
                return self._alone(statements, verdicts)
        return verdicts

    def _renew(self) -> None:
        """Make the world anew; a server that was still dying when it was looked at is mended."""
        try:
            self._runner.run(self._make_world())
        except LostError:
            self.mend()
            self._runner.run(self._make_world())

    def _alone(self, statements: Sequence[Statement], together: Sequence[str]) -> list[str]:
        """Return what each does alone; or, of a crash that only happens together, who was last."""
        verdicts = [self.run([statement])[0] for statement in statements]
        if any(verdicts) or not together[0].startswith(CRASHED):
            return verdicts
        return [
            why if sent(one) in why else "" for one, why in zip(statements, together, strict=True)
        ]

    async def _together(self, texts: Sequence[str]) -> list[str]:
        """Run all texts in one session, then those that worked in a READ ONLY transaction."""
        await self._pin()
        before = await self._look()
        said = [await self._said(text) for text in texts]
        verdicts = [_verdict(text, *answer) for text, answer in zip(texts, said, strict=True)]
        changed = ", ".join(_changed(before, await self._look()))
        if not any(verdicts) and changed:
            return [f"it changed {changed}"] * len(texts)
        worked = [not number for number, _ in said]
        if len(texts) > 1 or not any(verdicts):
            self.ran += sum(worked)
        return [
            why or (await self._read_only(text) if ran and not _NAMING.match(text) else "")
            for text, why, ran in zip(texts, verdicts, worked, strict=True)
        ]

    async def _read_only(self, text: str) -> str:
        await self._said("START TRANSACTION READ ONLY")
        number, _ = await self._said(text)
        await self._said("ROLLBACK")
        return "it must not run in a read-only transaction" if number == _READ_ONLY else ""

    async def _said(self, text: str) -> tuple[int, str]:
        """Send one text; return the error's number and message, or (0, "")."""
        connection = await self._open()
        try:
            async with connection.cursor() as cursor:
                await cursor.execute(text)
                left = 1 if _REMARK_BEHIND.search(text) else 0
                while await cursor.nextset():
                    left -= 1
                return (0, "") if left >= 0 else (-1, "more than one result")
        except MySQLError as error:
            number = _number(error)
            if number in _LOST:
                raise self._lost() from error
            return number, str(error)
        except (OSError, asyncio.IncompleteReadError) as error:
            raise self._lost() from error
        except (UnicodeError, ValueError):
            self._end()  # in the middle of an answer, which the driver cannot go on with
            return -3, "the driver cannot read the answer"

    async def _look(self) -> list[object]:
        return [await self._answer(question) for _, question in _SEEN]

    async def _answer(self, question: str) -> object:
        """Return the rows, or the error: a question that fails tells of a change too.

        One that took too long tells of a busy machine, and is asked again.
        """
        connection = await self._open()
        try:
            async with connection.cursor() as cursor:
                await cursor.execute(question)
                return await cursor.fetchall()
        except MySQLError as error:
            if _number(error) in _LOST:
                raise self._lost() from error
            return await self._answer(question) if _number(error) == _TOO_SLOW else str(error)
        except (OSError, asyncio.IncompleteReadError) as error:
            raise self._lost() from error

    def _lost(self) -> LostError:
        self._connection = None
        return LostError("the connection ended")

    async def _pin(self) -> None:
        mode = _MODES[self._batches % len(_MODES)]
        for setting in (
            f"SET SESSION sql_mode = '{mode}'",
            f"SET SESSION max_statement_time = {_SECONDS}, lock_wait_timeout = 1",
            f"SET SESSION sql_select_limit = {_ROWS}, group_concat_max_len = 1000000",
            "SET SESSION max_recursive_iterations = 50, sql_notes = 0",
        ):
            await self._said(setting)

    async def _open(self) -> asyncmy.connection.Connection:
        if self._connection is None:
            on, owner = self.database.server, self.database.owner
            try:
                self._connection = await asyncmy.connect(
                    host=on.host, port=on.port, user=owner.user, password=owner.password,
                    database=self.database.name, autocommit=True, charset="utf8mb4",
                )  # fmt: skip
            except MySQLError as error:
                raise self._lost() from error
        return self._connection

    def _end(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection = None

    async def _make_world(self) -> None:
        """Make the database anew."""
        name = self.database.name
        texts = [line for line in _WORLD.read_text("utf-8").splitlines() if line[:2] != "--"]
        empty = (f"DROP DATABASE `{name}`", f"CREATE DATABASE `{name}`", f"USE `{name}`")
        for text in ("SET sql_notes = 0, lock_wait_timeout = 5", *empty, *texts):
            number, message = await self._said(text)
            if number:
                raise RuntimeError(f"{text}: {message}")


def _number(error: MySQLError) -> int:
    first = error.args[0] if error.args else None
    return first if isinstance(first, int) else -2


def sent(statement: Statement) -> str:
    """Return the statement's text with 1 in the place of each parameter."""
    pieces = (
        "1" if mark.mark is Mark.PLACEHOLDER else statement.text[mark.start : mark.end]
        for mark in landmarks(Dialect.MARIADB, statement.text)
    )
    return "".join(pieces)


def _changed(before: Sequence[object], after: Sequence[object]) -> Iterator[str]:
    """Yield what differs between two looks; the last of them counts the locks itself."""
    for (name, _), old, new in zip(_SEEN, before, after, strict=True):
        if old != new:
            yield name


def _verdict(text: str, number: int, message: str) -> str:
    """Return why an answer tells of more than a read, or ""."""
    looking = bool(_LOOKING.match(text))
    if number == -1:
        return "it is more than one statement"
    if number in _STORED and not looking:
        return f"it calls a stored function: {message}"
    if number == _FILES:
        return "it wants a file of the server"
    if number in (_NEEDS_RIGHT, _NO_ACCESS) and not (looking or _TO_SEE.search(message)):
        return f"it needs a right of its own: {message}"
    if number == _INTERRUPTED:
        return "it ended its own statement"
    return ""


async def _catalogue(database: MariaDatabase) -> Catalogue:
    on, who = database.server, database.owner
    url = f"mysql://{who.user}:{who.password}@{on.host}:{on.port}/{database.name}"
    connection = await mysqlsession.connect(url, "owner", Dialect.MARIADB, reading=False)
    try:
        return await snapshot(connection)
    finally:
        await connection.close()
