"""What a MySQL packet says. Pure: bytes in, values out; a packet cut short is never read past.

Sources: MariaDB knowledge base, "Client/Server Protocol"; MySQL source documentation, "Text and
Binary Resultset", "Protocol::ColumnDefinition41", "Protocol::OK_Packet", "COM_STMT_PREPARE".
"""

from dataclasses import dataclass

OK, LOCAL_INFILE, END, ERROR = 0x00, 0xFB, 0xFE, 0xFF
"""The first byte of an answer says which kind it is; anything else starts a result."""

IN_TRANSACTION, MORE_RESULTS, IN_READ_ONLY = 0x0001, 0x0008, 0x2000
"""Bits of the server's status (SERVER_STATUS_IN_TRANS, …_MORE_RESULTS, …_IN_TRANS_READONLY)."""

_END_SIZE = 9  # an end is shorter; a row can start with the same byte only when it is huge
_WIDTHS = {0xFC: 2, 0xFD: 3, 0xFE: 8}


class LostError(Exception):
    """The line ended, or what came over it makes no sense; it cannot be used again."""


class Packet:
    """Reads one packet from front to back."""

    __slots__ = ("_at", "_data")

    def __init__(self, data: bytes) -> None:
        """Begin at the first byte."""
        self._data = data
        self._at = 0

    @property
    def left(self) -> int:
        """Bytes not read yet."""
        return len(self._data) - self._at

    def take(self, size: int) -> bytes:
        """Return the next `size` bytes.

        Raises:
            LostError: the packet has fewer.
        """
        end = self._at + size
        if end > len(self._data):
            raise LostError("a packet is shorter than it says")
        taken = self._data[self._at : end]
        self._at = end
        return taken

    def integer(self, size: int, *, signed: bool = False) -> int:
        """Return a little-endian integer of `size` bytes."""
        return int.from_bytes(self.take(size), "little", signed=signed)

    def length(self) -> int:
        """Return a length-encoded integer."""
        first = self.integer(1)
        if first < LOCAL_INFILE:
            return first
        if first not in _WIDTHS:
            raise LostError("a length is neither a number nor null")
        return self.integer(_WIDTHS[first])

    def string(self) -> bytes:
        """Return a length-encoded string."""
        return self.take(self.length())

    def cell(self) -> bytes | None:
        """Return a cell of a text row: a length-encoded string, or None for null."""
        if self._data[self._at : self._at + 1] == b"\xfb":
            self._at += 1
            return None
        return self.string()


@dataclass(frozen=True, slots=True)
class Field:
    """One column as the server describes it.

    Attributes:
        name: as the query calls it.
        type: the protocol's number of its type.
        charset: number of the collation; 63 is binary.
        flags: bits such as UNSIGNED (32).
        decimals: digits after the point or of the second; 31 where that is not fixed.
        origin: the column it comes from unchanged, as `schema.table.column` in lower case; "" when
            it is computed.
    """

    name: str
    type: int
    charset: int = 33
    flags: int = 0
    decimals: int = 0
    origin: str = ""


def field(data: bytes) -> Field:
    """Read Protocol::ColumnDefinition41."""
    packet = Packet(data)
    _catalog, schema, _table, table, name, column = (
        packet.string().decode(errors="replace") for _ in range(6)
    )
    packet.length()  # of what follows
    charset = packet.integer(2)
    packet.integer(4)  # widest cell
    kind, flags, decimals = packet.integer(1), packet.integer(2), packet.integer(1)
    origin = f"{schema}.{table}.{column}".lower() if table and column else ""
    return Field(name, kind, charset, flags, decimals, origin)


@dataclass(frozen=True, slots=True)
class Ending:
    """How a statement ended.

    Attributes:
        status: the server's status bits.
        warnings: how many it has.
        affected: rows it changed; None after rows, where the server does not say.
    """

    status: int
    warnings: int
    affected: int | None = None


def done(data: bytes) -> Ending:
    """Read OK_Packet, the answer of a statement without rows."""
    packet = Packet(data)
    if packet.integer(1) != OK:
        raise LostError("an answer is not the one that must come here")
    affected = packet.length()
    packet.length()  # last inserted id
    status, warnings = packet.integer(2), packet.integer(2)
    return Ending(status, warnings, affected)


def is_end(data: bytes) -> bool:
    """Tell whether this packet ends a list of columns or rows (EOF_Packet)."""
    return len(data) < _END_SIZE and data[:1] == bytes([END])


def end(data: bytes) -> Ending:
    """Read EOF_Packet."""
    if not is_end(data):
        raise LostError("a list does not end where it must")
    packet = Packet(data[1:])
    warnings, status = packet.integer(2), packet.integer(2)
    return Ending(status, warnings)


@dataclass(frozen=True, slots=True)
class Prepared:
    """What the server knows about a statement that it has understood and not run.

    Attributes:
        id: by which it is executed.
        columns: of its result; 0 for a statement without one, and for some SHOW.
        parameters: how many `?` it has.
    """

    id: int
    columns: int
    parameters: int


def prepared(data: bytes) -> Prepared:
    """Read COM_STMT_PREPARE_OK."""
    packet = Packet(data)
    if packet.integer(1) != OK:
        raise LostError("an answer is not the one that must come here")
    return Prepared(packet.integer(4), packet.integer(2), packet.integer(2))


def refusal(data: bytes) -> tuple[int, str, str]:
    """Read ERR_Packet: number, SQLSTATE or "", and the server's words."""
    packet = Packet(data[1:])
    number = packet.integer(2)
    rest = packet.take(packet.left)
    if rest[:1] == b"#":
        return number, rest[1:6].decode("ascii", "replace"), rest[6:].decode(errors="replace")
    return number, "", rest.decode(errors="replace")
