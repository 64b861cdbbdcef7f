"""The one writer: a thread that groups units of work into commits.

While one commit is on its way to the disk, further units gather; they make the next commit
together. Each of several has its own savepoint, so that one that fails fails alone. A full queue
is refused at once: what cannot be recorded does not happen.
"""

import asyncio
import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import InterfaceError, OperationalError, SQLAlchemyError

from interlock_gateway.adapters.store.driver import Driver
from interlock_gateway.adapters.store.lending import Lending
from interlock_gateway.adapters.store.transaction import Heads, SqlTransaction
from interlock_gateway.service.ports import Cleaner, Clock, StoreUnwritableError

_LARGEST_BATCH = 512
_QUEUED_UNITS = 4_096
_REPLICA_LOCK = 0x1A7E_10C5


@dataclass(frozen=True, slots=True)
class _Waiting:
    unit: Callable[[SqlTransaction], Any]
    future: "asyncio.Future[Any]"
    loop: asyncio.AbstractEventLoop


@dataclass(frozen=True, slots=True)
class _Settled:
    waiting: _Waiting
    result: Any = None
    error: BaseException | None = None

    def tell(self) -> None:
        """Give the caller its result; in the caller's loop."""
        future = self.waiting.future
        if future.done():
            return
        if self.error is not None:
            future.set_exception(self.error)
        else:
            future.set_result(self.result)


class Writer:
    """Owns the only writing connection and the thread that uses it."""

    def __init__(
        self,
        engine: Engine,
        clock: Clock,
        identifier: Callable[[str], str],
        random_bytes: Callable[[int], bytes],
        clean: Cleaner,
    ) -> None:
        self._clean = clean
        self._lending = Lending(engine)
        self._clock = clock
        self._identifier = identifier
        self._random_bytes = random_bytes
        self._heads: Heads | None = None
        self._queue: queue.Queue[_Waiting | None] = queue.Queue(_QUEUED_UNITS)
        self._closed = False
        self._thread = threading.Thread(target=self._work, name="store-writer", daemon=True)
        self._thread.start()

    async def commit(self, unit: Callable[[SqlTransaction], Any]) -> Any:
        """Queue `unit` and return its result once its commit is durable."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Any] = loop.create_future()
        if self._closed:
            raise StoreUnwritableError("The gateway is stopping; nothing was done.")
        try:
            self._queue.put_nowait(_Waiting(unit, future, loop))
        except queue.Full:
            raise StoreUnwritableError(
                f"More than {_QUEUED_UNITS:,} changes wait to be recorded; nothing was done."
            ) from None
        return await future

    def close(self) -> None:
        """Finish what is queued, then stop the thread; what comes later is refused."""
        self._closed = True
        self._queue.put(None)
        self._thread.join()
        self._lending.close()

    def _work(self) -> None:
        while (first := self._queue.get()) is not None:
            batch, last = self._gather(first)
            _tell(self._commit(batch))
            if last:
                return

    def _gather(self, first: _Waiting) -> tuple[list[_Waiting], bool]:
        batch = [first]
        while len(batch) < _LARGEST_BATCH:
            try:
                waiting = self._queue.get_nowait()
            except queue.Empty:
                break
            if waiting is None:
                return batch, True
            batch.append(waiting)
        return batch, False

    def _commit(self, batch: list[_Waiting]) -> list[_Settled]:
        try:
            with self._lending.begun() as connection:
                driver = Driver(connection)
                heads = self._take_heads(connection, driver)
                transaction = SqlTransaction(
                    connection,
                    heads,
                    self._clock.now(),
                    self._identifier,
                    self._random_bytes,
                    self._clean,
                )
                alone = len(batch) == 1
                settled = [_attempt(transaction, waiting, alone=alone) for waiting in batch]
                if alone and settled[0].error is not None:
                    connection.rollback()
                else:
                    transaction.flush()
        except (SQLAlchemyError, OSError) as error:
            refusal = StoreUnwritableError(f"The store cannot be written: {words(error)}")
            return [_Settled(waiting, error=refusal) for waiting in batch]
        self._heads = heads
        return settled

    def _take_heads(self, connection: Connection, driver: Driver) -> Heads:
        """Return where the journal ends; only a commit that went well puts it back.

        The embedded store has no other writer, so what the last commit left still holds.
        """
        if driver.engine == "postgresql":
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_REPLICA_LOCK})")
            return Heads(driver)
        known, self._heads = self._heads, None
        return known or Heads(driver)


def _tell(batch: list[_Settled]) -> None:
    """Wake each loop that waits once, whatever the number of its units."""
    for loop in {settled.waiting.loop for settled in batch}:
        own = [settled for settled in batch if settled.waiting.loop is loop]
        if not loop.is_closed():
            loop.call_soon_threadsafe(_tell_all, own)


def _tell_all(settled: list[_Settled]) -> None:
    for one in settled:
        one.tell()


def _attempt(transaction: SqlTransaction, waiting: _Waiting, *, alone: bool) -> _Settled:
    try:
        return _Settled(waiting, result=transaction.run(waiting.unit, alone=alone))
    except (OperationalError, InterfaceError, OSError):
        raise  # the store itself is in trouble: the whole batch fails
    except Exception as error:  # noqa: BLE001  whatever else a unit raises is its caller's to see
        return _Settled(waiting, error=error)


def words(error: BaseException) -> str:
    """Return what the engine said, without the statement and its values."""
    return str(getattr(error, "orig", None) or error).strip().splitlines()[0]
