"""HTTP servers that do what they should not: each answers every connection with a script."""

import asyncio
import gzip
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from ipaddress import ip_network

from interlock_gateway.adapters.targets.http import Door
from interlock_gateway.core.endpoint import base_url

LOOPBACK = (ip_network("127.0.0.1/32"),)
Script = Callable[[asyncio.StreamWriter], Awaitable[None]]


@dataclass(slots=True)
class HostileServer:
    """Listens on loopback.

    Attributes:
        port: where.
        heads: the request line and header fields of every request, as they came.
    """

    port: int = 0
    heads: list[str] = field(default_factory=list)

    def door(self, host: str = "127.0.0.1", **more: object) -> Door:
        scheme = more.pop("scheme", "http")
        base = base_url(f"{scheme}://{host}:{self.port}")
        return Door("metrics", base, **{"addresses": LOOPBACK, **more})  # type: ignore[arg-type]  # as the test says

    @property
    def connections(self) -> int:
        return len(self.heads)


@asynccontextmanager
async def serving(
    script: Script, tls: ssl.SSLContext | None = None
) -> AsyncIterator[HostileServer]:
    """Serve `script` until the block ends."""
    hostile = HostileServer()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            hostile.heads.append(head.decode())
            await script(writer)
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the client has had enough, as it should
        finally:
            writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=tls)
    hostile.port = server.sockets[0].getsockname()[1]
    try:
        yield hostile
    finally:
        server.close()
        await server.wait_closed()


def says(
    body: bytes = b"{}", *fields: str, status: str = "200 OK", length: int | None = None
) -> Script:
    """Answer once; without a Content-Type among `fields` it is JSON."""

    async def script(writer: asyncio.StreamWriter) -> None:
        kinds = [] if any(f.lower().startswith("content-type") for f in fields) else [JSON]
        size = len(body) if length is None else length
        lines = [f"HTTP/1.1 {status}", *fields, *kinds, f"Content-Length: {size}", "", ""]
        writer.write("\r\n".join(lines).encode() + body)
        await writer.drain()

    return script


JSON = "Content-Type: application/json"


def endless(piece: bytes = b"x" * 65_536, pause_s: float = 0.0, *fields: str) -> Script:
    """Send pieces for ever; with a pause it is a slow drip."""

    async def script(writer: asyncio.StreamWriter) -> None:
        head = ["HTTP/1.1 200 OK", JSON, *fields, "Transfer-Encoding: chunked", "", ""]
        writer.write("\r\n".join(head).encode())
        while True:
            writer.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
            await writer.drain()
            await asyncio.sleep(pause_s)  # the drip itself

    return script


def bomb(megabytes: int = 200) -> bytes:
    """Return gzip of that many megabytes of zeros; a thousandth of that in bytes."""
    return gzip.compress(b"\0" * (megabytes * 1024 * 1024), compresslevel=6)


@dataclass(slots=True)
class Names:
    """Looks names up: each question gets the next answer, the last one for ever."""

    answers: Sequence[Sequence[str]]
    asked: int = 0

    async def __call__(self, _host: str, _port: int) -> Sequence[str]:
        found = self.answers[min(self.asked, len(self.answers) - 1)]
        self.asked += 1
        return found
