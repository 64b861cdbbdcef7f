"""What runs in the kernel's process before the first cell: ipykernel, told to lose nothing.

What differs from a stock kernel: its output socket waits for a slow reader instead of dropping
messages (`XPUB_NODROP`); what is printed leaves in pieces and the printer waits for them, so that
neither a message nor a buffer grows large; what a thread prints belongs to the cell that started
the thread; and it opens no port, neither for debugpy nor for forked processes.
"""
# mypy: disable-error-code="no-untyped-call"
# ipykernel is not typed.

import os
import sys
from collections.abc import Iterator, Mapping
from contextvars import copy_context
from functools import partial
from pathlib import Path
from threading import Thread
from typing import Any

sys.modules.setdefault("debugpy", None)  # type: ignore[arg-type]  # ipykernel then leaves it out

import zmq  # noqa: E402  debugpy must be out of the way first
from ipykernel.iostream import IOPubThread, OutStream  # noqa: E402  likewise
from ipykernel.kernelapp import IPKernelApp  # noqa: E402  likewise
from traitlets.config import Config  # noqa: E402  likewise

from interlock.confine import CannotConfineError, Limits, Room, Rung, confine  # noqa: E402  likewise

PIECE = 64 * 1024
"""Characters in one message of printed text."""


BUFFERED = 4 * PIECE
"""Characters that a stream holds before the cell that prints has to wait."""


class PiecewiseStream(OutStream):
    """A standard stream that leaves in pieces of at most `PIECE` characters."""

    _unsent = 0

    def write(self, string: Any) -> int:
        """Write, and wait for the output channel whenever too much is buffered.

        A text that left in one go could deadlock ipykernel's output thread: it queues each message
        in a pipe that it reads itself and that holds about two thousand.
        """
        if not isinstance(string, str):
            super().write(string)  # raises in the usual words
        string = string.encode("utf-8", "backslashreplace").decode()  # half a surrogate pair
        for start in range(0, len(string), BUFFERED):
            part = string[start : start + BUFFERED]
            super().write(part)
            self._unsent += len(part)
            if self._unsent > BUFFERED:
                self._unsent = 0
                self.flush()
        return len(string)

    def _flush_buffers(self) -> Iterator[tuple[Any, str]]:
        for parent, text in super()._flush_buffers():
            for start in range(0, len(text), PIECE):
                yield parent, text[start : start + PIECE]


class KernelApp(IPKernelApp):
    """ipykernel with an output channel that loses nothing and listens nowhere else."""

    outstream_class = f"{__name__}.PiecewiseStream"

    def init_iopub(self, context: Any) -> None:
        """Open the output channel, as ipykernel does but with NODROP and without a pipe."""
        self.iopub_socket = context.socket(zmq.XPUB)
        self.iopub_socket.linger = 1000
        self.iopub_socket.setsockopt(zmq.XPUB_NODROP, 1)
        self.iopub_port = self._bind_socket(self.iopub_socket, self.iopub_port)
        self.configure_tornado_logger()
        self.iopub_thread = IOPubThread(self.iopub_socket, pipe=False, session=self.session)
        self.iopub_thread.start()
        self.iopub_socket = self.iopub_thread.background_socket


def inherit_context() -> None:
    """Let threads inherit the context that starts them, as ipykernel's streams rely on.

    Without it, what a thread prints is taken for output of whatever cell runs by then. Python
    3.14 can do this by itself (`thread_inherit_context`).
    """
    plain_start = Thread.start

    def start(thread: Thread) -> None:
        work = partial(copy_context().run, thread.run)
        thread.run = work  # type: ignore[method-assign]  # this one thread runs in its context
        plain_start(thread)

    setattr(Thread, "start", start)  # noqa: B010  a type checker would mind the assignment


def configuration() -> Config:
    """Return the kernel's configuration: no history, no start-up files, our magic."""
    config = Config()
    config.IPKernelApp.parent_handle = os.getppid()
    config.HistoryManager.enabled = False
    config.InteractiveShellApp.extensions = ["interlock.magics"]
    config.InteractiveShellApp.exec_PYTHONSTARTUP = False
    config.InteractiveShell.colors = "nocolor"
    config.InteractiveShell.enable_tip = False
    return config


def main(given: Mapping[str, Any]) -> None:
    """Confine this process, then serve until the runner ends it."""
    _make_profile()
    _confine(given)
    descriptor = int(os.environ["INTERLOCK_FD"])
    os.set_inheritable(descriptor, False)
    app = KernelApp.instance(config=configuration())
    app.initialize(sys.argv[1:])
    inherit_context()
    app.start()


def _make_profile() -> None:
    """Leave IPython nothing to copy: a copy takes its mode along, which no kernel may change."""
    startup = Path("~/.ipython/profile_default/startup").expanduser()
    startup.mkdir(parents=True)
    (startup / "README").touch()


def _confine(given: Mapping[str, Any]) -> None:
    """Go to the rung that the runner wants, and say so where no cell can write."""
    rung = Rung(given["rung"])
    room = {part: [Path(place) for place in places] for part, places in given["room"].items()}
    with Path(given["reached"]).open("w", encoding="utf-8") as reached:
        try:
            confine(rung, Room(**room), Limits())
        except CannotConfineError as error:
            sys.exit(str(error))
        reached.write(rung.word)
