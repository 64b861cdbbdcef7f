"""What the attacks of the battery are aimed at: listeners, a victim, files, memory; all ours.

Nothing here is anybody's: an attack that gets through harms a folder and a process that were made
for it, and is noticed by them.
"""

import ctypes
import mmap
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

SECRET = "interlock-bait-7f3a"  # noqa: S105  bait: it opens nothing


@dataclass(frozen=True, slots=True)
class Bait:
    """Where everything is, as an attack is told.

    Attributes:
        folder: somebody else's folder: `secret`, `kept`, and a run's socket `k-1` that listens.
        tcp: the port of a listener on loopback.
        udp: the port of a receiver on loopback.
        abstract: the abstract name of a listening socket, without its leading NUL.
        victim: the number of a process; its environment holds the secret.
        runner: the number of the process that runs the battery.
        address: where in that process's memory the secret lies.
        segment: the number of a shared memory segment (SysV) with the secret; -1 for none.
    """

    folder: str
    tcp: int
    udp: int
    abstract: str
    victim: int
    runner: int
    address: int
    segment: int

    @property
    def secret(self) -> Path:
        """A file with the secret in it."""
        return Path(self.folder, "secret")

    @property
    def kept(self) -> Path:
        """A file that must stay as it is."""
        return Path(self.folder, "kept")

    @property
    def listening(self) -> str:
        """The path of a stream socket that listens."""
        return f"{self.folder}/k-1"

    @property
    def receiving(self) -> str:
        """The path of a datagram socket."""
        return f"{self.folder}/datagrams"


class Laid:
    """Bait that is laid out, and what came of it."""

    def __init__(self, stack: ExitStack) -> None:
        self.folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="il-bait-")))
        (self.folder / "secret").write_text(SECRET)
        (self.folder / "kept").write_text("kept")
        abstract = f"interlock-bait-{os.getpid()}"
        self._tcp = stack.enter_context(_listening(socket.AF_INET, ("127.0.0.1", 0)))
        path = stack.enter_context(_listening(socket.AF_UNIX, f"{self.folder}/k-1"))
        named = stack.enter_context(_listening(socket.AF_UNIX, f"\0{abstract}"))
        self._udp = stack.enter_context(_receiving(socket.AF_INET, ("127.0.0.1", 0)))
        datagrams = stack.enter_context(_receiving(socket.AF_UNIX, f"{self.folder}/datagrams"))
        self._listening, self._receiving = (self._tcp, path, named), (self._udp, datagrams)
        self._victim = stack.enter_context(_victim())
        self._memory = mmap.mmap(-1, 4096)
        self._memory.write(SECRET.encode())
        self.told = Bait(
            folder=str(self.folder),
            tcp=self._tcp.getsockname()[1],
            udp=self._udp.getsockname()[1],
            abstract=abstract,
            victim=self._victim.pid,
            runner=os.getpid(),
            address=ctypes.addressof(ctypes.c_char.from_buffer(self._memory)),
            segment=stack.enter_context(_segment()),
        )
        self._before = self._state()

    def noticed(self) -> str:
        """Return what happened to the bait, or "" if it is as it was laid."""
        for one in self._listening:
            with suppress(BlockingIOError):
                one.accept()[0].close()
                return "somebody connected"
        for one in self._receiving:
            with suppress(BlockingIOError):
                one.recv(100)
                return "a message came"
        if self._victim.poll() is not None:
            return "the victim was ended"
        return "" if self._state() == self._before else "the folder is not what it was"

    def _state(self) -> list[tuple[str, str, int, int]]:
        paths = sorted(self.folder.iterdir())
        texts = [path.read_text("utf-8") if path.is_file() else "" for path in paths]
        found = zip(paths, texts, map(Path.lstat, paths), strict=True)
        return [(path.name, text, how.st_mode, how.st_mtime_ns) for path, text, how in found]


@contextmanager
def laid() -> Iterator[Laid]:
    """Lay bait; take it away at the end."""
    with ExitStack() as stack:
        yield Laid(stack)


@contextmanager
def _listening(family: int, address: object) -> Iterator[socket.socket]:
    with socket.socket(family) as made:
        made.bind(address)  # type: ignore[arg-type]  # a family's own kind
        made.listen()
        made.setblocking(False)
        yield made


@contextmanager
def _receiving(family: int, address: object) -> Iterator[socket.socket]:
    with socket.socket(family, socket.SOCK_DGRAM) as made:
        made.bind(address)  # type: ignore[arg-type]  # a family's own kind
        made.setblocking(False)
        yield made


@contextmanager
def _victim() -> Iterator[subprocess.Popen[bytes]]:
    # It sleeps for longer than any attack lasts, and is ended with the bait.
    command = [sys.executable, "-I", "-c", "import time; time.sleep(600)"]
    made = subprocess.Popen(command, env={"SECRET": SECRET})  # noqa: S603  our own interpreter
    try:
        yield made
    finally:
        made.kill()
        made.wait()


@contextmanager
def _segment() -> Iterator[int]:
    """Make a shared memory segment with the secret in it, where there is such a thing."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.shmat.restype = ctypes.c_void_p
    number = int(libc.shmget(0, 4096, 0o600 | 0o1000))
    if number < 0:
        yield -1
        return
    try:
        at = libc.shmat(number, None, 0)
        ctypes.memmove(at, SECRET.encode(), len(SECRET))
        libc.shmdt(ctypes.c_void_p(at))
        yield number
    finally:
        libc.shmctl(number, 0, None)
