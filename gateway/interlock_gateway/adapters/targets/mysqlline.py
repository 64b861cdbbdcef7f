"""One line to a MySQL or MariaDB server: asyncmy connects and authenticates, packets are ours.

asyncmy's own reader trusts the server: it reads in C past the end of a packet cut short, collects
a split packet of any size, gives a password in clear text to whoever asks for it that way, and
always offers CLIENT_MULTI_STATEMENTS. So the line takes those offers back and reads for itself.
"""

import asyncio
from contextlib import suppress
from typing import Any

from asyncmy import errors
from asyncmy.connection import Connection
from asyncmy.constants import CLIENT
from asyncmy.protocol import MysqlPacket

from interlock_gateway.adapters.targets import mysqlpacket
from interlock_gateway.adapters.targets.mysqladdress import Address
from interlock_gateway.adapters.targets.mysqlpacket import LostError
from interlock_gateway.service.targets import TargetError

CONNECT_SECONDS = 5
"""How long a target may take to let us in."""

QUIT, QUERY, PING, PREPARE, EXECUTE, CLOSE, RESET = 0x01, 0x03, 0x0E, 0x16, 0x17, 0x19, 0x1F
"""Commands of the protocol (COM_QUIT, …, COM_STMT_PREPARE, …, COM_RESET_CONNECTION)."""

MOST = 1 << 20
"""Bytes of a packet that is not a row; a longer one is refused before it is read."""

_FULL = (1 << 24) - 1  # bytes in a frame that another one continues
_CHUNK = 1 << 16
_NEVER_PLAIN = ("mysql_clear_password", "dialog", "mysql_old_password")


class RefusedError(Exception):
    """The server said no.

    Attributes:
        number: its error number.
        state: the SQLSTATE, or "".
        words: what it said.
    """

    def __init__(self, number: int, state: str, words: str) -> None:
        super().__init__(words)
        self.number = number
        self.state = state
        self.words = words


class TooLongError(Exception):
    """A packet is longer than it may be. Its length was read and nothing of it: hang up now."""


class _Refuses:
    """Stands for each way to log in that would show the password to whoever listens."""

    def __init__(self, _: object) -> None:
        """Need nothing: there is nothing to answer."""

    def authenticate(self, _: object) -> None:
        """Refuse."""
        raise LostError("the server asked for the password in clear text and did not get it")


_Base: Any = Connection  # its stub leaves out what a subclass needs


class Line(_Base):  # type: ignore[misc]  # for the reason above
    """A connection that offers little, and reads no more than it was told to expect."""

    async def _request_authentication(self) -> object:
        """Log in; asyncmy calls this when the server has introduced itself.

        Without CLIENT_DEPRECATE_EOF a list ends in one way only; without MariaDB's extensions
        both engines speak the same.
        """
        self._client_flag &= ~(CLIENT.MULTI_STATEMENTS | CLIENT.LOCAL_FILES)
        self.server_capabilities &= ~CLIENT.DEPRECATE_EOF
        self._mariadb_ext_caps = 0
        if self._auth_plugin_name == "sha256_password" and not (self._secure or self._ssl_context):
            _Refuses(self).authenticate(self)
        return await super()._request_authentication()

    async def read_packet(self, packet_type: Any = MysqlPacket) -> Any:
        """Read a packet of the log-in; asyncmy calls this."""
        return packet_type(await self.heard(), encoding=self._encoding)

    def say(self, command: int, payload: bytes = b"") -> None:
        """Send one command.

        Raises:
            TargetError: it does not fit into one packet; nothing was sent.
            LostError: the line is gone.
        """
        if len(payload) >= _FULL - 1:
            raise TargetError(
                "target-failed",
                f"Statement and values of {len(payload):,} bytes exceed the {_FULL:,} of one "
                "packet. Nothing was sent. Give smaller values.",
            )
        self._next_seq_id = 0
        try:
            self.write_packet(bytes([command]) + payload)
        except errors.MySQLError as error:
            raise LostError(_words(error)) from error

    def leave(self) -> None:
        """Say goodbye and hang up: without a word the server logs an aborted connection."""
        with suppress(LostError):
            self.say(QUIT)
        self.close()

    async def heard(self) -> bytes:
        """Return the next packet, which is not a row and therefore not long.

        Raises:
            LostError: the line is gone, or the packet is empty or too long.
            RefusedError: it says that the server refuses.
        """
        try:
            packet = await self.hear(MOST, drop=False)
        except TooLongError as error:
            raise LostError(str(error)) from error
        if not packet:
            raise LostError("a packet is empty")
        return packet

    async def hear(self, most: int, *, drop: bool) -> bytes | None:
        """Return the next packet, or None for one longer than `most` bytes, which are dropped.

        Raises:
            LostError: the line is gone, or packets come out of order.
            TooLongError: without `drop`, it is longer.
            RefusedError: it says that the server refuses.
        """
        try:
            packet = await self._frames(most, drop=drop)
        except errors.MySQLError as error:
            raise LostError(_words(error)) from error
        if packet and packet[0] == mysqlpacket.ERROR:
            raise RefusedError(*mysqlpacket.refusal(packet))
        return packet

    async def _frames(self, most: int, *, drop: bool) -> bytes | None:
        kept, size, length = bytearray(), 0, _FULL
        while length == _FULL:
            head = await self._read_bytes(4)
            length = int.from_bytes(head[:3], "little")
            if head[3] != self._next_seq_id:
                raise LostError("packets come out of order")
            self._next_seq_id = (head[3] + 1) & 0xFF
            size += length
            if size > most and not drop:
                raise TooLongError(f"a packet is longer than {most:,} bytes")
            if size <= most:
                kept += await self._read_bytes(length)
            else:
                kept.clear()
                await self._drop(length)
        return bytes(kept) if size <= most else None

    async def _drop(self, length: int) -> None:
        while length:
            length -= len(await self._read_bytes(min(length, _CHUNK)))

    def pause(self) -> None:
        """Let the server wait: what it sends would be kept in memory while nobody reads."""
        if self._transport:
            self._transport.pause_reading()

    def resume(self) -> None:
        """Read on."""
        if self._transport:
            self._transport.resume_reading()


async def open_line(address: Address) -> Line:
    """Connect and log in.

    Raises:
        RefusedError: the server does not let us in.
        LostError: nobody listens, is who it must be, or makes sense.
    """
    line = _line(address)
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            await line.connect()
    except (RefusedError, LostError):
        raise
    except TimeoutError:
        raise LostError(f"no answer within {CONNECT_SECONDS} s") from None
    except errors.MySQLError as error:
        raise LostError(_words(error)) from None
    except Exception as error:  # noqa: BLE001  asyncmy trips over nonsense in many ways
        raise LostError(
            f"the server's greeting makes no sense ({type(error).__name__}), or it wants the "
            "password over a line without TLS: add ssl-ca=PATH to the address then"
        ) from None
    return line


def _line(address: Address) -> Line:
    plain = not (address.tls or address.socket)
    return Line(
        host=address.host or None,
        port=address.port,
        unix_socket=address.socket or None,
        user=address.user,
        password=address.password.encode(),  # asyncmy would take Latin-1
        database=address.database,
        charset="utf8mb4",
        autocommit=None,
        client_flag=CLIENT.FOUND_ROWS,
        connect_timeout=CONNECT_SECONDS,
        program_name="interlock",
        ssl=address.tls,
        auth_plugin_map=dict.fromkeys(_NEVER_PLAIN, _Refuses) if plain else {},
        # Whoever is in between could offer a key of their own; with this, no key is asked for,
        # as in the mysql client, which needs TLS or the server's cache to log in then.
        server_public_key=b"none is trusted without TLS",
    )


def _words(error: errors.MySQLError) -> str:
    return " ".join(str(part) for part in error.args[1:] or error.args)
