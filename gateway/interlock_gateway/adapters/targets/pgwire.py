"""One PostgreSQL conversation: ask by the extended protocol, count, cancel.

Every statement, our own included, goes out as one extended-protocol message (Parse, Bind,
Execute): the server refuses a second statement in it. psycopg's cursors send a text without
parameters by the simple protocol, which runs as many statements as it holds, so none is used.

What belongs together is sent at once, as a pipeline: where one statement of a group fails, the
server skips the rest of the group.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg import errors
from psycopg.abc import Buffer
from psycopg.adapt import PyFormat, Transformer
from psycopg.pq import ExecStatus
from psycopg.pq.abc import PGresult

from interlock_gateway.adapters.targets.pgline import Connection, FloodError, Line
from interlock_gateway.service.targets import TargetError

CANCEL_SECONDS = 5
"""How long a server may take to hear that a statement shall end."""

_SLACK = 1 << 20  # bytes that may come beyond a limit before a row of them is whole
_ENDED = (ExecStatus.PIPELINE_SYNC, ExecStatus.PIPELINE_ABORTED)
_RETURNS_ROWS = (ExecStatus.SINGLE_TUPLE, ExecStatus.TUPLES_OK)
_COPY = (ExecStatus.COPY_IN, ExecStatus.COPY_OUT, ExecStatus.COPY_BOTH)
_COUNTED = ("INSERT", "UPDATE", "DELETE", "MERGE")


class RowTooLargeError(TargetError):
    """A single row is larger than any answer may be; the connection is closed."""


@dataclass(slots=True)
class Answer:
    """What the server said to one statement.

    Attributes:
        names: column names; empty for a statement without a result.
        oids: the columns' type OIDs.
        sources: for each column the OID of the relation and the number of the column there that
            it comes from unchanged; zeros when it is computed.
        rows: cells as the server printed them.
        count: rows the server sent, also those not kept.
        cut: the limit that ended it early, or "".
        tag: the command tag, such as `UPDATE 3`; "" when it was cut short.
    """

    names: list[str] = field(default_factory=list)
    oids: list[int] = field(default_factory=list)
    sources: list[tuple[int, int]] = field(default_factory=list)
    rows: list[tuple[str | None, ...]] = field(default_factory=list)
    count: int = 0
    size: int = 0
    cut: str = ""
    tag: str = ""

    @property
    def affected(self) -> int | None:
        """Rows changed, as the server counted them; None for anything but a change."""
        word, _, rest = self.tag.partition(" ")
        return int(rest.split()[-1]) if word in _COUNTED and rest else None


@dataclass(frozen=True, slots=True)
class Cap:
    """When to stop keeping rows, and whether to stop the server too.

    Attributes:
        rows: rows kept; one more tells that there were more.
        bytes: bytes of cells kept, a bound on memory; the exact limit is applied later.
        words: what to say for each of the two limits.
        cancel: cancel on the server at the limit; otherwise take the rest and drop it.
    """

    rows: int
    bytes: int
    words: tuple[str, str] = ("rows", "bytes")
    cancel: bool = True


_FEW = Cap(rows=100, bytes=1 << 20)


@dataclass(frozen=True, slots=True)
class Saying:
    """A statement with its parameters, and how much of its answer is kept."""

    text: bytes
    parameters: Sequence[Any] = ()
    cap: Cap = _FEW


async def ask(
    connection: Connection, text: bytes, parameters: Sequence[Any] = (), cap: Cap = _FEW
) -> Answer:
    """Run one statement and collect its rows up to `cap`; see `exchange`."""
    (answer,) = await exchange(connection, [Saying(text, parameters, cap)])
    return answer


async def exchange(connection: Connection, *groups: Sequence[Saying]) -> list[Answer]:
    """Send groups of statements at once and return what the server said to each statement.

    A group ends with its first statement that fails: the server skips the rest of it. A row too
    large for its limit closes the connection; what came before it is a truncated answer, and all
    statements after it have none.

    Raises:
        psycopg.Error: the server refused a statement, the first is told; or the line is gone.
        TargetError: a statement wants to copy data through the connection.
        RowTooLargeError: nothing came before a row that is too large.
    """
    hearing = await heard(connection, groups)
    if hearing.refusal is not None:
        raise hearing.refusal
    return hearing.answers


async def heard(connection: Connection, groups: Sequence[Sequence[Saying]]) -> "Hearing":
    """Exchange the same, and return a refusal instead of raising it."""
    dumped = [[_dumped(connection, one) for one in group] for group in groups]
    pgconn = connection.pgconn
    hearing = Hearing(connection)
    with Line(connection, _SLACK) as line:
        pgconn.enter_pipeline_mode()
        for group, parameters in zip(groups, dumped, strict=True):
            for one, (data, types) in zip(group, parameters, strict=True):
                pgconn.send_query_params(one.text, data, param_types=types)
            pgconn.pipeline_sync()
        try:
            await line.flush()
            for group in groups:
                await hearing.group(line, group)
        except FloodError:
            await _hang_up(connection)
            hearing.flooded(groups)
        except asyncio.CancelledError:
            await _stop(connection, line, len(groups) - hearing.groups)
            raise
    if not connection.closed:
        pgconn.exit_pipeline_mode()
    return hearing


@dataclass(slots=True)
class Hearing:
    """What was heard so far in one exchange.

    Attributes:
        connection: where.
        answers: one for each statement.
        groups: how many of them were heard to their end.
        refusal: why the server refused a statement, the first.
        refused: which of the statements that was.
    """

    connection: Connection
    answers: list[Answer] = field(default_factory=list)
    groups: int = 0
    refusal: psycopg.Error | None = None
    refused: int = -1

    async def group(self, line: Line, group: Sequence[Saying]) -> None:
        """Hear the answers to one group, and its end.

        Our own cancel at a limit may come when the server is at a later statement of the group.
        """
        stopped = False
        for one in group:
            answer = Answer()
            self.answers.append(answer)
            error = await self._statement(line, answer, one.cap)
            late = stopped and isinstance(error, errors.QueryCanceled)
            if error is not None and not late and self.refusal is None:
                self.refusal, self.refused = error, len(self.answers) - 1
            stopped = stopped or bool(answer.cut and one.cap.cancel)
        await line.result()
        self.groups += 1

    async def _statement(self, line: Line, answer: Answer, cap: Cap) -> psycopg.Error | None:
        """Collect one answer; return why the server refused, if it did."""
        line.most = cap.bytes + _SLACK
        with suppress(psycopg.OperationalError):  # skipped by the server: there will be no row
            self.connection.pgconn.set_single_row_mode()
        refusal: psycopg.Error | None = None
        while (result := await line.result()) is not None:
            if result.status in _COPY:
                raise TargetError("target-failed", _NO_COPY)
            if result.status == ExecStatus.FATAL_ERROR:
                refusal = refusal or errors.error_from_result(result)
            elif result.status not in _ENDED and not (answer.cut and cap.cancel):
                _collect(answer, result, cap)
                if answer.cut and cap.cancel:
                    await self.connection.cancel_safe(timeout=CANCEL_SECONDS)
        return None if answer.cut and cap.cancel else refusal

    def flooded(self, groups: Sequence[Sequence[Saying]]) -> None:
        """Let what came before the large row be a truncated answer, or refuse."""
        sayings = [one for group in groups for one in group]
        answer, cap = self.answers[-1], sayings[len(self.answers) - 1].cap
        if not answer.rows or not cap.cancel:
            raise RowTooLargeError("target-failed", _TOO_LARGE.format(limit=cap.words[1]))
        answer.cut = cap.words[1]
        self.answers += [Answer() for _ in sayings[len(self.answers) :]]


_NO_COPY = "COPY through the connection is not supported."
_TOO_LARGE = (
    "One row of the answer, or the server's message, is larger than the limit: {limit}. It was "
    "not taken in, and the connection was closed, which rolls back. Leave the large column out, "
    "or ask for its beginning with left(…)."
)


async def _stop(connection: Connection, line: Line, groups: int) -> None:
    """Cancel on the server and take the rest, so that the transaction's state is known."""
    try:
        async with asyncio.timeout(CANCEL_SECONDS):
            await connection.cancel_safe(timeout=CANCEL_SECONDS)
            while groups:
                result = await line.result()
                groups -= result is not None and result.status == ExecStatus.PIPELINE_SYNC
            connection.pgconn.exit_pipeline_mode()
    except (psycopg.Error, TimeoutError, FloodError):
        await connection.close()


async def _hang_up(connection: Connection) -> None:
    """Cancel on the server, then close: it may be at work on the next large row."""
    with suppress(psycopg.Error):
        await connection.cancel_safe(timeout=CANCEL_SECONDS)
    await connection.close()


def _dumped(
    connection: Connection, one: Saying
) -> tuple[Sequence[Buffer | None], Sequence[int] | None]:
    """Return the parameters and their types; one that the server cannot take is never sent."""
    if not one.parameters:
        return (), None
    transformer = Transformer(connection)
    try:
        formats = [PyFormat.TEXT] * len(one.parameters)
        data = transformer.dump_sequence(one.parameters, formats)
    except (psycopg.Error, UnicodeEncodeError, TypeError) as error:
        message = f"A parameter cannot be sent to PostgreSQL: {error}. Nothing was sent."
        raise TargetError("target-failed", message) from None
    return data, transformer.types


def _collect(answer: Answer, result: PGresult, cap: Cap) -> None:
    """Add one row, or the end of them, to `answer`."""
    if result.status in _RETURNS_ROWS and not answer.oids:
        indexes = range(result.nfields)
        answer.names = [(result.fname(i) or b"").decode(errors="replace") for i in indexes]
        answer.oids = [result.ftype(i) for i in indexes]
        answer.sources = [(result.ftable(i), result.ftablecol(i)) for i in indexes]
    for number in range(result.ntuples):
        _keep(answer, [result.get_value(number, i) for i in range(result.nfields)], cap)
        if answer.cut and cap.cancel:
            return
    if result.command_status:  # it comes with the end
        answer.tag = result.command_status.decode()


def _keep(answer: Answer, cells: Sequence[bytes | None], cap: Cap) -> None:
    answer.count += 1
    answer.size += sum(len(cell) for cell in cells if cell)
    if answer.cut:
        return
    if answer.count > cap.rows:
        answer.cut = cap.words[0]
    elif answer.size > cap.bytes:
        answer.cut = cap.words[1]
    else:
        # A SQL_ASCII database may hold any bytes: show what is not UTF-8 as \xNN.
        answer.rows.append(
            tuple(None if c is None else str(c, "utf-8", "backslashreplace") for c in cells)
        )
