"""Proves the PostgreSQL engine lock with probes that would lose nothing if it were broken.

Probes go where a reader's statements go, past the classifier: the same pool, transaction and
protocol. A login that is too strong for the gateway is probed too, since that is when a broken
lock shows. So each probe is harmless even for a superuser: it names temporary things, changes
rows WHERE false, or looks at a file of the server's own; and every transaction is rolled back.
"""

import time
from collections.abc import AsyncIterator, Awaitable
from dataclasses import dataclass

import psycopg

from interlock_gateway.adapters.doctor.check import NO_RIGHTS_LOST, Check, Notes, Outcome
from interlock_gateway.adapters.doctor.names import named
from interlock_gateway.adapters.doctor.pgrights import quoted, rights, strength
from interlock_gateway.adapters.targets.pgcatalogue import snapshot
from interlock_gateway.adapters.targets.pgline import Connection
from interlock_gateway.adapters.targets.pglogin import opened, too_strong
from interlock_gateway.adapters.targets.pgtransaction import begin, tidied, untouched
from interlock_gateway.adapters.targets.pgwire import ask
from interlock_gateway.adapters.targets.pool import Pool
from interlock_gateway.core.model import Limits, Target
from interlock_gateway.core.statement.catalogue import Name
from interlock_gateway.service.targets import Secrets, TargetError

Lent = Pool[Connection]

_SHORT = Limits(seconds=1.0)  # a probe waits for nobody's lock for longer
_STRIKES = Limits(seconds=0.3)
_LATE_S = 2.0


@dataclass(frozen=True, slots=True)
class Probe:
    """A statement that the lock must refuse.

    Attributes:
        check: what it tries, in a few words.
        text: harmless, whatever the login may do.
        states: the SQLSTATEs that are the lock's; see PostgreSQL's "Error Codes" (appendix A).
        remedy: the right that lets it through.
    """

    check: str
    text: str
    states: frozenset[str]
    remedy: str


_WRITES = frozenset({"25006", "42501"})  # read-only transaction, insufficient privilege
_DENIED = frozenset({"42501"})
_POOLER = "nothing: something between here and the server changes the protocol. Connect directly"

PROBES = (
    Probe("a second statement", "SELECT 1; SELECT 2", frozenset({"42601"}), _POOLER),
    Probe(
        "a new table",
        "CREATE TEMPORARY TABLE interlock_doctor_probe ()",
        _WRITES,
        "TEMPORARY on the database",
    ),
    Probe(
        "SELECT … INTO",
        "SELECT 1 AS one INTO TEMPORARY interlock_doctor_probe",
        _WRITES,
        "TEMPORARY on the database",
    ),
    Probe("writing after all", "SET TRANSACTION READ WRITE", frozenset({"25001"}), _POOLER),
    Probe(
        "reading a file",
        "SELECT pg_catalog.length(pg_catalog.pg_read_file('PG_VERSION'))",
        _DENIED,
        "superuser, or EXECUTE on pg_read_file,",
    ),
    Probe(
        "writing a file",
        "COPY (SELECT 1 WHERE false) TO '/dev/null'",
        _DENIED,
        "superuser, or pg_write_server_files,",
    ),
)
"""Sent as they are; one more is made for a table that is there."""

_TABLE = b"""
SELECT pg_catalog.format('UPDATE ONLY %I.%I SET %I = %I WHERE false',
                         n.nspname, c.relname, a.attname, a.attname)
  FROM pg_catalog.pg_class AS c
  JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
  JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid
 WHERE c.relkind = 'r' AND NOT c.relhastriggers AND NOT c.relhasrules
   AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
   AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '' AND a.attidentity = ''
 ORDER BY c.relpages, c.oid, a.attnum LIMIT 1"""
"""A table on which even a statement's own triggers do nothing, because there are none."""

_LEAVE = b"""
SELECT pg_catalog.pg_backend_pid(), pg_catalog.set_config('interlock.doctor', 'left', false)"""
_LEFT = b"""
SELECT pg_catalog.pg_backend_pid(), pg_catalog.current_setting('interlock.doctor', true),
       (SELECT pg_catalog.count(*) FROM pg_catalog.pg_prepared_statements)"""

_NOT_STOPPED = (
    "advisory locks, NOTIFY, SET in the own session, pg_sleep until the time limit:"
    " the classifier refuses those"
)


async def reading(target: Target, secrets: Secrets, notes: Notes) -> AsyncIterator[Check]:
    """Yield what the read login is, what the lock refuses, and what the names mean."""

    def connect() -> Awaitable[Connection]:
        return opened(secrets.resolve(target.read), f"read login of target {target.name}")

    pool: Lent = Pool(connect, tidied, (psycopg.Error,), size=1)
    try:
        async with pool.lend() as connection:
            login, version = await _who(connection)
        yield notes.holds("reachable", "SELECT version", f"PostgreSQL {version}, as {login}")
        yield (pinned := await _pinned(pool, notes))
        if pinned.outcome is Outcome.FAILS:
            return  # whatever is between would answer for the server
        async with pool.lend() as connection:
            await begin(connection, _SHORT, read_only=True)
            held = await rights(connection, login, notes)
        for check in held:
            yield check
        for probe in await _probes(pool):
            yield await _probed(pool, probe, login, notes)
        yield await _left_transaction(pool, notes)
        yield await _on_time(pool, notes)
        yield await _left_session(pool, notes)
        yield notes.noted("not for the engine to stop", "", _NOT_STOPPED)
        for check in await _names(pool, target, notes):
            yield check
    finally:
        await pool.aclose()


async def acting(target: Target, secrets: Secrets, notes: Notes) -> AsyncIterator[Check]:
    """Yield what the action login is."""
    login, version, strong = await _looked(secrets.resolve(target.act), "action", target)
    yield notes.holds("reachable", "SELECT version", f"PostgreSQL {version}, as {login}")
    yield strength(strong, "no stronger than deeds", login, notes)
    reader, _, _ = await _looked(secrets.resolve(target.read), "read", target)
    if reader == login:
        then = f"Give the target an action login besides {login}. {NO_RIGHTS_LOST}"
        yield notes.fails("a login of its own", "current_user", f"both are {login}", then)
    else:
        yield notes.holds("a login of its own", "current_user", f"{login}, not {reader}")


async def _looked(dsn: str, kind: str, target: Target) -> tuple[str, str, str]:
    """Return a login, its server's version, and what makes it too strong for deeds."""
    connection = await opened(dsn, f"{kind} login of target {target.name}")
    try:
        return *await _who(connection), await too_strong(connection, reading=False)
    finally:
        await connection.close()


async def _who(connection: Connection) -> tuple[str, str]:
    question = b"SELECT current_user, pg_catalog.current_setting('server_version')"
    login, version = (await ask(connection, question)).rows[0]
    return login or "", version or ""


# --- what the lock refuses ----------------------------------------------------------------------


async def _pinned(pool: Lent, notes: Notes) -> Check:
    tried = "set_config(…) at the start of a transaction"
    try:
        async with pool.lend() as connection:
            await begin(connection, _SHORT, read_only=True)
    except TargetError as error:
        return notes.fails("settings are pinned", tried, error, "Connect without a pooler.")
    return notes.holds("settings are pinned", tried, "read back as they were set")


async def _probes(pool: Lent) -> list[Probe]:
    """Return what is tried, with a change to a table that is there, if one will do."""
    async with pool.lend() as connection:
        await begin(connection, _SHORT, read_only=True)
        rows = (await ask(connection, _TABLE)).rows
    texts = [str(text) for (text,) in rows]
    return [
        *PROBES,
        *(Probe("changing no rows", text, _WRITES, "UPDATE on the table") for text in texts),
    ]


async def _probed(pool: Lent, probe: Probe, login: str, notes: Notes) -> Check:
    try:
        async with pool.lend() as connection:
            await begin(connection, _SHORT, read_only=True)
            await ask(connection, probe.text.encode())
    except psycopg.Error as error:
        said = f"{error.diag.message_primary or error} ({error.sqlstate})"
        if error.sqlstate in probe.states:
            return notes.holds(probe.check, probe.text, said)
        return notes.fails(probe.check, probe.text, said, "It proves nothing. Try again.")
    return notes.fails(
        probe.check, probe.text, "It was not refused.", f"Take {probe.remedy} from {login}."
    )


async def _left_transaction(pool: Lent, notes: Notes) -> Check:
    """The engine obeys COMMIT; the reader must notice that its transaction is gone."""
    async with pool.lend() as connection:
        began = await begin(connection, _SHORT, read_only=True)
        await ask(connection, b"COMMIT")
        if await untouched(connection, began):
            then = "Report it: a read must not be able to leave its transaction."
            return notes.fails("leaving the transaction", "COMMIT", "nobody noticed", then)
    said = "noticed by its time and id; the answer is not given out"
    return notes.holds("leaving the transaction", "COMMIT", said)


async def _on_time(pool: Lent, notes: Notes) -> Check:
    text = "SELECT pg_catalog.pg_sleep(3)"
    started = time.monotonic()
    said: object = "It ran to its end."
    try:
        async with pool.lend() as connection:
            await begin(connection, _STRIKES, read_only=True)
            await ask(connection, text.encode())
    except psycopg.errors.QueryCanceled as error:
        said = error.diag.message_primary
    took = time.monotonic() - started
    if took < _LATE_S:
        return notes.holds("the time limit", text, f"{said}, after {took:.1f} s")
    return notes.fails("the time limit", text, said, "Connect without a pooler.")


async def _left_session(pool: Lent, notes: Notes) -> Check:
    """Leave a setting and a prepared statement behind; the next borrower must not see them."""
    tried = "set_config('interlock.doctor', …); PREPARE interlock_doctor_probe"
    async with pool.lend() as connection:
        ((first, _),) = (await ask(connection, _LEAVE)).rows
        await ask(connection, b"PREPARE interlock_doctor_probe AS SELECT 1")
    async with pool.lend() as connection:
        ((second, setting, prepared),) = (await ask(connection, _LEFT)).rows
    if first == second and not setting and prepared == "0":
        return notes.holds("nothing is left behind", tried, "the next borrower sees nothing of it")
    said = f"session {first}, then {second}: setting {setting or 'gone'}, {prepared} prepared"
    then = "Connect without a pooler: DISCARD ALL must reach the same session."
    return notes.fails("nothing is left behind", tried, said, then)


async def _names(pool: Lent, target: Target, notes: Notes) -> list[Check]:
    try:
        async with pool.lend() as connection:
            await begin(connection, target.limits, read_only=True)
            catalogue = await snapshot(connection, target.reads.functions)
    except psycopg.Error as error:
        then = "Raise limits.seconds, or grant the read login what it lacks."
        return [notes.fails("catalogue snapshot", "pgcatalogue.sql", error, then)]
    return await named(catalogue, target, _quoted, notes)


def _quoted(name: Name) -> str:
    return quoted(*name)
