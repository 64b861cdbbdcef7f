"""Runs an ASGI application on a loopback port: in a thread, or in the caller's event loop."""

import asyncio
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from interlock.testing.slack.waiting import until

__all__ = ["Server"]

_RESET = struct.pack("ii", 1, 0)  # close without lingering: the peer gets a reset
_START_SECONDS = 10.0

Lines = dict[tuple[str, int], asyncio.Transport]


class Server:
    """One server, which knows the connection of each client and can reset it."""

    def __init__(self, app: Any, port: int) -> None:
        """Take a port of the loopback at once, so that the address is known.

        Args:
            app: the ASGI application.
            port: which port, 0 for a free one.

        Raises:
            OSError: the port is taken.
        """
        self._socket = socket.create_server(("127.0.0.1", port))
        self._lines: Lines = {}
        self.port: int = self._socket.getsockname()[1]
        self.loop: asyncio.AbstractEventLoop | None = None
        self._server = _Quiet(
            uvicorn.Config(
                app,
                http=_protocol(self._lines),
                ws="websockets-sansio",
                loop="asyncio",
                lifespan="off",
                log_config=None,
                log_level="critical",
                date_header=False,  # it says what time it is in this Slack
                ws_ping_interval=None,
                timeout_graceful_shutdown=1,
            )
        )
        self._thread: threading.Thread | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def is_stopping(self) -> bool:
        """Whether it was told to stop: long answers end themselves."""
        return self._server.should_exit

    def start(self) -> None:
        """Run in a thread of its own; returns when it answers."""
        ready = threading.Event()
        self._thread = threading.Thread(
            target=lambda: asyncio.run(self._serve(ready)), name="fake-slack", daemon=True
        )
        self._thread.start()
        if not ready.wait(_START_SECONDS):
            raise TimeoutError("The fake Slack did not start.")

    def stop(self) -> None:
        """Stop the thread; every connection ends."""
        self._server.should_exit = True
        if self._thread:
            self._thread.join()
        self._socket.close()

    async def begin(self) -> None:
        """Run in the event loop of the caller; returns when it answers."""
        ready = threading.Event()
        self._task = asyncio.create_task(self._serve(ready))
        task = self._task
        await until(lambda: ready.is_set() or task.done())

    async def end(self) -> None:
        """Stop what `begin` began."""
        self._server.should_exit = True
        if self._task:
            await self._task
        self._socket.close()

    def reset(self, client: Any, last: bytes = b"") -> None:
        """Reset a client's connection, in the server's loop.

        Args:
            client: (host, port) of the other end.
            last: sent before, after which the connection just ends, in the middle of it.
        """
        line = self._lines.get(tuple(client or ()))
        if line is None or line.is_closing():
            return
        if last:
            line.write(last)
        else:
            found = line.get_extra_info("socket")
            found.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        line.abort()

    async def _serve(self, ready: threading.Event) -> None:
        self.loop = asyncio.get_running_loop()
        serving = asyncio.create_task(self._server.serve(sockets=[self._socket]))
        await until(lambda: self._server.started or serving.done())
        ready.set()
        await serving


class _Quiet(uvicorn.Server):
    """Leaves the signals to whoever runs us."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _protocol(lines: Lines) -> type[H11Protocol]:
    """Return the HTTP protocol that notes its connection in `lines`."""

    class Noted(H11Protocol):
        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
            lines[transport.get_extra_info("peername")] = transport
            super().connection_made(transport)

        def connection_lost(self, exc: Exception | None) -> None:
            lines.pop(self.transport.get_extra_info("peername"), None)
            super().connection_lost(exc)

    return Noted
