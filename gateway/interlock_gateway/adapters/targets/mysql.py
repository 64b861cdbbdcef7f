"""The MySQL and MariaDB engine lock: reads that cannot write, deeds that stand as approved."""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace

from interlock_gateway.adapters.targets import mysqlerrors, mysqlpacket, mysqltypes, values
from interlock_gateway.adapters.targets.expectations import Outcome, check
from interlock_gateway.adapters.targets.mysqlcatalogue import snapshot
from interlock_gateway.adapters.targets.mysqlcost import refuse_costly
from interlock_gateway.adapters.targets.mysqlimage import image
from interlock_gateway.adapters.targets.mysqlline import RefusedError
from interlock_gateway.adapters.targets.mysqlpacket import LostError
from interlock_gateway.adapters.targets.mysqlsession import (
    alive,
    begin,
    connect,
    tidied,
    warnings,
)
from interlock_gateway.adapters.targets.mysqlwire import (
    Answer,
    Cap,
    Connection,
    bound,
    command,
    execute,
    killing,
    prepare,
)
from interlock_gateway.adapters.targets.pool import Pool, Pools
from interlock_gateway.core.model import Limits, Rows, Statement, Target
from interlock_gateway.core.statement import Catalogue
from interlock_gateway.service.targets import (
    Became,
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

_UNDO_SECONDS = 60.0
"""For a rollback, which can take as long as the change did."""

_HELD = mysqlpacket.IN_TRANSACTION | mysqlpacket.IN_READ_ONLY
# Some servers know the columns of these only when they have run; none of them changes anything
# that the read-only transaction and the login do not stop.
_COLUMNS_LATER = re.compile(rb"\s*(?:SHOW|EXPLAIN|DESCRIBE|DESC)\b", re.IGNORECASE)
_KNOWN_UNDONE = mysqlerrors.READ_ONLY | {mysqlerrors.DEADLOCK}  # by a COMMIT that was refused


class MysqlReader:
    """Reads under six locks: login, protocol, prepare, read-only session, limits, rollback."""

    def __init__(self, secrets: Secrets) -> None:
        """Open nothing yet; `secrets` gives the credential when a connection is made."""
        self._secrets = secrets
        self._pools: Pools[Connection] = Pools(self._pool)

    async def read(
        self, target: Target, statement: Statement, given: values.Typed, limits: Limits
    ) -> Rows:
        """Run `statement` as a read; see `service.targets.Reader.read`."""
        text, parameters = values.sendable(statement), _parameters(statement, given)
        started = time.monotonic()
        with _explained(target, limits, started):
            async with asyncio.timeout(limits.seconds + _GRACE_SECONDS):
                pool = await self._pools.of(target)
                async with pool.lend() as connection, killing(connection):
                    await begin(connection, limits, read_only=True)
                    prepared = refuse_without_rows(await prepare(connection, text), text)
                    await refuse_costly(connection, target, text, parameters, limits)
                    answer = await _ask(connection, bound(prepared, parameters), target, limits)
        return replace(_rows(answer, limits), elapsed_ms=_since(started))

    async def catalogue(self, target: Target) -> Catalogue:
        """Return what the names in the target mean; see `service.targets.Catalogues`."""
        with _explained(target, target.limits, time.monotonic()):
            async with asyncio.timeout(target.limits.seconds + _GRACE_SECONDS):
                pool = await self._pools.of(target)
                async with pool.lend() as connection, killing(connection):
                    await begin(connection, target.limits, read_only=True)
                    return await snapshot(connection, columns=bool(target.masked))

    async def aclose(self) -> None:
        """Close every connection."""
        await self._pools.aclose()

    def _pool(self, target: Target) -> Pool[Connection]:
        opener, size = _opener(self._secrets, target), target.pace.at_once
        return Pool(opener, tidied, (RefusedError,), size=size)


class MysqlActor:
    """Runs approved deeds, each on a connection of its own with the action login.

    `Expect.ROW_COUNT` compares the rows that an UPDATE *matched* (CLIENT_FOUND_ROWS), whether or
    not their values changed: it is what a preview by SELECT counts. `INSERT … ON DUPLICATE KEY
    UPDATE` and `REPLACE` count a replaced row twice, as the engine does.

    A statement that commits by itself, such as ALTER TABLE, cannot be rolled back here. It
    succeeds if its result is the approved one; anything else is an unknown outcome, never
    "nothing changed". The same holds for what changes tables without transactions.
    """

    def __init__(self, secrets: Secrets) -> None:
        """Open nothing yet; `secrets` gives the credential when a deed is done."""
        self._secrets = secrets

    async def act(self, target: Target, deed: Deed, limits: Limits, witness: Witness) -> Rows:
        """Run `deed` once; see `service.targets.Actor.act`.

        Shield the awaiting task: after a cancellation nobody knows the outcome.
        """
        text = values.sendable(deed.statement)
        parameters = _parameters(deed.statement, deed.values)
        if not target.act:
            raise TargetError(
                "target-failed",
                f"Target {target.name} has no action login, so nothing can be changed there. "
                "Give it one in targets.toml: docs/guide.md says how to create it.",
            )
        started = time.monotonic()
        with _explained(target, limits, started):
            connection = await self._connect(target)
            try:
                async with asyncio.timeout(limits.seconds + _GRACE_SECONDS), killing(connection):
                    await begin(connection, limits, read_only=False)
                    execution = bound(await prepare(connection, text), parameters)
                    before = await image(connection, deed)

                async def keep(rows: Rows) -> None:
                    await _witnessed(connection, Prepared(rows.affected, before), witness)

                rows = await self._do(connection, deed, execution, limits, keep)
            finally:
                await _let_go(connection)
        return replace(rows, elapsed_ms=_since(started))

    async def became(self, target: Target, transaction: Mapping[str, str]) -> Proof:  # noqa: ARG002  the port's signature
        """Tell nothing: these servers keep no list of their transactions."""
        words = f"{target.dialect} does not tell what became of a transaction."
        return Proof(Became.UNTOLD, words)

    async def aclose(self) -> None:
        """Nothing to close: connections live as long as their deed."""

    async def _connect(self, target: Target) -> Connection:
        where = f"action login of target {target.name}"
        url = self._secrets.resolve(target.act)
        return await connect(url, where, target.dialect, reading=False)

    async def _do(
        self,
        connection: Connection,
        deed: Deed,
        execution: bytes,
        limits: Limits,
        keep: Callable[[Rows], Awaitable[None]],
    ) -> Rows:
        """Send the statement, check its result, commit. From the first byte on, loss is doubt."""
        cap = replace(_cap(limits), cancel=False)
        with _doubt():
            async with asyncio.timeout(limits.seconds + _GRACE_SECONDS), killing(connection):
                try:
                    answer = await execute(connection, execution, cap)
                except RefusedError as error:
                    await _without_effect(connection, deed, error)
                    raise
            # Rendered before COMMIT: nothing but the connection can fail after it.
            rows = replace(_rows(answer, limits), affected=answer.affected)
            if await _is_right(connection, deed, answer):
                await keep(rows)
                async with asyncio.timeout(limits.seconds + _GRACE_SECONDS):
                    await _commit(connection)
        return rows


# --- a read -----------------------------------------------------------------------------------


def _opener(secrets: Secrets, target: Target) -> Callable[[], Awaitable[Connection]]:
    def opener() -> Awaitable[Connection]:
        where = f"read login of target {target.name}"
        return connect(secrets.resolve(target.read), where, target.dialect, reading=True)

    return opener


def refuse_without_rows(prepared: mysqlpacket.Prepared, text: bytes) -> mysqlpacket.Prepared:
    """Refuse, before it runs, what would answer without rows: it can only be there to change.

    Raises:
        TargetError: `target-failed`; nothing was run.
    """
    if not prepared.columns and not _COLUMNS_LATER.match(text):
        raise TargetError(
            "target-failed",
            "The server says that this statement answers without rows, so it is no read. Nothing "
            "was run. A change is an action: it needs an approval.",
        )
    return prepared


async def _ask(connection: Connection, execution: bytes, target: Target, limits: Limits) -> Answer:
    """Run a read; an answer that the engine cut short without an error is a failure all the same.

    MariaDB's `SELECT benchmark(…)` answers with a row at its time limit, and `SLEEP` does on
    MySQL: whoever took as long as the limit did not finish.
    """
    sent = time.monotonic()
    answer = await execute(connection, execution, _cap(limits))
    took = time.monotonic() - sent
    if answer.cut:
        return answer
    if connection.status & _HELD != _HELD:
        raise _alarm(target)
    noted = await warnings(connection) if answer.ending and answer.ending.warnings else {}
    if took >= limits.seconds or mysqlerrors.INTERRUPTED & noted.keys():
        raise mysqlerrors.too_slow(target, limits)
    answer.cut = next(
        (mysqlerrors.INCOMPLETE[n] for n in noted if n in mysqlerrors.INCOMPLETE), ""
    )
    return answer


def _alarm(target: Target) -> TargetError:
    return TargetError(
        "target-failed",
        f"A statement let through as a read left its read-only transaction on target "
        f"{target.name}; what it did there may stand. Report it: the guard let it pass.",
    )


# --- a deed -----------------------------------------------------------------------------------


async def _is_right(connection: Connection, deed: Deed, answer: Answer) -> bool:
    """Undo the deed unless its result is the approved one; tell whether it has to be committed.

    Raises:
        TargetError: it was another one, and was undone.
        OutcomeUnknownError: it was another one, and stays.
    """
    by_itself = not connection.in_transaction
    first = answer.rows[0][0] if answer.rows else None
    outcome = Outcome(answer.count, first, answer.affected, "no count comes with rows")
    try:
        check(deed, outcome)
    except TargetError as error:
        if by_itself:
            raise OutcomeUnknownError(
                "The statement committed by itself, so it cannot be rolled back, and its result "
                f"is not the approved one ({answer.count:,} rows, {answer.affected} affected). "
                "Look at the target."
            ) from error
        async with asyncio.timeout(_UNDO_SECONDS):
            await _undo(connection)
        raise
    return not by_itself


async def _witnessed(connection: Connection, prepared: Prepared, witness: Witness) -> None:
    """Have what was done kept before it is made to last; undo it where that fails."""
    try:
        await witness.before_commit(prepared)
    except TargetError:
        async with asyncio.timeout(_UNDO_SECONDS):
            await _undo(connection)
        raise


async def _commit(connection: Connection) -> None:
    try:
        ending = await command(connection, "COMMIT")
    except RefusedError as error:
        if error.number in _KNOWN_UNDONE:
            raise
        raise OutcomeUnknownError(
            f"COMMIT was sent and refused: {mysqlerrors.said(error)}"
        ) from error
    if ending.status & mysqlpacket.IN_TRANSACTION:
        raise OutcomeUnknownError("The server answered COMMIT and did not end the transaction.")


async def _undo(connection: Connection) -> None:
    """Roll back; a warning says that tables without transactions keep what was done."""
    ending = await command(connection, "ROLLBACK")
    if ending.warnings:
        raise OutcomeUnknownError(
            "It was to be rolled back, but some of the tables it changed have no transactions and "
            "keep the change. Look at the target."
        )


async def _without_effect(connection: Connection, deed: Deed, error: RefusedError) -> None:
    """Return if a refused deed is proven to have changed nothing.

    Raises:
        OutcomeUnknownError: it was stopped in the middle of something that is not rolled back.
    """
    if error.number in mysqlerrors.DENIED | mysqlerrors.READ_ONLY:
        return  # checked before anything is done
    stopped = error.number in mysqlerrors.INTERRUPTED | mysqlerrors.LOCKED
    if error.number in mysqlerrors.GONE or (stopped and deed.expect is not Expect.ROW_COUNT):
        # A signal to another session may have been sent before it was stopped.
        raise _unknown(error)
    await alive(connection)
    if error.number == mysqlerrors.NO_SUCH_SESSION:
        words = f"The target has changed: what it aims at is gone. {mysqlerrors.said(error)}"
        raise TargetError("precondition-failed", words) from error
    if connection.in_transaction:
        await _undo(connection)
    elif error.number != mysqlerrors.DEADLOCK:
        raise _unknown(error)  # it committed by itself, and then failed halfway


def _unknown(error: RefusedError) -> OutcomeUnknownError:
    return OutcomeUnknownError(
        f"The deed was sent, then the target said: {mysqlerrors.said(error)}"
    )


@contextmanager
def _doubt() -> Iterator[None]:
    """Say that nobody knows wherever the server did not say that nothing happened."""
    try:
        yield
    except TimeoutError as error:
        raise OutcomeUnknownError(
            "The target did not answer in time after the deed was sent."
        ) from error
    except LostError as error:
        raise OutcomeUnknownError(f"The deed was sent, then the line was lost: {error}") from error


async def _let_go(connection: Connection) -> None:
    """Roll back what is open, so that no lock outlives the answer; then close."""
    try:
        if connection.in_transaction and not connection.closed:
            async with asyncio.timeout(_GRACE_SECONDS):
                await command(connection, "ROLLBACK")
    except (LostError, RefusedError, TimeoutError):
        pass  # closing rolls back as well
    finally:
        await connection.close()


# --- both ---------------------------------------------------------------------------------------


def _parameters(statement: Statement, given: values.Typed) -> list[mysqltypes.Parameter]:
    """Return the values as they travel; one that the engine does not have is never sent."""
    try:
        return [mysqltypes.parameter(value) for value in values.given(statement, given)]
    except ValueError as error:
        message = f"A parameter cannot be sent to MySQL: {error}. Nothing was sent."
        raise TargetError("target-failed", message) from None


def _cap(limits: Limits) -> Cap:
    # Bytes travel as they are and grow by a third in JSON: the exact limit is applied to that.
    words = (values.rows_limit(limits), values.bytes_limit(limits))
    return Cap(rows=limits.rows, bytes=limits.bytes + 1024, words=words)


def _rows(answer: Answer, limits: Limits) -> Rows:
    columns, rows = mysqltypes.table(answer.fields, answer.rows)
    return values.capped(columns, rows, limits, cut=answer.cut)


def _since(started: float) -> float:
    return round((time.monotonic() - started) * 1000, 3)


@contextmanager
def _explained(target: Target, limits: Limits, started: float) -> Iterator[None]:
    """Turn what the server, the line and the clock say into a TargetError."""
    try:
        yield
    except TimeoutError as error:
        raise mysqlerrors.too_slow(target, limits) from error
    except LostError as error:
        raise mysqlerrors.lost(target, str(error)) from error
    except RefusedError as error:
        elapsed = time.monotonic() - started
        raise mysqlerrors.explained(error, target, limits, elapsed) from error
