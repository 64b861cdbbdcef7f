"""Sealing of stored bytes: AES-256-GCM with a key beside the store (NIST SP 800-38D)."""

import os
import secrets
from contextlib import suppress
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_NONCE = 12
_KEY = 32


class KeySeal:
    """Implements `service.ports.Seal` with one key."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)

    def close(self, content: bytes, label: str) -> bytes:
        """Return `content` encrypted and bound to `label`."""
        nonce = secrets.token_bytes(_NONCE)
        return nonce + self._cipher.encrypt(nonce, content, label.encode())

    def open(self, sealed: bytes, label: str) -> bytes:
        """Return what `close` was given, or raise ValueError."""
        try:
            return self._cipher.decrypt(sealed[:_NONCE], sealed[_NONCE:], label.encode())
        except InvalidTag:
            raise ValueError("These bytes were changed, or sealed by another key.") from None


def key_in(path: Path) -> bytes:
    """Return the 32 bytes in the file at `path`, making it (mode 0600) when it is not there.

    Raises:
        OSError: it cannot be read or made.
        ValueError: it is not a key, or others may read it.
    """
    if not path.exists():
        return _made(path)
    if path.stat().st_mode & 0o077:
        raise ValueError(f"{path} can be read by others: chmod 600 {path}")
    key = path.read_bytes()
    if len(key) != _KEY:
        raise ValueError(f"{path} is not a key of {_KEY} bytes.")
    return key


def _made(path: Path) -> bytes:
    """Write the key aside and link it into place, so that of two makers one wins."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    aside = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    handle = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(secrets.token_bytes(_KEY))
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            path.hardlink_to(aside)
    finally:
        aside.unlink()
    return path.read_bytes()
