"""Answers and outputs that are too large to stay with their event."""

import base64
import struct
import zlib
from typing import Any

from interlock_gateway.core.model import Column, Rows, Statement

SECRET = "hunter2-5ecret"


def many_rows(_statement: Statement) -> Rows:
    """Answer with a thousand rows, the secret in the first and in the last."""
    rows = [(number, f"customer {number} of the shop") for number in range(998)]
    told = [(-1, SECRET), *rows, (999, SECRET)]
    return Rows((Column("n", "integer"), Column("who", "text")), tuple(told), elapsed_ms=1.0)


def one_secret(_statement: Statement) -> Rows:
    """Answer with one row that holds the secret."""
    return Rows((Column("password", "text"),), ((SECRET,),), elapsed_ms=1.0)


def png(side: int = 4, *, noise: bytes = b"") -> bytes:
    """Return a PNG of that many pixels a side; `noise` makes it as large as wanted."""
    head = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    rows = b"".join(b"\x00" + b"\x80" * side for _ in range(side))
    chunks = [(b"IHDR", head), (b"IDAT", zlib.compress(rows))]
    chunks += [(b"tEXt", b"Comment\x00" + noise)] if noise else []
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*one) for one in [*chunks, (b"IEND", b"")])


def _chunk(kind: bytes, content: bytes) -> bytes:
    checked = kind + content
    return struct.pack(">I", len(content)) + checked + struct.pack(">I", zlib.crc32(checked))


def chart(noise: bytes = b"x" * 20_000, **more: Any) -> dict[str, Any]:
    """Return an output that is a chart, with what it was drawn from."""
    spec = {"mark": "line", "data": {"values": [{"t": n, "v": n * n} for n in range(20)]}}
    vega = {"mimetype": "application/vnd.vegalite.v5+json", "data": spec}
    return {
        "kind": "display",
        "text": "alt.Chart(...)",
        "mimetype": "image/png",
        "data": base64.b64encode(png(noise=noise)).decode(),
        "spec": vega,
        **more,
    }
