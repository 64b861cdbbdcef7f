"""An anchor that is a file somewhere else: a note a line, added to and never changed.

It is worth what its place is worth: another machine's disk, a WORM share, a file that only root
may make longer (`chattr +a`). Beside the store it proves nothing against the store's owner.
"""

import asyncio
import fcntl
import json
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from interlock_gateway.adapters.durable import settle
from interlock_gateway.service.ports import NotReachedError

_TAIL = 64 * 1024


class FileAnchor:
    """Implements `service.anchoring.Anchor` over a file of JSON lines `{"at": …, "note": …}`."""

    name = "file"

    def __init__(self, path: Path) -> None:
        self._path = path

    async def newest(self) -> str:
        """Return the note in its last whole line; see the port."""
        return await asyncio.to_thread(self._attempt, self._last)

    async def lay(self, note: str) -> str:
        """Add a line, on the disk when this returns; see the port."""
        return await asyncio.to_thread(self._attempt, self._add, note)

    def _attempt(self, work: Callable[..., str], *given: str) -> str:
        try:
            return work(*given)
        except OSError as error:
            raise NotReachedError(f"{self._path}: {error.strerror or error}") from error

    def _last(self) -> str:
        if not self._path.exists():
            return ""
        with self._path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - _TAIL))
            lines = file.read().split(b"\n")
        found = next((note for line in reversed(lines) if (note := _note(line))), "")
        if not found and size > _TAIL:  # what stands before it would not be compared
            held = f"its last {_TAIL // 1024} KB hold no checkpoint: somebody else wrote there"
            raise NotReachedError(f"{self._path}: {held}")
        return found

    def _add(self, note: str) -> str:
        is_new = not self._path.exists()
        with self._path.open("ab+") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            moment = datetime.now(UTC).isoformat(timespec="milliseconds")
            line = json.dumps({"at": moment, "note": note}).encode() + b"\n"
            file.write((b"" if _ends_a_line(file) else b"\n") + line)
            file.flush()
            os.fsync(file.fileno())
            end = file.tell()
        if is_new:
            settle(self._path.parent)
        return f"{self._path} at byte {end - len(line)}"


def _ends_a_line(file: IO[bytes]) -> bool:
    """Tell whether the last writer finished its line; one that was killed may not have."""
    if file.seek(0, os.SEEK_END) == 0:
        return True
    file.seek(-1, os.SEEK_END)
    return file.read(1) == b"\n"


def _note(line: bytes) -> str:
    """Return the note in a line, or "" where a killed writer left a part of one."""
    try:
        found = json.loads(line)
        return str(found["note"]) if isinstance(found, dict) else ""
    except (ValueError, KeyError):
        return ""
