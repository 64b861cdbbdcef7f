"""Identifiers, nonces, secrets and one-time codes, behind the port."""

import secrets
import time

_LETTERS = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"
"""Without I, L, O, 0 and 1, which people mistake for one another."""

_BASE32HEX = "0123456789abcdefghijklmnopqrstuv"
_PAIRS = [first + second for first in _BASE32HEX for second in _BASE32HEX]
_SHIFTS = range(120, -1, -10)


def random_bytes(count: int) -> bytes:
    """Return `count` random bytes."""
    return secrets.token_bytes(count)


class SystemRandomness:
    """Implements `service.ports.Randomness`."""

    def identifier(self, prefix: str) -> str:
        """Return `prefix_` and 26 characters: 48 bits of milliseconds, then 80 random bits."""
        moment = int(time.time() * 1000) & (1 << 48) - 1
        number = (moment << 80 | secrets.randbits(80)) << 2  # 130 bits are 26 characters
        return f"{prefix}_{''.join([_PAIRS[number >> shift & 1023] for shift in _SHIFTS])}"

    def secret(self) -> str:
        """Return 256 random bits as URL-safe text."""
        return secrets.token_urlsafe(32)

    def code(self) -> str:
        """Return a code of about 49 bits, such as `KX4T-9MWD-2A`."""
        text = "".join(secrets.choice(_LETTERS) for _ in range(10))
        return f"{text[:4]}-{text[4:8]}-{text[8:]}"
