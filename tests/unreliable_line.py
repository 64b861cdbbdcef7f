"""Lines to a real PostgreSQL or MariaDB that fail at a chosen word: cut, or gone silent."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import Any
from urllib.parse import urlsplit

End = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Between = Callable[[End, End], Coroutine[Any, Any, object]]


@asynccontextmanager
async def cut(dsn: str, word: bytes) -> AsyncIterator[str]:
    """When the client says `word`, pass it on and hang up.

    The server hears it, does it and answers; the client never hears the answer.
    """

    async def between(near: End, far: End) -> None:
        said = asyncio.Event()

        async def forth() -> None:
            while not said.is_set() and (data := await near[0].read(65_536)):
                far[1].write(data)
                if word in data:
                    said.set()

        forwarding = asyncio.create_task(forth())
        while (data := await far[0].read(65_536)) and not said.is_set():
            near[1].write(data)
        forwarding.cancel()

    async with _line(dsn, between) as there:
        yield there


@asynccontextmanager
async def silent(dsn: str, word: bytes) -> AsyncIterator[str]:
    """After the client said `word`, pass nothing on until it calls again, as cancelling does."""
    quiet, called_again = asyncio.Event(), asyncio.Event()

    async def between(near: End, far: End) -> None:
        if quiet.is_set():
            called_again.set()

        async def forth() -> None:
            while data := await near[0].read(65_536):
                if word in data:
                    quiet.set()
                    await called_again.wait()
                far[1].write(data)

        forwarding = asyncio.create_task(forth())
        while data := await far[0].read(65_536):
            near[1].write(data)
        forwarding.cancel()

    async with _line(dsn, between) as there:
        yield there


@asynccontextmanager
async def _line(dsn: str, between: Between) -> AsyncIterator[str]:
    """Listen on a free port, join each caller to the server by `between`, leave nothing open."""
    parts = urlsplit(dsn)
    calls: set[asyncio.Task[Any]] = set()

    async def call(*near: Any) -> None:
        task = asyncio.current_task()
        if task:
            calls.add(task)
        far = await asyncio.open_connection(parts.hostname, parts.port)
        try:
            await between(near, far)
        except asyncio.CancelledError:
            pass  # by us, below
        finally:
            for end in (near[1], far[1]):
                end.close()
                with suppress(OSError):
                    await end.wait_closed()

    async with await asyncio.start_server(call, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        host = parts.netloc.rpartition("@")[0] + f"@127.0.0.1:{port}"
        plain = "" if parts.scheme == "mysql" else "sslmode=disable&gssencmode=disable"
        yield parts._replace(netloc=host, query=plain).geturl()
        await asyncio.sleep(0)
        for task in calls:
            task.cancel()
        await asyncio.gather(*calls, return_exceptions=True)
