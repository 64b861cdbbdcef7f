"""A server that speaks just enough of the MySQL protocol to behave badly at a chosen moment."""

import asyncio
import re
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

USER, PASSWORD, DATABASE = "reader", "Pa55Mark", "orders"
OK = b"\0\0\0\x02\0\0\0"
PREPARE, EXECUTE, QUERY = 0x16, 0x17, 0x03
_TLS = 1 << 11
_CAPABILITIES = 0x01FF_F7FF & ~_TLS  # all of 4.1 and later, with and without an ending packet

Reply = list[bytes] | None
"""Packets to send, or None to hang up."""


def text(value: bytes) -> bytes:
    """Return a length-encoded string, short."""
    return bytes([len(value)]) + value


def eof(status: int = 0x0002) -> bytes:
    """Return the packet that ends a list."""
    return b"\xfe\0\0" + status.to_bytes(2, "little")


def column(name: bytes, kind: int = 0xFD) -> bytes:
    """Return the description of a column."""
    head = text(b"def") + text(b"") * 3 + text(name) * 2
    return head + b"\x0c" + b"\x21\0" + b"\xff\0\0\0" + bytes([kind]) + b"\0\0\0\0\0"


def table(*rows: list[bytes]) -> list[bytes]:
    """Return the packets of a text result."""
    width = len(rows[0])
    heads = [column(b"c")] * width
    cells = [b"".join(text(cell) for cell in row) for row in rows]
    return [bytes([width]), *heads, eof(), *cells, eof()]


ONE = [b"\1", column(b"one", 8), eof(), b"\0\0" + (7).to_bytes(8, "little"), eof(0x2001)]
"""A binary result with one row, 7, inside a read-only transaction."""


@dataclass
class FakeMysql:
    """How the server behaves; the defaults are a well-behaved MariaDB.

    Attributes:
        version: as it introduces itself.
        plugin: the way to log in that it proposes.
        greeting: what it says first, in place of a proper greeting.
        tls: what it speaks after the client asked for TLS.
        login: packets after the client's log-in.
        execute: what it answers when a statement is executed.
        on: answers to commands that start with certain bytes, before anything else is tried.
        heard: every packet of every client, in order.
    """

    version: bytes = b"5.5.5-10.11.6-MariaDB"
    plugin: bytes = b"mysql_native_password"
    greeting: bytes | None = None
    tls: ssl.SSLContext | None = None
    login: list[bytes] = field(default_factory=lambda: [OK])
    execute: Callable[[], Reply] = lambda: ONE
    on: dict[bytes, Reply] = field(default_factory=dict)
    heard: list[bytes] = field(default_factory=list)
    settings: dict[bytes, bytes] = field(default_factory=dict)

    @asynccontextmanager
    async def listening(self, query: str = "") -> AsyncIterator[str]:
        """Listen on a free port; yield the credential that leads here."""
        with socket.create_server(("127.0.0.1", 0)) as door:
            door.setblocking(False)
            doorman = asyncio.create_task(self._let_in(door))
            port = door.getsockname()[1]
            yield f"mysql://{USER}:{PASSWORD}@127.0.0.1:{port}/{DATABASE}{query}"
            doorman.cancel()
            await asyncio.gather(doorman, return_exceptions=True)

    async def _let_in(self, door: socket.socket) -> None:
        async with asyncio.TaskGroup() as calls:
            while True:
                client, _ = await asyncio.get_running_loop().sock_accept(door)
                calls.create_task(_Talk(self, client).talk())

    def reply(self, packet: bytes) -> Reply:
        """Return what is said to one command."""
        command, words = packet[0], packet[1:]
        for start, answer in self.on.items():
            if words.startswith(start):
                return answer
        if command == PREPARE:
            return [b"\0\1\0\0\0\1\0\0\0\0\0\0", column(b"one", 8), eof()]
        if command == EXECUTE:
            return self.execute()
        return self._own(words)

    def _own(self, words: bytes) -> Reply:
        """Answer the constants of the adapter, with the settings it has set."""
        for name, quoted, bare in re.findall(rb"(\w+) = (?:'([^']*)'|([^,\s]+))", words):
            self.settings[name] = quoted or bare
        if words.startswith(b"SELECT VERSION"):
            return table([self.version.removeprefix(b"5.5.5-")])
        if words.startswith(b"SHOW GRANTS"):
            return table([b"GRANT USAGE ON *.* TO `reader`@`%`"])
        if words.startswith(b"SELECT @@"):
            names = re.findall(rb"@@(\w+)", words)
            return table([*(self.settings[name] for name in names), b"7", DATABASE.encode()])
        return [OK]


class _Talk:
    """One client's conversation."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    def __init__(self, fake: FakeMysql, client: socket.socket) -> None:
        self.fake = fake
        self.client = client
        self.number = 0

    async def talk(self) -> None:
        with self.client, suppress(OSError, asyncio.IncompleteReadError):
            if self.fake.tls:
                await self.ask_for_tls()
                await self.open()
            else:
                await self.open()
                self.say([self.greeting()])
            try:
                await self.hear()
                self.say(self.fake.login)
                await self.obey()
            finally:
                self.writer.transport.abort()  # what nobody reads any more is not waited for
                await asyncio.sleep(0)

    async def ask_for_tls(self) -> None:
        """Greet, and read no byte more than the answer: the next one belongs to TLS."""
        loop, greeting = asyncio.get_running_loop(), self.greeting()
        await loop.sock_sendall(
            self.client, len(greeting).to_bytes(3, "little") + b"\0" + greeting
        )
        self.fake.heard.append((await loop.sock_recv(self.client, 36))[4:])
        self.number = 2

    async def open(self) -> None:
        loop = asyncio.get_running_loop()
        self.reader = asyncio.StreamReader()
        protocol = asyncio.StreamReaderProtocol(self.reader)
        transport, _ = await loop.connect_accepted_socket(
            lambda: protocol, self.client, ssl=self.fake.tls
        )
        self.writer = asyncio.StreamWriter(transport, protocol, self.reader, loop)

    async def obey(self) -> None:
        while packet := await self.hear():
            if packet[0] in (0x01, 0x19):  # bye, and a statement that is not needed any more
                continue
            reply = self.fake.reply(packet)
            if reply is None:
                return
            self.say(reply)

    def greeting(self) -> bytes:
        if self.fake.greeting is not None:
            return self.fake.greeting
        capabilities = (_CAPABILITIES | (_TLS if self.fake.tls else 0)).to_bytes(4, "little")
        return (
            b"\x0a"
            + self.fake.version
            + b"\0\7\0\0\0saltsalt\0"
            + capabilities[:2]
            + b"\x21\2\0"
            + capabilities[2:]
            + b"\x15"
            + b"\0" * 10
            + b"saltsaltsalt\0"
            + self.fake.plugin
            + b"\0"
        )

    async def hear(self) -> bytes:
        head = await self.reader.readexactly(4)
        packet = await self.reader.readexactly(int.from_bytes(head[:3], "little"))
        self.number = head[3] + 1
        self.fake.heard.append(packet)
        return packet

    def say(self, packets: list[bytes]) -> None:
        """Send packets; one that starts with `raw:` is sent as it stands."""
        for packet in packets:
            if packet.startswith(b"raw:"):
                self.writer.write(packet[4:])
                continue
            head = len(packet).to_bytes(3, "little") + bytes([self.number & 0xFF])
            self.writer.write(head + packet)
            self.number += 1
