"""Lines of a stream as they come, cut into portions small enough to be handed out at once."""

import os
from collections import deque
from dataclasses import dataclass, field

from interlock.cli.answering import unknown

LONGEST = 1024 * 1024
"""Bytes of one line; a statement of 64 KiB in JSON has less, however it is escaped."""

_READ = 64 * 1024
_PORTION_LINES, _PORTION_BYTES = 64, 16 * 1024


@dataclass(slots=True, eq=False)
class Portion:
    """Lines that one process answers, and the answers so far."""

    lines: list[bytes]
    answers: list[bytes] = field(default_factory=list)

    @property
    def done(self) -> bool:
        """Whether every line has its answer."""
        return len(self.answers) == len(self.lines)


class Lines:
    """Cuts what a descriptor gives into portions of lines; blank ones are no questions."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        self.ended = False
        self._rest = bytearray()
        self._skipping = False
        self._portions: deque[Portion] = deque()

    def read(self) -> None:
        """Take what is there; it is readable, or this waits."""
        data = os.read(self.descriptor, _READ)
        self.ended = not data
        *whole, rest = data.split(b"\n")
        for part in whole:
            self._add(part + b"\n")
        self._keep(rest)
        if self.ended and self._rest:
            self._add(b"\n")

    def take(self) -> Portion | None:
        """Return the next portion, or None when everything read was taken."""
        return self._portions.popleft() if self._portions else None

    def __len__(self) -> int:
        return len(self._portions)

    def _add(self, end: bytes) -> None:
        """Add the line that `end` completes."""
        line, skipped = bytes(self._rest) + end, self._skipping
        self._rest.clear()
        self._skipping = False
        if skipped or len(line) > LONGEST:
            answer = unknown(f"The line has more than {LONGEST:,} bytes.")
            self._portions.append(Portion([b"\n"], [answer]))
        elif not line.isspace():
            self._append(line)

    def _append(self, line: bytes) -> None:
        last = self._portions[-1] if self._portions else None
        fits = last is not None and not last.answers and len(last.lines) < _PORTION_LINES
        if last is not None and fits and sum(map(len, last.lines)) + len(line) <= _PORTION_BYTES:
            last.lines.append(line)
        else:
            self._portions.append(Portion([line]))

    def _keep(self, rest: bytes) -> None:
        """Keep the beginning of a line; of one that is too long, only that it was there."""
        self._rest += rest if not self._skipping else b""
        if len(self._rest) > LONGEST:
            self._rest.clear()
            self._skipping = True
