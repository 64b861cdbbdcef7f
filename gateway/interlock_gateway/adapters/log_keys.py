"""The keys that sign the log: Ed25519 seeds in files of their own, beside the store's seal."""

import os
import re
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from interlock.proof import Key, key_text, read_key, signature_line

from interlock_gateway.adapters.durable import settle

_SEED = 32
_NAME = re.compile(r"[0-9a-f]{8}\Z")


class LogKeys:
    """Implements `service.ports.LogSigner` over a folder that holds a file for each key.

    A file is named after its key's hash, and is in its place before a store names the key: what a
    gateway was killed over is a key that nobody uses.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: dict[str, tuple[Key, Ed25519PrivateKey]] = {}

    def make(self, name: str) -> str:
        """Make a key for the log of that name and return its public text; see the port."""
        seed = os.urandom(_SEED)
        public = Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()
        text = key_text(name, public)
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = self._folder / f"{read_key(text).id}.key"
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(name.encode() + b"\n" + seed)
            file.flush()
            os.fsync(file.fileno())
        settle(self._folder)
        return text

    def sign(self, key: str, text: str) -> str:
        """Return the line with which a key signs a note; see the port."""
        known, private = self._known.get(key) or self._read(key)
        return signature_line(known.name, known.public, private.sign(text.encode()))

    def _read(self, key: str) -> tuple[Key, Ed25519PrivateKey]:
        path = self._folder / f"{key}.key"
        if not _NAME.match(key) or not path.is_file():
            raise ValueError(
                f"The log's key {key or '(none)'} is not in {self._folder}: bring it back from a "
                "backup, or copy it there from another gateway of this store."
            )
        if path.stat().st_mode & 0o077:
            raise ValueError(f"{path} can be read by others: chmod 600 {path}")
        name, _, seed = path.read_bytes().partition(b"\n")
        if len(seed) != _SEED:
            raise ValueError(f"{path} is not a key of {_SEED} bytes.")
        private = Ed25519PrivateKey.from_private_bytes(seed)
        found = read_key(key_text(name.decode(), private.public_key().public_bytes_raw()))
        if found.id != key:
            raise ValueError(f"{path} holds another key, {found.id}.")
        self._known[key] = found, private
        return found, private
