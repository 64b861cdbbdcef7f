"""Servers that stand in for a vendor's API where the vendor cannot be run beside the tests.

Each is strict: what the published reference does not list is refused with the vendor's status.
They are no proof that the vendor itself does the same.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote

READER, WRITER = "reader-of-the-tests", "writer-of-the-tests"
Reply = tuple[int, Any]


class ApiError(Exception):
    """What the API answers instead."""

    def __init__(self, status: int, document: Any) -> None:
        super().__init__(status)
        self.status = status
        self.document = document


@dataclass(frozen=True, slots=True)
class Called:
    """One request as it came."""

    method: str
    line: str
    fields: Mapping[str, str]
    body: bytes

    @property
    def path(self) -> list[str]:
        return [unquote(part) for part in self.line.partition("?")[0].split("/")[1:]]

    @property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(self.line.partition("?")[2], keep_blank_values=True))

    @property
    def media(self) -> str:
        return self.fields.get("content-type", "")

    def json(self) -> Any:
        return json.loads(self.body) if self.body else None


@dataclass(slots=True)
class StubApi:
    """What every stub does: remember calls, and break off where a test says.

    Attributes:
        called: every request that came.
        breaks: `before` a change is done or `after` it, the line is cut instead of an answer.
        says: a status that stands in for the answer of a change that was done.
    """

    called: list[Called] = field(default_factory=list)
    breaks: str = ""
    says: int = 0

    @property
    def changes(self) -> list[Called]:
        """The requests that were to change something, and not only to try it."""
        return [one for one in self.called if one.method != "GET" and "dryRun" not in one.query]

    def answer(self, called: Called) -> Reply:
        """Return status and document; overridden by each vendor's."""
        raise NotImplementedError  # each vendor answers as itself

    def reply(self, called: Called) -> Reply | None:
        """Return what is sent; None for nothing but the end of the line."""
        self.called.append(called)
        change = called in self.changes
        if change and self.breaks == "before":
            return None
        try:
            found = self.answer(called)
        except ApiError as error:
            return error.status, error.document
        if change and self.breaks == "after":
            return None
        return (self.says, {"message": "as the test says"}) if change and self.says else found


@asynccontextmanager
async def answering(api: StubApi) -> AsyncIterator[str]:
    """Serve `api` on loopback until the block ends; yield its URL."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            called = await _read(reader)
            found = api.reply(called)
            if found is not None:
                writer.write(_written(*found))
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the client went away
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        await server.wait_closed()


async def _read(reader: asyncio.StreamReader) -> Called:
    head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    method, line, _ = head[0].split(" ")
    pairs = (one.partition(": ") for one in head[1:] if one)
    fields = {name.lower(): value for name, _, value in pairs}
    body = await reader.readexactly(int(fields.get("content-length", "0")))
    return Called(method, line, fields, body)


def _written(status: int, document: Any) -> bytes:
    body = b"" if document is None else json.dumps(document).encode()
    kind = "" if document is None else "Content-Type: application/json\r\n"
    head = f"HTTP/1.1 {status} Said\r\n{kind}Content-Length: {len(body)}\r\n\r\n"
    return head.encode() + body
