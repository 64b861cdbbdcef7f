"""PostgreSQL judges: what a statement did to a session that may write, and what its tree holds.

The login owns the tables and the transaction is no READ ONLY one, so that nothing but the guard
stands between a statement and an effect. Everything goes out by the extended protocol, a batch of
statements in one round trip, each rolled back to a savepoint after our questions about it.
"""

import asyncio
import re
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path

import psycopg
from fuzz.postgres_tree import Tree
from interlock_gateway.adapters.targets import pglogin, pgtransaction
from interlock_gateway.adapters.targets.pgcatalogue import snapshot
from interlock_gateway.core.model import Limits, Statement
from interlock_gateway.core.statement import Catalogue
from psycopg.pq import ConnStatus, ExecStatus
from psycopg.pq.abc import PGconn, PGresult

_WORLD = Path(__file__).parent / "worlds/postgres.sql"
_REVIEWED = resources.files("interlock_gateway.core.statement") / "data/postgres/effects.toml"
_CHANNELS = ("jobs", "x", "a", "1", "t")
_SETTINGS = "app.user", "x.y"
_PIN = b"""
SELECT set_config('statement_timeout', '150', true), set_config('lock_timeout', '100', true),
       set_config('search_path', 'pg_catalog, public, pg_temp', true),
       set_config('standard_conforming_strings', $1, true)
"""
_TRACES = (
    *("a transaction id", "locks", "settings", "own settings", "prepared statements", "cursors"),
    *("listening", "temporary objects", "the sequence", "the transaction"),
)
# currval() and lastval() lock their sequence as a change would, even one that does not exist; the
# sequence's own value tells of nextval().
_LOOK = f"""
SELECT pg_current_xact_id_if_assigned() IS NOT NULL,
       (SELECT string_agg(DISTINCT l.locktype || ' ' || l.mode, ', ')
          FROM pg_locks AS l LEFT JOIN pg_class AS c ON c.oid = l.relation
         WHERE l.pid = pg_backend_pid() AND l.locktype <> 'virtualxid'
           AND l.mode <> 'AccessShareLock' AND (l.locktype <> 'relation' OR c.relkind <> 'S')),
       (SELECT md5(string_agg(name || '=' || coalesce(setting, ''), ',')) FROM pg_settings),
       {" || ".join(f"coalesce(current_setting('{name}', true), '')" for name in _SETTINGS)},
       (SELECT string_agg(name, ',') FROM pg_prepared_statements),
       (SELECT string_agg(name, ',') FROM pg_cursors WHERE name <> ''),
       (SELECT string_agg(c, ',' ORDER BY c) FROM pg_listening_channels() AS c),
       pg_my_temp_schema(),
       (SELECT last_value::text || is_called FROM public.s),
       transaction_timestamp()
""".encode()  # noqa: S608  the names are our own, above
_TAGS = ("SELECT", "SHOW", "EXPLAIN")
_COPY = (ExecStatus.COPY_IN, ExecStatus.COPY_OUT, ExecStatus.COPY_BOTH)
# EXPLAIN of a change takes the change's lock on its table until the rollback, and changes nothing.
_PLANNING = re.compile(r"relation Row(?:Exclusive|Share)Lock(?:, relation RowShareLock)?")
# Views and tables only some logins may read, and functions that only show what memory holds.
_HARMLESS_DENIAL = re.compile(
    r"permission denied for (?:table|view|schema|sequence|large object|function (?:"
    r"pg_get_shmem_allocations|pg_get_backend_memory_contexts|pg_show_replication_origin_status"
    r"|pg_replication_origin_progress|pg_replication_origin_oid)\b)"
    r"|permission denied to examine|must be .*examine"
)


class LostError(Exception):
    """The connection ended."""


@dataclass(frozen=True, slots=True)
class Said:
    """What the server said to one message.

    Attributes:
        tag: the command tag, such as `SELECT 3`; "" after an error.
        state: the SQLSTATE of an error, or "".
        message: the error's message, or "".
        row: the first row as text.
    """

    tag: str
    state: str
    message: str
    row: tuple[bytes | None, ...]


@dataclass(slots=True)
class Session:
    """One connection with a world to lose, made again when a statement ended it."""

    dsn: str
    _connection: psycopg.Connection | None = None

    def talk(self, messages: Sequence[tuple[bytes, Sequence[bytes]]]) -> list[Said]:
        """Send all messages in one round trip and return what the server said to each.

        Raises:
            LostError: the connection ended, or a statement wanted to copy data through it.
        """
        pgconn = self._open()
        try:
            return list(_talk(pgconn, messages))
        except (psycopg.OperationalError, LostError) as error:
            self.close()
            raise LostError(str(error) or "the connection ended") from error

    def notified(self) -> bool:
        """Tell whether a notification came since the last question."""
        pgconn = self._open()
        found = pgconn.notifies() is not None
        while pgconn.notifies() is not None:
            pass
        return found

    def close(self) -> None:
        """Close the connection; the next message opens another."""
        if self._connection is not None:
            self._connection.close()
        self._connection = None

    def _open(self) -> PGconn:
        if self._connection is None:
            self._connection = psycopg.connect(self.dsn, autocommit=True)
            for channel in _CHANNELS:
                self._connection.execute(f'LISTEN "{channel}"'.encode())
            self._connection.add_notice_handler(lambda _: None)
            self._connection.pgconn.prepare(b"look", _LOOK)
        return self._connection.pgconn


def _talk(pgconn: PGconn, messages: Sequence[tuple[bytes, Sequence[bytes]]]) -> Iterator[Said]:
    pgconn.enter_pipeline_mode()
    for text, values in messages:
        if text == _LOOK:
            pgconn.send_query_prepared(b"look", None)
        else:
            pgconn.send_query_params(text, list(values))
        pgconn.pipeline_sync()
    for _ in messages:
        yield _said(pgconn)
    pgconn.exit_pipeline_mode()


def _said(pgconn: PGconn) -> Said:
    """Take the results of one message, up to and with the end of its part of the round trip."""
    last: PGresult | None = None
    while True:
        result = pgconn.get_result()
        if result is None:
            if pgconn.status != ConnStatus.OK:
                raise LostError("the connection ended")
            continue
        if result.status == ExecStatus.PIPELINE_SYNC:
            break
        if result.status in _COPY:
            raise LostError("it copies data through the connection")
        last = result
    if last is None:
        raise LostError("the server did not answer")
    return _as_said(last)


def _as_said(result: PGresult) -> Said:
    state = (result.error_field(ord("C")) or b"").decode()
    message = (result.error_field(ord("M")) or b"").decode(errors="replace")
    row = (
        tuple(result.get_value(0, column) for column in range(result.nfields))
        if result.status == ExecStatus.TUPLES_OK and result.ntuples and result.nfields < 12
        else ()
    )
    return Said((result.command_status or b"").decode(), state, message, row)


@dataclass(slots=True)
class PostgresJudge:
    """Judges by executing; the tree is judged first, and alone can convict.

    Attributes:
        dsn: a login that owns its database and is no superuser.
        catalogue: what the names in its world mean.
    """

    dsn: str
    ran: int = 0
    catalogue: Catalogue = field(init=False)
    _session: Session = field(init=False)
    _tree: Tree = field(init=False)
    _strings: bytes = b"on"

    def __post_init__(self) -> None:
        with psycopg.connect(self.dsn, autocommit=True) as connection:
            connection.execute(_WORLD.read_bytes())
            self._tree = Tree(volatile_functions(connection))
        self.catalogue = asyncio.run(_catalogue(self.dsn))
        self._session = Session(self.dsn)

    def close(self) -> None:
        """End the session."""
        self._session.close()

    def judge(self, statements: Sequence[Statement]) -> Sequence[str]:
        """Return for each statement why it is no read, or ""."""
        by_tree = [self._tree.judge(statement.text) for statement in statements]
        self._strings = b"off" if self._strings == b"on" else b"on"
        return [tree or run for tree, run in zip(by_tree, self.run(statements), strict=True)]

    def run(self, statements: Sequence[Statement]) -> Sequence[str]:
        """Return what the server makes of each statement, past the tree."""
        try:
            verdicts = self._together(statements)
        except LostError as lost:
            verdicts = [str(lost)] * len(statements)
        if any(verdicts):
            self._session.close()  # whatever happened to it, the next one is as it should be
        if len(statements) > 1 and any(verdicts):
            return [self.run([statement])[0] for statement in statements]
        return verdicts

    def _together(self, statements: Sequence[Statement]) -> list[str]:
        """Run all statements in one transaction, then those that worked each with COMMIT."""
        asked = [(_text(one), _values(one)) for one in statements]
        middle = [
            message
            for one in asked
            for message in (one, (_LOOK, ()), (b"ROLLBACK TO SAVEPOINT before", ()))
        ]
        start = [(b"BEGIN", ()), (_PIN, [self._strings]), (b"SAVEPOINT before", ()), (_LOOK, ())]
        said = self._session.talk([*start, *middle, (_LOOK, ()), (b"ROLLBACK", ())])
        first, last, end = said[3], said[-2], said[-1]
        verdicts = [
            _verdict(answer, look, back, first)
            for answer, look, back in zip(said[4:-2:3], said[5:-2:3], said[6:-2:3], strict=True)
        ]
        whole = _changed(first, last) or ("" if end.tag == "ROLLBACK" else "the transaction ended")
        if not any(verdicts) and whole:
            return [whole] * len(statements)
        if not any(verdicts):
            worked = [one for one, answer in zip(asked, said[4::3], strict=False) if answer.tag]
            self.ran += len(worked)
            if worked and self._committed(worked):
                return ["it leaves something behind when it is committed"] * len(statements)
        return verdicts

    def _committed(self, asked: Sequence[tuple[bytes, Sequence[bytes]]]) -> bool:
        """Tell whether a notification, or a change of the session, outlives the transactions."""
        pin = (_PIN, [self._strings])
        each = [m for one in asked for m in ((b"BEGIN", ()), pin, one, (b"COMMIT", ()))]
        said = self._session.talk([(_LOOK, ()), *each, (_LOOK, ())])
        same = said[0].row[:-1] == said[-1].row[:-1]
        return self._session.notified() or not same


async def _catalogue(dsn: str) -> Catalogue:
    connection = await pglogin.connect(dsn, "owner", reading=False)
    try:
        await pgtransaction.begin(connection, Limits(), read_only=True)
        return await snapshot(connection)
    finally:
        await connection.close()


def volatile_functions(connection: psycopg.Connection) -> frozenset[str]:
    """Return the engine's volatile functions but those that a reviewer called harmless."""
    rows = connection.execute(
        "SELECT DISTINCT proname FROM pg_proc"
        " WHERE provolatile = 'v' AND pronamespace = 'pg_catalog'::regnamespace"
    )
    reviewed = tomllib.loads(_REVIEWED.read_text(encoding="utf-8"))["read"]
    return frozenset(name for (name,) in rows if name not in reviewed)


def _text(statement: Statement) -> bytes:
    return statement.text.encode()


def _values(statement: Statement) -> Sequence[bytes]:
    return [b"1"] * len(statement.names)


def _verdict(answer: Said, look: Said, back: Said, first: Said) -> str:
    """Return why one statement is no read.

    Args:
        answer: to the statement itself.
        look: our look right after it.
        back: to going back to the savepoint, which is gone if the transaction ended.
        first: our look before any statement.
    """
    if back.state:
        return "it ended the transaction"
    if answer.state:
        return _refusal(answer)
    if not answer.tag.startswith(_TAGS):
        return f"the server calls it {answer.tag or 'nothing'}"
    if look.state:
        return f"our own question failed after it: {look.message}"
    changed = _changed(first, look)
    planned = answer.tag == "EXPLAIN" and changed.startswith("locks:")
    return "" if planned and _PLANNING.fullmatch((look.row[1] or b"").decode()) else changed


def _refusal(answer: Said) -> str:
    """Return why an error tells of more than a read, or ""."""
    known = {
        "25001": "it must not run in a transaction",
        "25P01": "it wants a transaction",
        "57P01": "it ended our own session",
    }
    if answer.state == "42601" and "multiple commands" in answer.message:
        return "it is more than one statement"
    if answer.state == "57014" and "user request" in answer.message:
        return "it cancelled our own statement"
    if answer.state == "42501" and not _HARMLESS_DENIAL.search(answer.message):
        return f"it needs a right of its own: {answer.message}"
    return known.get(answer.state, "")


def _changed(before: Said, after: Said) -> str:
    """Return what differs between two looks, or ""."""
    names = [
        name for name, old, new in zip(_TRACES, before.row, after.row, strict=False) if old != new
    ]
    if len(before.row) != len(_TRACES) or len(after.row) != len(_TRACES):
        return "our own question was not answered"
    detail = f": {(after.row[1] or b'').decode()}" if names[:1] == ["locks"] else ""
    return ", ".join(names) + detail
