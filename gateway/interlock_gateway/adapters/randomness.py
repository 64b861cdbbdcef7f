"""Identifiers, nonces, secrets and one-time codes, behind the port."""

import os
import secrets
import threading
import time

_LETTERS = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"
"""Without I, L, O, 0 and 1, which people mistake for one another."""

_BASE32HEX = "0123456789abcdefghijklmnopqrstuv"
_PAIRS = [first + second for first in _BASE32HEX for second in _BASE32HEX]
_SHIFTS = range(120, -1, -10)


_BLOCK = 1_024


class _Drawn(threading.local):
    """Random bytes that this thread has drawn and not given yet."""

    rest = b""


_drawn = _Drawn()


def random_bytes(count: int) -> bytes:
    """Return `count` random bytes of the system's.

    They are drawn by the block: at each draw other threads get hold of the interpreter, and to
    get it back took the store's writer a third of its time. A child process has none of them.
    """
    if count > len(_drawn.rest):
        _drawn.rest = secrets.token_bytes(max(count, _BLOCK))
    given, _drawn.rest = _drawn.rest[:count], _drawn.rest[count:]
    return given


def _forget() -> None:
    _drawn.rest = b""


os.register_at_fork(after_in_child=_forget)


class SystemRandomness:
    """Implements `service.ports.Randomness`."""

    def identifier(self, prefix: str) -> str:
        """Return `prefix_` and 26 characters: 48 bits of milliseconds, then 80 random bits."""
        moment = int(time.time() * 1000) & (1 << 48) - 1
        number = (
            moment << 80 | int.from_bytes(random_bytes(10))
        ) << 2  # 130 bits are 26 characters
        return f"{prefix}_{''.join([_PAIRS[number >> shift & 1023] for shift in _SHIFTS])}"

    def secret(self) -> str:
        """Return 256 random bits as URL-safe text."""
        return secrets.token_urlsafe(32)

    def code(self) -> str:
        """Return a code of about 49 bits, such as `KX4T-9MWD-2A`."""
        text = "".join(secrets.choice(_LETTERS) for _ in range(10))
        return f"{text[:4]}-{text[4:8]}-{text[8:]}"
