"""Proves the MariaDB and MySQL engine lock with probes that would lose nothing if it were broken.

Probes go where a reader's statements go, past the classifier, and also past the reader's own
look at what the server prepared: the engine has to refuse them. Each is harmless even for root:
a temporary table, a change WHERE FALSE, a file that is there and so is never written.
"""

import re
import time
from collections.abc import AsyncIterator, Awaitable
from dataclasses import dataclass

from interlock_gateway.adapters.doctor.check import NO_RIGHTS_LOST, Check, Notes, Outcome, some
from interlock_gateway.adapters.doctor.names import named
from interlock_gateway.adapters.targets import mysqlerrors
from interlock_gateway.adapters.targets.mysql import refuse_without_rows
from interlock_gateway.adapters.targets.mysqlcatalogue import snapshot
from interlock_gateway.adapters.targets.mysqlline import RefusedError
from interlock_gateway.adapters.targets.mysqlrights import too_strong
from interlock_gateway.adapters.targets.mysqlsession import begin, grants, opened, tidied
from interlock_gateway.adapters.targets.mysqlwire import (
    Answer,
    Cap,
    Connection,
    bound,
    command,
    execute,
    killing,
    lines,
    prepare,
)
from interlock_gateway.adapters.targets.pool import Pool
from interlock_gateway.core.model import Limits, Target
from interlock_gateway.core.statement.catalogue import Name
from interlock_gateway.service.targets import Secrets, TargetError

Lent = Pool[Connection]

_FEW = Cap(rows=10, bytes=1 << 16)
_SHORT = Limits(seconds=1.0)
_STRIKES = Limits(seconds=0.3)
_LATE_S = 2.0
_SYNTAX = 1064


@dataclass(frozen=True, slots=True)
class Probe:
    """A statement that the engine must refuse.

    Attributes:
        check: what it tries, in a few words.
        text: harmless, whatever the login may do.
        numbers: the error numbers that are the lock's.
        remedy: the right that lets it through.
    """

    check: str
    text: str
    numbers: frozenset[int]
    remedy: str


_WRITES = mysqlerrors.DENIED | mysqlerrors.READ_ONLY
_PROXY = "nothing: something between here and the server changes the protocol. Connect directly"

PROBES = (
    Probe("a second statement", "SELECT 1; SELECT 2", frozenset({_SYNTAX}), _PROXY),
    Probe(
        "a new table",
        "CREATE TEMPORARY TABLE interlock_doctor_probe (id INT)",
        _WRITES,
        "CREATE TEMPORARY TABLES",
    ),
    Probe(
        "writing a file",
        "SELECT 1 FROM DUAL WHERE FALSE INTO OUTFILE '/dev/null'",
        _WRITES,
        "FILE",
    ),
)
"""Sent as they are; one more is made for a table that is there."""

ENDINGS = ("COMMIT", "SET SESSION TRANSACTION READ WRITE")
"""What the engine would obey; the reader does not run what answers without rows."""

FILE = "SELECT LOAD_FILE('/etc/hosts') IS NULL"
"""Says whether a file can be read, and nothing of what is in it."""

_TABLE = """
SELECT c.TABLE_SCHEMA, c.TABLE_NAME, c.COLUMN_NAME
  FROM information_schema.COLUMNS AS c
  JOIN information_schema.TABLES AS t
    ON t.TABLE_SCHEMA = c.TABLE_SCHEMA AND t.TABLE_NAME = c.TABLE_NAME
 WHERE t.TABLE_TYPE = 'BASE TABLE' AND t.ENGINE = 'InnoDB' AND t.TABLE_SCHEMA = DATABASE()
   AND c.EXTRA NOT LIKE '%GENERATED%'
 ORDER BY t.TABLE_ROWS, c.TABLE_NAME, c.ORDINAL_POSITION LIMIT 1"""
_ON = re.compile(r" ON (?P<on>(?:`(?:[^`]|``)*`|\*)\.(?:`(?:[^`]|``)*`|\*)) TO ")

_NOT_STOPPED = (
    "GET_LOCK, SLEEP and BENCHMARK until the time limit, user variables, SET STATEMENT,"
    " shared row locks: the classifier refuses those"
)


async def reading(target: Target, secrets: Secrets, notes: Notes) -> AsyncIterator[Check]:
    """Yield what the read login is, what the lock refuses, and what the names mean."""

    def connect() -> Awaitable[Connection]:
        where = f"read login of target {target.name}"
        return opened(secrets.resolve(target.read), where, target.dialect)

    pool: Lent = Pool(connect, tidied, (RefusedError,), size=1)
    try:
        async with pool.lend() as connection:
            login, version = await _who(connection)
            rights = _excess(await grants(connection), reading=True)
        yield notes.holds("reachable", "SELECT VERSION()", f"{version}, as {login}")
        yield _strength(rights, "no stronger than reading", login, notes)
        yield (pinned := await _pinned(pool, notes))
        if pinned.outcome is Outcome.FAILS:
            return  # whatever is between would answer for the server
        for probe in await _probes(pool):
            yield await _probed(pool, probe, login, notes)
        yield await _file(pool, login, notes)
        for text in ENDINGS:
            yield await _ended(pool, text, notes)
        yield await _on_time(pool, notes)
        yield await _left_session(pool, notes)
        yield notes.noted("not for the engine to stop", "", _NOT_STOPPED)
        for check in await _names(pool, target, notes):
            yield check
    finally:
        await pool.aclose()


async def acting(target: Target, secrets: Secrets, notes: Notes) -> AsyncIterator[Check]:
    """Yield what the action login is."""
    login, version, rights = await _looked(secrets.resolve(target.act), "action", target)
    yield notes.holds("reachable", "SELECT VERSION()", f"{version}, as {login}")
    yield _strength(rights, "no stronger than deeds", login, notes)
    reader, _, _ = await _looked(secrets.resolve(target.read), "read", target)
    if reader == login:
        then = f"Give the target an action login besides {login}. {NO_RIGHTS_LOST}"
        yield notes.fails("a login of its own", "CURRENT_USER()", f"both are {login}", then)
    else:
        yield notes.holds("a login of its own", "CURRENT_USER()", f"{login}, not {reader}")


async def _looked(url: str, kind: str, target: Target) -> tuple[str, str, list[str]]:
    """Return a login, its server's version, and what makes it too strong for deeds."""
    connection = await opened(url, f"{kind} login of target {target.name}", target.dialect)
    try:
        return *await _who(connection), _excess(await grants(connection), reading=False)
    finally:
        await connection.close()


async def _who(connection: Connection) -> tuple[str, str]:
    ((login, version),) = await lines(connection, "SELECT CURRENT_USER(), VERSION()")
    return login or "", version or ""


def _excess(shown: list[str], *, reading: bool) -> list[str]:
    """Return the rights that a login must not have, and on what; never a line with its secret."""
    found = []
    for line in shown:
        rights = too_strong([line], reading=reading)
        on = _ON.search(line)
        if rights:
            found.append(", ".join(rights) + (f" ON {on['on']}" if on else ""))
    return found


def _strength(rights: list[str], check: str, login: str, notes: Notes) -> Check:
    if not rights:
        return notes.holds(check, "SHOW GRANTS", f"{login} has nothing more")
    said, then = some(rights), f"Take {some(rights)} from {login}. {NO_RIGHTS_LOST}"
    return notes.fails(check, "SHOW GRANTS", f"{login} has {said}", then)


# --- what the lock refuses ----------------------------------------------------------------------


async def _pinned(pool: Lent, notes: Notes) -> Check:
    tried = "SET … at the start of a transaction"
    try:
        async with pool.lend() as connection:
            await begin(connection, _SHORT, read_only=True)
    except TargetError as error:
        return notes.fails("settings are pinned", tried, error, "Connect without a proxy.")
    return notes.holds("settings are pinned", tried, "read back as they were set")


async def _probes(pool: Lent) -> list[Probe]:
    """Return what is tried, with a change to a table that is there, if one will do."""
    async with pool.lend() as connection:
        await begin(connection, _SHORT, read_only=True)
        rows = await lines(connection, _TABLE)
    texts = [
        f"UPDATE {_quoted((str(schema), str(table)))} SET {_name(str(column))} = "  # noqa: S608  quoted
        f"{_name(str(column))} WHERE FALSE"
        for schema, table, column in rows
    ]
    return [
        *PROBES,
        *(Probe("changing no rows", text, _WRITES, "UPDATE on the table") for text in texts),
    ]


async def _asked(pool: Lent, text: str, limits: Limits = _SHORT) -> Answer:
    """Run a probe as a read is run, past the reader's look at what was prepared."""
    async with pool.lend() as connection, killing(connection):
        await begin(connection, limits, read_only=True)
        return await execute(connection, bound(await prepare(connection, text.encode()), []), _FEW)


async def _probed(pool: Lent, probe: Probe, login: str, notes: Notes) -> Check:
    try:
        await _asked(pool, probe.text)
    except RefusedError as error:
        said = mysqlerrors.said(error)
        if error.number in probe.numbers:
            return notes.holds(probe.check, probe.text, said)
        then = f"It proves nothing. If {login} has {probe.remedy}, take it away; then try again."
        return notes.fails(probe.check, probe.text, said, then)
    return notes.fails(
        probe.check, probe.text, "It was not refused.", f"Take {probe.remedy} from {login}."
    )


async def _file(pool: Lent, login: str, notes: Notes) -> Check:
    answer = await _asked(pool, FILE)
    if answer.rows == [(1,)]:
        return notes.holds("reading a file", FILE, "LOAD_FILE() answers with null")
    return notes.fails("reading a file", FILE, "It read the file.", f"Take FILE from {login}.")


async def _ended(pool: Lent, text: str, notes: Notes) -> Check:
    check = f"{text.split(maxsplit=1)[0]} in a read"
    try:
        async with pool.lend() as connection:
            await begin(connection, _SHORT, read_only=True)
            refuse_without_rows(await prepare(connection, text.encode()), text.encode())
    except TargetError as error:
        return notes.holds(check, text, error)
    return notes.fails(check, text, "It would have been run.", "Report it: the reader let it by.")


async def _on_time(pool: Lent, notes: Notes) -> Check:
    text = "SELECT SLEEP(3)"
    started = time.monotonic()
    said = "It answered as if it had ended; the reader counts that as a failure"
    try:
        await _asked(pool, text, _STRIKES)
    except RefusedError as error:
        said = mysqlerrors.said(error)
    took = time.monotonic() - started
    if took < _LATE_S:
        return notes.holds("the time limit", text, f"{said}, after {took:.1f} s")
    return notes.fails("the time limit", text, "It ran to its end.", "Connect without a proxy.")


async def _left_session(pool: Lent, notes: Notes) -> Check:
    """Leave a variable behind; the next borrower of the same session must not see it."""
    tried = "SET @interlock_doctor_probe = 1"
    async with pool.lend() as connection:
        first = connection.thread
        await command(connection, tried)
    async with pool.lend() as connection:
        question = "SELECT CONNECTION_ID(), @interlock_doctor_probe"
        ((second, left),) = await lines(connection, question)
    if str(first) == second and left is None:
        return notes.holds("nothing is left behind", tried, "the next borrower sees nothing of it")
    said = f"session {first}, then {second}: the variable is {left or 'gone'}"
    return notes.fails("nothing is left behind", tried, said, "Connect without a proxy.")


async def _names(pool: Lent, target: Target, notes: Notes) -> list[Check]:
    try:
        async with pool.lend() as connection, killing(connection):
            await begin(connection, target.limits, read_only=True)
            catalogue = await snapshot(connection, columns=bool(target.masked))
    except RefusedError as error:
        then = "Raise limits.seconds, or grant the read login what it lacks."
        return [notes.fails("catalogue snapshot", "information_schema", error, then)]
    return await named(catalogue, target, _quoted, notes)


def _quoted(name: Name) -> str:
    return ".".join(map(_name, name))


def _name(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"
