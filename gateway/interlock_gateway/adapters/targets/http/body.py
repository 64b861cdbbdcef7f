"""The body of an answer, taken in piece by piece within its limit.

A kilobyte of gzip can stand for a megabyte, so the limit counts what comes out, and inflating
stops where it is reached. Only gzip is asked for, and only gzip or nothing is taken.
"""

import re
import zlib

from interlock_gateway.service.targets import TargetError

_GZIP = 16 + zlib.MAX_WBITS
_MEDIA = re.compile(r"\s*([A-Za-z0-9!#$&^_.+-]+/[A-Za-z0-9!#$&^_.+-]+)\s*(?:;.*)?", re.DOTALL)


def media_type(header: str) -> str:
    """Return the media type of a Content-Type header in lower case, "" where it is none."""
    found = _MEDIA.fullmatch(header)
    return found[1].lower() if found else ""


class Body:
    """Collects the pieces of one body.

    Args:
        target: its name, for messages.
        coding: the Content-Encoding, in lower case; `gzip`, `identity` or "".
        most: bytes it may have, inflated or not.

    Raises:
        TargetError: another coding, more bytes, or bytes that are no gzip.
    """

    def __init__(self, target: str, coding: str, most: int) -> None:
        if coding not in ("", "identity", "gzip", "x-gzip"):
            raise TargetError(
                "target-failed",
                f"{target} compressed its answer in a way nobody asked for: {coding[:40]!r}.",
            )
        self._target = target
        self._most = most
        self._inflate = zlib.decompressobj(_GZIP) if "gzip" in coding else None
        self._read = 0
        self._pieces: list[bytes] = []
        self._size = 0

    def take(self, piece: bytes) -> None:
        """Add what came over the connection."""
        self._read += len(piece)
        if self._read > self._most:
            raise self._too_large()
        if self._inflate is not None:
            piece = self._inflated(self._inflate, piece)
        self._size += len(piece)
        if self._size > self._most:
            raise self._too_large()
        self._pieces.append(piece)

    def whole(self) -> bytes:
        """Return the body, once it has come to its end."""
        if self._inflate is not None and self._read and not self._inflate.eof:
            raise TargetError("target-failed", f"{self._target} broke off in the middle of gzip.")
        return b"".join(self._pieces)

    def _inflated(self, inflate: "zlib._Decompress", piece: bytes) -> bytes:
        try:
            made = inflate.decompress(piece, self._most - self._size + 1)
        except zlib.error as error:
            raise TargetError(
                "target-failed", f"{self._target} says gzip and sends something else: {error}."
            ) from error
        if inflate.unused_data:
            raise TargetError("target-failed", f"{self._target} sent more behind its gzip's end.")
        return made

    def _too_large(self) -> TargetError:
        return TargetError(
            "outside-limits",
            f"The answer of {self._target} is larger than {self._most:,} bytes; it was not read "
            "further. Ask for less, or for a coarser step.",
        )
