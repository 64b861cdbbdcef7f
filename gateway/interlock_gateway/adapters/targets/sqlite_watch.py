"""Tells SQLite, while it works, whether to go on: time, and memory.

SQLite asks between two steps of its virtual machine, and a step can make one long value. So values
are bounded by what a statement can hold of them at once, and memory is looked at as well: where a
document is gathered row by row, SQLite does not measure it before it is whole.
"""

import os
import sqlite3
import time

from interlock_gateway.adapters.targets import sqlite_lock
from interlock_gateway.adapters.targets.sqlite_parser import Program
from interlock_gateway.core.model import Limits

MEMORY = 256 * 1024 * 1024
"""Bytes by which this process may grow while a read works; more ends the read."""

PROCESS_MEMORY = 1 << 30
"""Bytes for the process, whatever it does: the kernel refuses more."""

LONGEST_FILE = 1 << 30
"""Bytes of one file that a read writes: a big sort's temporary one, and `-shm` beside the file."""

_STEPS = 1_000  # of SQLite's virtual machine between two looks, about 20 µs
_STEPS_GATHERING = 50
_SLOW_SECONDS = 0.001  # between two looks: then there are long values, and memory is looked at
_STATM = "/proc/self/statm"
_PAGE = 4096


class Watch:
    """Watches over what one connection does for one call."""

    def __init__(self, limits: Limits) -> None:
        """Begin to count time; `limits.seconds` is what there is of it."""
        self.limits = limits
        self.started = self._looked = time.monotonic()
        self.expired = False
        self._full = False
        self._longest = sqlite_lock.LENGTH
        self._resident = _resident()

    @property
    def elapsed(self) -> float:
        """Seconds since the call began."""
        return time.monotonic() - self.started

    @property
    def is_late(self) -> bool:
        """Whether the call took longer than it may."""
        return self.elapsed > self.limits.seconds

    def over(self, connection: sqlite3.Connection, steps: int = _STEPS) -> None:
        """Have SQLite ask on `connection`, every so many steps."""
        connection.set_progress_handler(self._look, steps)

    def bound(self, connection: sqlite3.Connection, planned: Program) -> None:
        """Bound the values of what will be run, and look more often where they are gathered."""
        self._longest = sqlite_lock.bound(connection, planned.cells)
        self.over(connection, _STEPS_GATHERING if planned.gathers else _STEPS)

    def why(self, error: Exception) -> tuple[str, str] | None:
        """Return the code and the words for a call that ended at a limit; None for another end."""
        if self.expired:
            seconds = f"{self.limits.seconds:g} s"
            return "target-timeout", f"did not finish within {seconds}; interrupted there."
        if self._full:
            words = f"needs more than {MEMORY >> 20:,} MiB of memory for this; interrupted there."
            return "target-failed", f"{words} Ask for fewer or shorter values."
        code = getattr(error, "sqlite_errorcode", 0)
        if code == sqlite3.SQLITE_IOERR_WRITE:
            words = f"could not write a temporary file, of {LONGEST_FILE >> 20:,} MiB at most."
            return "target-failed", f"{words} Sort or group fewer rows."
        if code & 0xFF == sqlite3.SQLITE_TOOBIG:
            most = f"a value of more than {self._longest:,} bytes"
            words = f"would have to make {most}, the most where so many columns and calls are."
            return "target-failed", f"{words} Ask for fewer or shorter values."
        return None

    def _look(self) -> int:
        """Return 1 to interrupt, 0 to go on: SQLite's progress handler."""
        now = time.monotonic()
        slow, self._looked = now - self._looked > _SLOW_SECONDS, now
        self.expired = self.expired or self.is_late
        if slow:
            self._full = self._full or _resident() - self._resident > MEMORY
        return int(self.expired or self._full)


def _resident() -> int:
    """Return the bytes of memory that this process has; 0 where the system does not tell."""
    try:
        file = os.open(
            _STATM, os.O_RDONLY
        )  # each read asks: a file object costs ten times as much
    except OSError:
        return 0
    try:
        return int(os.read(file, _PAGE).split()[1]) * _PAGE
    finally:
        os.close(file)
