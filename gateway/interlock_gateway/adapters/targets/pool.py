"""A few connections per target and credential generation, clean each time they are lent.

After an answer a connection is tidied while its borrower already goes on: the statements that tidy
it are on their way before the answer is, and nobody is lent it before they have ended.

Not psycopg_pool: when a target is down it retries in the background and answers after its
timeout without the reason. In an incident "connection refused" must be said at once.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Generic, Protocol, TypeVar

from interlock_gateway.core.model import Target
from interlock_gateway.service.targets import TargetError


class Lendable(Protocol):
    """What every driver's connection can do."""

    async def close(self) -> None:
        """Hang up."""
        ...


C = TypeVar("C", bound=Lendable)
Tidy = Callable[[C], Awaitable[bool]]
"""Rolls back and forgets all; if that cannot be done for certain, closes and says False."""


_FRESH_S = 10.0
"""Seconds at rest after which a connection has to prove that it is alive.

A server says farewell when it ends a session; a firewall that forgets one says nothing.
"""


class Pool(Generic[C]):
    """Lends connections; nobody ever sees what the borrower before left in the session."""

    def __init__(
        self,
        connect: Callable[[], Awaitable[C]],
        tidied: Tidy[C],
        refusals: tuple[type[Exception], ...],
        *,
        size: int = 4,
        alive: Callable[[C], bool] | None = None,
    ) -> None:
        """Make an empty pool.

        Args:
            connect: opens a connection, or raises TargetError.
            tidied: makes a connection fit for the next borrower.
            refusals: the driver's errors after which a connection may still be tidied.
            size: connections lent at once; further borrowers wait.
            alive: tells at once whether a connection at rest can be lent again as it is. Without
                it each is tidied once more, which takes a round trip.
        """
        self._connect = connect
        self._tidied = tidied
        self._refusals: tuple[type[Exception], ...] = (*refusals, TargetError)
        self._free = asyncio.Semaphore(size)
        self._alive = alive
        self._idle: list[tuple[C, float]] = []
        self._tidying: set[asyncio.Task[None]] = set()
        self._closed = False

    @asynccontextmanager
    async def lend(self) -> AsyncIterator[C]:
        """Lend a connection without a transaction and without any session state."""
        async with self._free:
            connection = await self._take()
            try:
                yield connection
            except self._refusals:
                await self._tidy(connection)
                raise
            except BaseException:  # cancelled: what the session does now is not known
                await connection.close()
                raise
            self._give_back(connection)

    async def aclose(self) -> None:
        """Close what is idle now and what comes back later."""
        self._closed = True
        if self._tidying:
            await asyncio.wait(self._tidying)
        while self._idle:
            connection, _ = self._idle.pop()
            await connection.close()

    async def _take(self) -> C:
        while self._idle or self._tidying:
            if not self._idle:  # sooner there than a new one
                await asyncio.wait(self._tidying, return_when=asyncio.FIRST_COMPLETED)
                continue
            connection, since = self._idle.pop()
            fresh = time.monotonic() - since < _FRESH_S
            if fresh and self._alive is not None and self._alive(connection):
                return connection
            if await self._tidied(connection):  # also tells whether it is still alive
                return connection
        return await self._connect()

    def _give_back(self, connection: C) -> None:
        """Undo and forget at once: an advisory lock must not outlive the call that took it."""
        task = asyncio.create_task(self._tidy(connection), name="tidy")
        self._tidying.add(task)
        task.add_done_callback(self._tidying.discard)

    async def _tidy(self, connection: C) -> None:
        if await self._tidied(connection) and not self._closed:
            self._idle.append((connection, time.monotonic()))
        else:
            await connection.close()


class Pools(Generic[C]):
    """One pool for each target, credential and generation that is in use."""

    def __init__(self, make: Callable[[Target], Pool[C]]) -> None:
        """Make none yet; `make` gives an empty pool for the read login of a target."""
        self._make = make
        self._pools: dict[tuple[str, str, str, int], Pool[C]] = {}

    async def of(self, target: Target) -> Pool[C]:
        """Return the target's pool; a rotated credential keeps no connection."""
        key = (target.name, target.generation, target.read, target.pace.at_once)
        if key not in self._pools:
            self._pools[key] = self._make(target)
            for old in [other for other in self._pools if other[0] == key[0] and other != key]:
                await self._pools.pop(old).aclose()
        return self._pools[key]

    async def aclose(self) -> None:
        """Close every connection of every pool."""
        for pool in self._pools.values():
            await pool.aclose()
        self._pools.clear()
