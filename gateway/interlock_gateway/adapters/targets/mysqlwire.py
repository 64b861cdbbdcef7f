"""One MySQL conversation: ask by prepared statements, count, cancel.

What was classified goes out by COM_STMT_PREPARE, which takes exactly one statement and keeps
values apart from the text. Only constants of ours go out by COM_QUERY, on a line that has not
offered CLIENT_MULTI_STATEMENTS.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from interlock_gateway.adapters.targets import mysqlline, mysqlpacket, mysqltypes
from interlock_gateway.adapters.targets.mysqladdress import Address
from interlock_gateway.adapters.targets.mysqlline import (
    Line,
    RefusedError,
    TooLongError,
    open_line,
)
from interlock_gateway.adapters.targets.mysqlpacket import (
    Ending,
    Field,
    LostError,
    Packet,
    Prepared,
)
from interlock_gateway.core.model import Dialect
from interlock_gateway.service.targets import TargetError

_KILL_SECONDS = 2.0
"""How long a cancel may take before the session is given up to its own time limit."""

_DRAIN_SECONDS = 2.0
_ROW_SLACK = 1024
_MOST_COLUMNS = 4_096  # of both engines


@dataclass(slots=True)
class Connection:
    """A line, who entered by it, and what the server last said about its transaction."""

    line: Line
    address: Address
    dialect: Dialect
    status: int = 0
    broken: bool = False

    @property
    def thread(self) -> int:
        """The number by which another session can kill what runs here."""
        return int(self.line.server_thread_id[0])

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction was open when the server last spoke."""
        return bool(self.status & mysqlpacket.IN_TRANSACTION)

    @property
    def closed(self) -> bool:
        """Whether nothing can be asked any more."""
        return self.broken or not self.line.connected

    async def close(self) -> None:
        """Hang up; the server rolls back what is open."""
        if self.closed:
            self.line.close()  # in the middle of something: no word would be understood
        else:
            self.line.leave()
        self.broken = True

    async def cancel(self) -> None:
        """Stop what runs here, by a second connection with the same login."""
        with suppress(LostError, RefusedError, TargetError, TimeoutError):
            async with asyncio.timeout(_KILL_SECONDS):
                line = await open_line(self.address)
                try:
                    line.say(mysqlline.QUERY, b"KILL QUERY %d" % self.thread)
                    await line.heard()
                finally:
                    line.leave()


@dataclass(slots=True)
class Answer:
    """What the server said to one statement.

    Attributes:
        fields: the columns; empty for a statement without a result.
        rows: cells as they travelled.
        count: rows the server sent, also those not kept.
        cut: the limit that ended it early, or "".
        ending: the server's status at the end; None when it was cut short.
    """

    fields: list[Field] = field(default_factory=list)
    rows: list[tuple[mysqltypes.Cell, ...]] = field(default_factory=list)
    count: int = 0
    size: int = 0
    cut: str = ""
    ending: Ending | None = None

    @property
    def affected(self) -> int | None:
        """Rows matched or changed, as the server counted them; None after rows."""
        return self.ending.affected if self.ending else None


@dataclass(frozen=True, slots=True)
class Cap:
    """When to stop keeping rows, and whether to stop the server too.

    Attributes:
        rows: rows kept; one more tells that there were more.
        bytes: bytes of rows kept, a bound on memory; the exact limit is applied later.
        words: what to say for each of the two limits.
        cancel: kill the query at the limit; otherwise take the rest and drop it.
    """

    rows: int
    bytes: int
    words: tuple[str, str] = ("rows", "bytes")
    cancel: bool = True


# --- constants of ours --------------------------------------------------------------------------


async def command(connection: Connection, text: str) -> Ending:
    """Run one constant statement of ours that answers without rows."""
    connection.line.say(mysqlline.QUERY, text.encode())
    return done(connection, await connection.line.heard())


async def lines(connection: Connection, text: str) -> list[tuple[str | None, ...]]:
    """Run one constant statement of ours and return its rows as text."""
    connection.line.say(mysqlline.QUERY, text.encode())
    fields = await _fields(connection, await connection.line.heard())
    rows: list[tuple[str | None, ...]] = []
    while not mysqlpacket.is_end(packet := await connection.line.heard()):
        cells = Packet(packet)
        found = [cells.cell() for _ in fields]
        rows.append(tuple(None if c is None else c.decode(errors="replace") for c in found))
    connection.status = mysqlpacket.end(packet).status
    return rows


def done(connection: Connection, packet: bytes) -> Ending:
    """Read the answer of a command without rows, and remember the server's status."""
    ending = mysqlpacket.done(packet)
    connection.status = ending.status
    return ending


async def _fields(connection: Connection, first: bytes) -> list[Field]:
    """Read the columns of a result; the server never gets a file that it asks for instead."""
    if first[0] == mysqlpacket.LOCAL_INFILE:
        raise LostError("it asked for a file of this machine, which no server ever gets")
    count = Packet(first).length()
    if count > _MOST_COLUMNS:
        raise LostError(f"it tells of {count:,} columns, more than a result has")
    fields = [mysqlpacket.field(await connection.line.heard()) for _ in range(count)]
    mysqlpacket.end(await connection.line.heard())
    return fields


# --- statements that were classified ------------------------------------------------------------


async def prepare(connection: Connection, text: bytes) -> Prepared:
    """Let the server understand exactly `text`, one statement, without running it."""
    line = connection.line
    line.say(mysqlline.PREPARE, text)
    found = mysqlpacket.prepared(await line.heard())
    for count in (found.parameters, found.columns):
        for _ in range(count):
            await line.heard()
        if count:
            mysqlpacket.end(await line.heard())
    return found


def bound(statement: Prepared, parameters: Sequence[mysqltypes.Parameter]) -> bytes:
    """Return what executes `statement` with `parameters`.

    Raises:
        TargetError: the server counts other placeholders than the guard did; nothing was run.
    """
    if len(parameters) != statement.parameters:
        raise TargetError(
            "target-failed",
            f"The server counts {statement.parameters} parameters in this statement where the "
            f"guard counted {len(parameters)}. Nothing was run. Report it: the two must agree.",
        )
    return mysqltypes.execution(statement.id, parameters)


async def execute(connection: Connection, execution: bytes, cap: Cap) -> Answer:
    """Run a prepared statement and collect its rows up to `cap`.

    Raises:
        RefusedError: the server refused it.
        LostError: the line is gone.
    """
    answer = Answer()
    connection.line.say(mysqlline.EXECUTE, execution)
    await _collect(connection, answer, cap)
    if not connection.closed:
        connection.line.say(mysqlline.CLOSE, execution[:4])
    return answer


@asynccontextmanager
async def killing(connection: Connection) -> AsyncIterator[None]:
    """When cancelled in here, also by a time limit of ours, stop what runs on the server."""
    try:
        yield
    except asyncio.CancelledError:
        connection.broken = True
        await connection.cancel()
        raise


async def _collect(connection: Connection, answer: Answer, cap: Cap) -> None:
    first = await connection.line.heard()
    if first[0] == mysqlpacket.OK:
        answer.ending = done(connection, first)
    else:
        answer.fields = await _fields(connection, first)
        await _rows(connection, answer, cap)
    if answer.ending and answer.ending.status & mysqlpacket.MORE_RESULTS:
        raise LostError("it answered with more than one result, and only one is ever read")


async def _rows(connection: Connection, answer: Answer, cap: Cap) -> None:
    decoders = [mysqltypes.decoder(column) for column in answer.fields]
    most = cap.bytes + _ROW_SLACK
    while True:
        try:
            packet = await connection.line.hear(most, drop=not cap.cancel)
        except TooLongError:
            _keep(answer, None, decoders, cap)
            await _hang_up(connection)
            return
        if packet is not None and mysqlpacket.is_end(packet):
            answer.ending = mysqlpacket.end(packet)
            connection.status = answer.ending.status
            return
        _keep(answer, packet, decoders, cap)
        if answer.cut and cap.cancel:
            await _stop(connection)
            return


def _keep(
    answer: Answer, packet: bytes | None, decoders: Sequence[mysqltypes.Decoder], cap: Cap
) -> None:
    """Count one row and keep it within the limits; None is a row too long to be read at all."""
    answer.count += 1
    answer.size += cap.bytes + 1 if packet is None else len(packet)
    if answer.cut:
        return
    if answer.count > cap.rows:
        answer.cut = cap.words[0]
    elif packet is None or answer.size > cap.bytes:
        answer.cut = cap.words[1]
    else:
        answer.rows.append(mysqltypes.row(Packet(packet), decoders))


def _ends(packet: bytes | None) -> bool:
    return packet is not None and mysqlpacket.is_end(packet)


async def _hang_up(connection: Connection) -> None:
    """Kill the query and leave, without reading the row that is too long to be kept."""
    connection.line.pause()
    await connection.cancel()
    connection.broken = True


async def _stop(connection: Connection) -> None:
    """Kill the query at a limit and drop what was under way; the session lives on if it can."""
    connection.line.pause()
    await connection.cancel()
    connection.line.resume()
    try:
        async with asyncio.timeout(_DRAIN_SECONDS):
            while not _ends(await connection.line.hear(_ROW_SLACK, drop=True)):
                pass
    except RefusedError:
        pass
    except TimeoutError:
        connection.broken = True
