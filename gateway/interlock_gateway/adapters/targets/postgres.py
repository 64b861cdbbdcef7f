"""The PostgreSQL engine lock: reads that cannot write, and deeds that stand only as approved."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace

import psycopg
from psycopg.pq import TransactionStatus

from interlock_gateway.adapters.targets import pgproof, pgtypes, values
from interlock_gateway.adapters.targets.expectations import Outcome, check
from interlock_gateway.adapters.targets.pgalone import alone
from interlock_gateway.adapters.targets.pgcatalogue import snapshot
from interlock_gateway.adapters.targets.pgcost import refuse_costly
from interlock_gateway.adapters.targets.pgimage import image
from interlock_gateway.adapters.targets.pgline import Connection
from interlock_gateway.adapters.targets.pglogin import connect
from interlock_gateway.adapters.targets.pgorigins import Origins
from interlock_gateway.adapters.targets.pgtransaction import (
    Read,
    alive,
    begin,
    is_standby,
    read,
    read_on,
    stayed,
    tidied,
)
from interlock_gateway.adapters.targets.pgwire import Answer, Cap, RowTooLargeError, Saying, ask
from interlock_gateway.adapters.targets.pool import Pool, Pools
from interlock_gateway.core.model import Column, Limits, Rows, Statement, Target
from interlock_gateway.core.statement import Catalogue
from interlock_gateway.service.targets import (
    Deed,
    Expect,
    OutcomeUnknownError,
    Prepared,
    Proof,
    Secrets,
    TargetError,
    Witness,
)

_GRACE_SECONDS = 1.0
"""How much later than the server's own time limit ours strikes."""

_NAMED_SECONDS = 5.0
"""For a server to name a transaction; after that nobody waits with rows locked."""

_TIMED_OUT = ("57014", "55P03")  # query_canceled, lock_not_available
_GONE = ("57P01", "57P02", "57P03", "57P05", "40003", "25P03")  # the session ended with these


class PostgresReader:
    """Reads under five locks: login, protocol, read-only transaction, limits, rollback.

    What the planner expects to cost more than the limit is not run at all.
    """

    def __init__(self, secrets: Secrets) -> None:
        """Open nothing yet; `secrets` gives the credential when a connection is made."""
        self._secrets = secrets
        self._pools: Pools[Connection] = Pools(self._pool)
        self._origins: dict[tuple[str, str, str], Origins] = {}

    async def read(
        self, target: Target, statement: Statement, given: values.Typed, limits: Limits
    ) -> Rows:
        """Run `statement` as a read; see `service.targets.Reader.read`."""
        text = values.sendable(statement)
        parameters = [pgtypes.parameter(value) for value in values.given(statement, given)]
        started = time.monotonic()
        with _explained(target, limits, started):
            async with asyncio.timeout(limits.seconds + _GRACE_SECONDS):
                pool = await self._pools.of(target)
                async with pool.lend() as connection:
                    asked = Saying(text, parameters, _cap(limits))
                    came = await _read(connection, target, asked, limits)
                    if not stayed(connection, came):
                        raise _alarm(target)
                    origins = await self._origins_of(target, connection, came.answer)
        rows = _rows(came.answer, limits)
        columns = tuple(map(_from, rows.columns, origins))
        return replace(rows, columns=columns, elapsed_ms=_since(started))

    async def catalogue(self, target: Target) -> Catalogue:
        """Return what the names in the target mean; see `service.targets.Catalogues`."""
        with _explained(target, target.limits, time.monotonic()):
            async with asyncio.timeout(target.limits.seconds + _GRACE_SECONDS):
                pool = await self._pools.of(target)
                async with pool.lend() as connection:
                    await begin(connection, target.limits, read_only=True)
                    found = await snapshot(connection, target.reads.functions)
        self._origins.pop(_key(target), None)  # columns may have other names by now
        return found

    async def aclose(self) -> None:
        """Close every connection."""
        await self._pools.aclose()

    async def _origins_of(
        self, target: Target, connection: Connection, answer: Answer
    ) -> list[str]:
        known = self._origins.setdefault(_key(target), Origins())
        return await known.of(connection, answer)

    def _pool(self, target: Target) -> Pool[Connection]:
        opener = _opener(self._secrets, target.read, f"read login of target {target.name}")
        return Pool(opener, tidied, (psycopg.Error,), size=target.pace.at_once, alive=alive)


def _key(target: Target) -> tuple[str, str, str]:
    return target.name, target.generation, target.read


class PostgresActor:
    """Runs approved deeds, each on a connection of its own with the action login."""

    def __init__(self, secrets: Secrets) -> None:
        """Open nothing yet; `secrets` gives the credential when a deed is done."""
        self._secrets = secrets

    async def act(self, target: Target, deed: Deed, limits: Limits, witness: Witness) -> Rows:
        """Run `deed` once; see `service.targets.Actor.act`.

        Shield the awaiting task: after a cancellation nobody knows the outcome.
        """
        text = values.sendable(deed.statement)
        parameters = [
            pgtypes.parameter(value) for value in values.given(deed.statement, deed.values)
        ]
        if not target.act:
            raise TargetError(
                "target-failed",
                f"Target {target.name} has no action login, so nothing can be changed there. "
                "Give it one in targets.toml: docs/guide.md says how to create it.",
            )
        started = time.monotonic()
        with _explained(target, limits, started):
            connection = await self._connect(target)
            asked = Saying(text, parameters, replace(_cap(limits), cancel=False))
            try:
                if deed.expect is Expect.ALONE:
                    rows = await _alone(connection, deed, asked, limits)
                else:
                    rows = await _in_transaction(connection, deed, asked, limits, witness)
            finally:
                await _let_go(connection)
        return replace(rows, elapsed_ms=_since(started))

    async def became(self, target: Target, transaction: Mapping[str, str]) -> Proof:
        """Ask what became of a transaction; see `service.targets.Actor.became`."""
        limits = target.limits
        with _explained(target, limits, time.monotonic()):
            async with asyncio.timeout(limits.seconds + _GRACE_SECONDS):
                connection = await self._connect(target)
                try:
                    await begin(connection, limits, read_only=True)
                    return await pgproof.became(connection, transaction)
                finally:
                    await _let_go(connection)

    async def aclose(self) -> None:
        """Nothing to close: connections live as long as their deed."""

    async def _connect(self, target: Target) -> Connection:
        where = f"action login of target {target.name}"
        return await connect(self._secrets.resolve(target.act), where, reading=False)


async def _alone(connection: Connection, deed: Deed, asked: Saying, limits: Limits) -> Rows:
    with _doubt(connection, deed):
        answer = await alone(connection, asked, limits, _GRACE_SECONDS)
        check(deed, _outcome(answer))
    return _rows(answer, limits)


async def _in_transaction(
    connection: Connection, deed: Deed, asked: Saying, limits: Limits, witness: Witness
) -> Rows:
    """Read the rows, change them, have that kept, and commit."""
    async with asyncio.timeout(limits.seconds + _GRACE_SECONDS):
        await begin(connection, limits, read_only=is_standby(connection))
    before = await image(connection, deed, limits.seconds + _GRACE_SECONDS)
    with _doubt(connection, deed):
        rows = await _done(connection, deed, asked, limits)
        await _witnessed(connection, deed, Prepared(rows.affected, before), witness)
        await _committed(connection, limits)
    return rows


async def _done(connection: Connection, deed: Deed, asked: Saying, limits: Limits) -> Rows:
    """Send the statement and check its result. From the first byte on, loss is doubt.

    Its rows are rendered before COMMIT: nothing but the connection can fail after it.
    """
    async with asyncio.timeout(limits.seconds + _GRACE_SECONDS):
        answer = await ask(connection, asked.text, asked.parameters, asked.cap)
    if connection.info.transaction_status != TransactionStatus.INTRANS:
        raise OutcomeUnknownError("The statement ended its own transaction.")
    rows = replace(_rows(answer, limits), affected=answer.affected)
    check(deed, _outcome(answer))
    return rows


async def _witnessed(
    connection: Connection, deed: Deed, prepared: Prepared, witness: Witness
) -> None:
    """Have what was done kept, by the transaction's name, before it is made to last.

    Raises:
        TargetError: it was not kept, so it is rolled back.
        OutcomeUnknownError: the same, of a deed that a rollback does not take back.
    """
    async with asyncio.timeout(_NAMED_SECONDS):
        transaction = await pgproof.named(connection)
    try:
        await witness.before_commit(replace(prepared, transaction=transaction))
    except TargetError as error:
        if deed.expect.signals:
            raise OutcomeUnknownError(f"{error} A signal may have been sent already.") from error
        raise


async def _committed(connection: Connection, limits: Limits) -> None:
    async with asyncio.timeout(limits.seconds + _GRACE_SECONDS):
        committed = await ask(connection, b"COMMIT")
    if committed.tag != "COMMIT":
        raise TargetError("target-failed", "The server rolled back instead of committing.")


async def _read(connection: Connection, target: Target, asked: Saying, limits: Limits) -> Read:
    """Ask at once, or look at the plan first where a limit says so."""
    if not limits.cost:
        return await read(connection, limits, asked)
    began = await begin(connection, limits, read_only=True)
    await refuse_costly(connection, target, asked, limits)
    return await read_on(connection, began, asked)


def _opener(secrets: Secrets, reference: str, where: str) -> Callable[[], Awaitable[Connection]]:
    def opener() -> Awaitable[Connection]:
        return connect(secrets.resolve(reference), where, reading=True)

    return opener


def _cap(limits: Limits) -> Cap:
    # bytea travels as hex, twice its size: the exact limit is applied to the JSON afterwards.
    words = (values.rows_limit(limits), values.bytes_limit(limits))
    return Cap(rows=limits.rows, bytes=2 * limits.bytes + 1024, words=words)


def _rows(answer: Answer, limits: Limits) -> Rows:
    columns, rows = pgtypes.table(answer.names, answer.oids, answer.rows)
    return values.capped(columns, rows, limits, cut=answer.cut)


def _from(column: Column, origin: str) -> Column:
    return replace(column, origin=origin)


def _since(started: float) -> float:
    return round((time.monotonic() - started) * 1000, 3)


def _outcome(answer: Answer) -> Outcome:
    """Return what was answered, cells as Python knows them: PostgreSQL prints true as `t`."""
    columns, rows = pgtypes.table(answer.names, answer.oids, answer.rows)
    firsts = [row[0] for row in rows] if columns else []
    complete = len(firsts) == answer.count
    return Outcome(
        answer.count,
        firsts[0] if firsts else None,
        answer.affected,
        answer.tag,
        all_true=complete and all(first is True for first in firsts),
    )


def _alarm(target: Target) -> TargetError:
    return TargetError(
        "target-failed",
        f"A statement let through as a read tried to change target {target.name} or left "
        "its read-only transaction. It was rolled back. Report it: the guard let it pass.",
    )


async def _let_go(connection: Connection) -> None:
    """Roll back what is open, so that no lock outlives the answer; then close."""
    try:
        open_still = connection.info.transaction_status in (
            TransactionStatus.INTRANS,
            TransactionStatus.INERROR,
        )
        if open_still and not connection.closed:
            async with asyncio.timeout(_GRACE_SECONDS):
                await ask(connection, b"ROLLBACK")
    except (psycopg.Error, TimeoutError):
        pass  # closing rolls back as well
    finally:
        await connection.close()


# --- what errors mean -------------------------------------------------------------------------


@contextmanager
def _explained(target: Target, limits: Limits, started: float) -> Iterator[None]:
    """Turn what psycopg and the clock raise into a TargetError that says what happened."""
    try:
        yield
    except TimeoutError as error:
        raise _too_slow(target, limits) from error
    except psycopg.Error as error:
        raise _explain(error, target, limits, time.monotonic() - started) from error


def _explain(error: psycopg.Error, target: Target, limits: Limits, elapsed: float) -> TargetError:
    state = error.sqlstate or ""
    words = _words(error)
    if _is_gone(error):
        return TargetError(
            "target-unreachable", f"The connection to target {target.name} was lost: {words}"
        )
    if state == "57014" and elapsed >= limits.seconds * 0.9:
        return _too_slow(target, limits)
    if state == "55P03":
        return TargetError("target-timeout", f"Target {target.name} gave up on a lock: {words}")
    if state == "25006":
        return TargetError(
            "target-failed", f"Target {target.name} refused a write in a read: {words}"
        )
    if state == "42501":
        return TargetError(
            "target-failed", f"The login for target {target.name} may not do this: {words}"
        )
    return TargetError("target-failed", f"Target {target.name} answered: {words}")


def _too_slow(target: Target, limits: Limits) -> TargetError:
    return TargetError(
        "target-timeout",
        f"Target {target.name} did not finish within {limits.seconds:g} s; cancelled there.",
    )


def _words(error: psycopg.Error) -> str:
    said = error.diag
    parts = [said.message_primary or " ".join(str(error).split())]
    if said.message_detail:
        parts.append(said.message_detail)
    if said.message_hint:
        parts.append(f"Hint: {said.message_hint}")
    place = f", at character {said.statement_position}" if said.statement_position else ""
    state = f" (SQLSTATE {error.sqlstate}{place})" if error.sqlstate else ""
    return " ".join(parts) + state


def _is_gone(error: psycopg.Error) -> bool:
    state = error.sqlstate
    return state is None or state.startswith("08") or state in _GONE


@contextmanager
def _doubt(connection: Connection, deed: Deed) -> Iterator[None]:
    """Say that nobody knows wherever the server did not say that nothing happened.

    A signal to another session cannot be rolled back: a deed that is expected to answer with a
    row may have sent it before it was stopped.
    """
    signals = deed.expect.signals
    try:
        yield
    except TimeoutError as error:
        raise OutcomeUnknownError(
            "The target did not answer in time after the deed was sent."
        ) from error
    except RowTooLargeError as error:
        if signals:
            raise OutcomeUnknownError(f"The deed was sent. {error}") from error
        raise
    except psycopg.Error as error:
        stopped = signals and error.sqlstate in _TIMED_OUT
        if deed.expect is Expect.ALONE and error.sqlstate == "55P03":
            stopped = False  # it waits for a lock before it begins
        if stopped or _is_gone(error) or connection.closed:
            raise OutcomeUnknownError(
                f"The deed was sent, then the target said: {_words(error)}"
            ) from error
        raise
