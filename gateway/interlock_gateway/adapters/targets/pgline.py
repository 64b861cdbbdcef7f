"""The line to a PostgreSQL server: libpq reads from it no more than it is given.

libpq reads as long as there is something to read, and shows a row only when it has the whole of
it: one value of 900 MB would cost the gateway that much memory before anybody could count it.
So only the first look at an answer is libpq's own, into the buffer that it has; with TLS not even
that one is. From then on its descriptor is, while it reads, one end of a pair of sockets of ours,
with a measured piece in it. All of that happens between two turns of the event loop, and encrypted
lines are no different.
"""

import asyncio
import fcntl
import os
import socket
import struct
import termios
from collections.abc import Callable
from typing import Any, Self

from psycopg import AsyncConnection
from psycopg.pq.abc import PGconn, PGresult

Connection = AsyncConnection[Any]

PIECE = 1 << 16
"""Bytes that libpq is given at once."""

_HELD_BY_TLS = 2  # looks that empty what OpenSSL holds of a record after libpq's buffer was full


class FloodError(Exception):
    """More came than was allowed before a row was whole."""


class Line:
    """One exchange over a connection that is at rest: send, flush, then take the results.

    Attributes:
        most: bytes that may come before the next result is whole.
    """

    def __init__(self, connection: Connection, most: int) -> None:
        """Take a connection; it stays its owner's to close."""
        self._pgconn: PGconn = connection.pgconn
        self._gate: _Gate | None = None
        self._looked = False
        self._since = 0
        self.most = most

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._gate is not None:
            self._gate.close()
            self._gate = None

    async def flush(self) -> None:
        """Send what libpq holds.

        Nothing is read meanwhile. That cannot lock us up as long as little follows after the
        statement with the large answer: it has its place in the buffers of the two systems.
        """
        while self._pgconn.flush():
            loop = asyncio.get_running_loop()
            await self._until(loop.add_writer, loop.remove_writer)

    async def result(self) -> PGresult | None:
        """Return the next result, or None where one statement's results end.

        Raises:
            FloodError: more than `most` came without one; the connection is no longer usable.
            psycopg.OperationalError: the connection is gone.
        """
        while self._pgconn.is_busy():
            loop = asyncio.get_running_loop()
            await self._until(loop.add_reader, loop.remove_reader)
            self._look()
            if self._since > self.most:
                raise FloodError
        self._since = 0
        return self._pgconn.get_result()

    def _look(self) -> None:
        first, self._looked = not self._looked, True
        if first and not self._pgconn.ssl_in_use:
            # Into a buffer no larger than what was allowed before. With TLS, a part of a record
            # could stay behind in OpenSSL, where the event loop cannot see it.
            self._pgconn.consume_input()
            return
        if self._gate is None:
            self._gate = _Gate(self._pgconn)
        self._since += self._gate.receive()

    async def _until(self, add: Callable[..., object], remove: Callable[[int], object]) -> None:
        ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        descriptor = self._pgconn.socket
        add(descriptor, _set, ready)
        try:
            await ready
        finally:
            remove(descriptor)


class _Gate:
    """Gives libpq a piece at a time.

    While libpq reads, its descriptor names our end of the pair. The server's socket is kept
    alive by a second descriptor, so the event loop's watch on it stays as it is.
    """

    def __init__(self, pgconn: PGconn) -> None:
        self._pgconn = pgconn
        self._server = os.dup(pgconn.socket)
        self._near, self._far = socket.socketpair()
        for end in (self._near, self._far):
            end.setblocking(False)
        self._near.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4 * PIECE)

    def receive(self) -> int:
        """Let libpq have what has come, a piece at most; return its size in bytes."""
        try:
            piece = os.read(self._server, PIECE)
        except BlockingIOError:
            return 0
        except OSError:
            piece = b""
        if not piece:  # the end, or an error: libpq finds the words for it
            self._pgconn.consume_input()
            return 0
        self._give(piece)
        return len(piece)

    def _give(self, piece: bytes) -> None:
        if self._near.send(piece) != len(piece):
            raise OSError("A socket pair did not take a piece whole.")
        descriptor = self._pgconn.socket
        os.dup2(self._far.fileno(), descriptor, inheritable=False)
        try:
            while _unread(descriptor):
                self._take()
            if self._pgconn.ssl_in_use:
                for _ in range(_HELD_BY_TLS):
                    self._take()
        finally:
            os.dup2(self._server, descriptor, inheritable=False)

    def _take(self) -> None:
        self._pgconn.consume_input()
        self._pgconn.is_busy()  # libpq makes rows of what it has, and room

    def close(self) -> None:
        """Let go of what is ours; libpq's descriptor is the server's socket again."""
        os.close(self._server)
        self._near.close()
        self._far.close()


def _unread(descriptor: int) -> int:
    (count,) = struct.unpack("i", fcntl.ioctl(descriptor, termios.FIONREAD, b"\0\0\0\0"))
    return int(count)


def _set(ready: "asyncio.Future[None]") -> None:
    if not ready.done():
        ready.set_result(None)
