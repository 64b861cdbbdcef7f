"""Start a kernel in a process of its own, notice when it dies or freezes, and end it.

The kernel gets an environment built from an allow-list, a scratch folder as home and working
folder, one inherited socket, a session and process group of its own, and Unix sockets for the
Jupyter protocol. Before its first cell it confines itself, as far as this machine can; that it
has done so is seen from here, not believed.
"""

import asyncio
import json
import os
import secrets
import signal
import socket
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from interlock.confine import Rung
from interlock.confine.launch import command
from interlock.errors import Unavailable
from interlock.session import DESCRIPTOR

KEPT = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ")
"""What a kernel inherits of the runner's environment; everything else stays outside."""

CHANNELS = {"shell": 1, "iopub": 2, "stdin": 3, "control": 4, "hb": 5}

_LAST_WORDS = 2_000
_MAIN = "interlock.runner.kernel_main"
_OWN, _SOCKETS = ("home", "work"), "sockets"
REACHED = "reached"
"""The file in which a kernel says how it is confined, where no cell can write."""


def environment(scratch: Path, descriptor: int, inherited: Mapping[str, str]) -> dict[str, str]:
    """Return everything that a kernel's environment holds."""
    kept = {name: inherited[name] for name in KEPT if name in inherited}
    own = {"HOME": scratch / "home", "TMPDIR": scratch / "work"}
    return {**kept, **{name: str(path) for name, path in own.items()}, DESCRIPTOR: str(descriptor)}


class Kernel:
    """A running kernel process.

    Arguments:
        rung: how far it is to be confined.

    Attributes:
        socket: the runner's end of the kernel's one socket.
        connection: what a Jupyter client needs to connect.
        exited: its result is the exit code, or minus the signal, as soon as the process ends.
    """

    def __init__(self, rung: Rung) -> None:
        self._rung = rung
        self.scratch = Path(tempfile.mkdtemp(prefix="interlock-"))
        self.socket, theirs = socket.socketpair()
        self.connection = _connection(self.scratch)
        self._process = self._start(theirs)
        theirs.close()
        self.exited: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._unwatch = _watch(self._process, self._ended)

    @property
    def pid(self) -> int:
        """The process id; also the id of its process group."""
        return self._process.pid

    def interrupt(self) -> None:
        """Send the kernel what ^C sends."""
        self._signal(signal.SIGINT)

    def end(self) -> None:
        """End the kernel and everything in its process group, at once."""
        self._signal(signal.SIGKILL)

    async def kill(self) -> None:
        """End the kernel and everything it started, and remove what it left."""
        self.end()
        await asyncio.wait([self.exited], timeout=5)
        self._unwatch()
        self.socket.close()
        await asyncio.to_thread(_remove, self.scratch)

    def last_words(self) -> str:
        """Return how it ended and the end of what it wrote outside the protocol."""
        code = self.exited.result() if self.exited.done() else None
        text = _end_of(self.scratch / "kernel.log").decode(errors="replace").strip()
        return _how(code) + (f" Its last words: {text}" if text else "")

    async def listening(self, within_s: float) -> None:
        """Wait until the kernel's sockets exist.

        Raises:
            Unavailable: it died or did not come up in time.
        """
        paths = [Path(f"{self.connection['ip']}-{port}") for port in CHANNELS.values()]
        loop = asyncio.get_running_loop()
        ends = loop.time() + within_s
        while not all(path.exists() for path in paths):
            if self.exited.done() or loop.time() > ends:
                raise Unavailable(
                    f"The kernel did not start. {self.last_words()}",
                    help="Is `ipykernel` installed? `pip install 'interlock-runbooks[run]'`.",
                )
            await asyncio.sleep(0.005)
        self._must_be_confined()

    def _must_be_confined(self) -> None:
        """Refuse a kernel that is not where it should be: no cell ran in it yet.

        Raises:
            Unavailable: it is not.
        """
        told = (self.scratch / REACHED).read_text("utf-8")
        if told != self._rung.word or (self._rung and not _is_filtered(self.pid)):
            self.end()
            raise Unavailable(f"The kernel is not {self._rung.word}. {self.last_words()}")

    def _start(self, theirs: socket.socket) -> subprocess.Popen[bytes]:
        for folder in (*_OWN, _SOCKETS):
            (self.scratch / folder).mkdir(mode=0o700)
        file = self.scratch / "connection.json"
        file.touch(mode=0o600)
        file.write_text(json.dumps(self.connection))
        given = {
            "rung": int(self._rung),
            "room": {
                "own": [f"{self.scratch}/{folder}" for folder in _OWN],
                "sockets": [f"{self.scratch}/{_SOCKETS}"],
                "reading": [str(file)],
            },
            "reached": str(self.scratch / REACHED),
        }
        with (self.scratch / "kernel.log").open("wb") as log:
            return subprocess.Popen(  # noqa: S603  our own interpreter, no shell, fixed arguments
                [*command(_MAIN, given), "-f", str(file)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=log,
                pass_fds=(theirs.fileno(),),
                start_new_session=True,
                cwd=self.scratch / "work",
                env=environment(self.scratch, theirs.fileno(), os.environ),
            )

    def _signal(self, number: signal.Signals) -> None:
        if not self.exited.done():  # afterwards the number may belong to somebody else
            _signal_group(self.pid, number)

    def _ended(self, code: int) -> None:
        if not self.exited.done():
            self.exited.set_result(code)


def _end_of(file: Path) -> bytes:
    with file.open("rb") as log:
        log.seek(max(0, log.seek(0, os.SEEK_END) - _LAST_WORDS))
        return log.read()


def _remove(folder: Path) -> None:
    """Remove what a kernel left, however deep: Python's `rmtree` gives up after some hundred."""
    subprocess.run(["rm", "-rf", "--", folder], stderr=subprocess.DEVNULL, check=False)  # noqa: S603, S607  our own folder, the system's own rm


def _is_filtered(pid: int) -> bool:
    """Tell whether a process has a filter on its system calls, as Linux says."""
    status = Path(f"/proc/{pid}/status").read_text("ascii", "replace")
    lines = dict(line.split(":", 1) for line in status.splitlines() if ":" in line)
    return lines.get("Seccomp", "").strip() == "2" and lines.get("NoNewPrivs", "").strip() == "1"


def _signal_group(pid: int, number: signal.Signals) -> None:
    try:
        os.killpg(pid, number)
    except ProcessLookupError:
        return  # it is gone already, with everything it started


def _how(code: int | None) -> str:
    if code is None:
        return "It does not answer."
    if code < 0:
        return f"It was ended by {signal.Signals(-code).name}."
    return f"It ended itself with exit code {code}."


def _connection(scratch: Path) -> dict[str, Any]:
    ports = {f"{channel}_port": port for channel, port in CHANNELS.items()}
    return {
        "transport": "ipc",
        "ip": str(scratch / _SOCKETS / "k"),
        "key": secrets.token_hex(32),
        "signature_scheme": "hmac-sha256",
        **ports,
    }


def _watch(process: subprocess.Popen[bytes], ended: Callable[[int], None]) -> Callable[[], None]:
    """Call `ended` with the exit code as soon as `process` ends; return what stops watching."""
    loop = asyncio.get_running_loop()
    if not hasattr(os, "pidfd_open"):
        return _polling(process, ended)
    descriptor = os.pidfd_open(process.pid)

    def readable() -> None:
        stop()
        _signal_group(process.pid, signal.SIGKILL)  # its children, before the number is free
        ended(process.wait())

    def stop() -> None:
        nonlocal descriptor
        if descriptor >= 0:
            loop.remove_reader(descriptor)
            os.close(descriptor)
            descriptor = -1

    loop.add_reader(descriptor, readable)
    return stop


def _polling(process: subprocess.Popen[bytes], ended: Callable[[int], None]) -> Callable[[], None]:
    task = asyncio.create_task(_poll(process, ended))

    def stop() -> None:
        task.cancel()

    return stop


async def _poll(process: subprocess.Popen[bytes], ended: Callable[[int], None]) -> None:
    """Watch where the system has no pidfd."""
    while (code := process.poll()) is None:  # noqa: ASYNC110  without pidfd: nothing to await
        await asyncio.sleep(0.1)
    ended(code)
