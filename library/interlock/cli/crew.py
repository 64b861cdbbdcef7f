"""Processes that answer lines side by side, and whoever hands out lines and keeps the order.

Memory is bounded: lines are read only while few are under way. A process has at most as much to
read as a pipe holds, so neither side ever waits for the other to read. A process that dies takes
one line with it, which is answered `unknown`; another one takes over the rest.
"""

import os
import select
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import IO, TextIO, cast

from interlock.cli.answering import LINE_CPU_S, READY, id_of, unknown
from interlock.cli.portions import Lines, Portion
from interlock.errors import InterlockError

COMMAND = (sys.executable, "-P", "-m", "interlock.cli.answering")
"""What a worker runs; `-P` keeps the working folder from standing in for the library."""

_READ = 64 * 1024
_AHEAD = 4  # portions under way for each process
_SILENT_S = 120.0  # without an answer: a process that neither works nor ends is ended


class Worker:
    """One process, with the portion it works on."""

    def __init__(self, command: Sequence[str]) -> None:
        self.portion: Portion | None = None
        self._rest = b""
        self._ready = False
        self._process = subprocess.Popen(  # noqa: S603  our own interpreter and module, no shell
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
        )
        self._asked = cast("IO[bytes]", self._process.stdin)
        self._said = cast("IO[bytes]", self._process.stdout)

    def fileno(self) -> int:
        """Return the descriptor that answers come from."""
        return self._said.fileno()

    def give(self, portion: Portion) -> None:
        """Let it answer what of a portion is not answered."""
        self.portion = portion
        left = memoryview(b"".join(portion.lines[len(portion.answers) :]))
        with suppress(BrokenPipeError):  # it died; `hear` notices, with what it had answered
            while left:
                left = left[os.write(self._asked.fileno(), left) :]

    def hear(self) -> bool:
        """Take what it says; return whether it still lives."""
        data = os.read(self.fileno(), _READ)
        *whole, self._rest = (self._rest + data).split(b"\n")
        for line in whole:
            if not self._ready:
                self._ready = line + b"\n" == READY
            elif self.portion is not None:
                self.portion.answers.append(line + b"\n")
        if self.portion is not None and self.portion.done:
            self.portion = None
        return bool(data)

    def stop(self) -> None:
        """Kill the process; what it had answered can still be heard."""
        self._process.kill()

    def end(self) -> int:
        """Let go of the process and return how it ended."""
        self.stop()
        self._asked.close()
        self._said.close()
        return self._process.wait()

    def bury(self) -> Portion | None:
        """Return what it leaves, the line it died of answered.

        Raises:
            InterlockError: it was never ready; then no line is to blame.
        """
        code, portion = self._process.wait(), self.portion
        self.end()
        if not self._ready:
            raise InterlockError(
                f"The process that classifies ended before it was ready ({code}).",
                help="Is everything installed? `pip install 'interlock-runbooks[gateway]'`.",
            )
        if portion is not None and not portion.done:
            line = portion.lines[len(portion.answers)]
            portion.answers.append(unknown(_why(code), id_of(line)))
        return portion


class Crew:
    """Up to so many workers, started when there is work for them."""

    def __init__(self, jobs: int, command: Sequence[str] = COMMAND) -> None:
        """Take how many, and what each runs; 0 is one for each core this process may use."""
        self._command = command
        self._jobs = jobs or len(os.sched_getaffinity(0))
        self._workers: list[Worker] = []
        self._under_way: deque[Portion] = deque()
        self._returned: deque[Portion] = deque()

    def answer(self, descriptor: int, out: TextIO) -> None:
        """Answer every line that the descriptor gives, in order, each as soon as it can be."""
        lines = Lines(descriptor)
        try:
            while not lines.ended or lines or self._under_way:
                self._hand_out(lines)
                for answered in self._in_order():
                    out.write(answered.decode())
                    out.flush()
                self._wait(lines)
        finally:
            for worker in self._workers:
                worker.end()

    def _hand_out(self, lines: Lines) -> None:
        """Give work to whoever has none."""
        while len(self._under_way) < _AHEAD * self._jobs or self._returned:
            worker = self._idle()
            if worker is None:
                return
            portion = self._returned.popleft() if self._returned else lines.take()
            if portion is None:
                return
            self._begin(worker, portion)

    def _begin(self, worker: Worker, portion: Portion) -> None:
        if portion not in self._under_way:
            self._under_way.append(portion)
        if not portion.done:
            worker.give(portion)

    def _idle(self) -> Worker | None:
        idle = next((worker for worker in self._workers if worker.portion is None), None)
        if idle is None and len(self._workers) < self._jobs:
            idle = Worker(self._command)
            self._workers.append(idle)
        return idle

    def _wait(self, lines: Lines) -> None:
        """Wait until something comes: lines, where more may be taken, or answers."""
        busy = [worker for worker in self._workers if worker.portion is not None]
        more = not lines.ended and len(lines) < _AHEAD * self._jobs
        asked: list[Worker | int] = [*busy, *([lines.descriptor] if more else [])]
        if not asked:
            return
        ready, _, _ = select.select(asked, [], [], _SILENT_S if busy else None)
        for worker in [] if ready else busy:
            worker.stop()
        for one in ready:
            if isinstance(one, Worker):
                self._hear(one)
            else:
                lines.read()

    def _hear(self, worker: Worker) -> None:
        if not worker.hear():
            self._workers.remove(worker)
            left = worker.bury()
            if left is not None and not left.done:
                self._returned.append(left)

    def _in_order(self) -> Iterator[bytes]:
        while self._under_way and self._under_way[0].done:
            yield b"".join(self._under_way.popleft().answers)


def _why(code: int) -> str:
    if code == -signal.SIGPROF:
        return f"Classifying it took more than {LINE_CPU_S:g} s of processor time."
    how = f"signal {-code}" if code < 0 else f"code {code}"
    return f"The process that classified it ended ({how})."
