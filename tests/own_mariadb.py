"""A MariaDB of a test's own: for tests that may crash it, and where no other one listens."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
from mariadb_server import Server

_START_SECONDS = 120.0  # after a crash, on a busy machine
_DYING_SECONDS = 1.0  # between its last connection's end and its own
_SETTINGS = (
    "--bind-address=127.0.0.1",
    "--skip-name-resolve",
    "--innodb-buffer-pool-size=32M",
    "--innodb-flush-log-at-trx-commit=0",  # throw-away: after a power cut there is nothing to save
    "--innodb-doublewrite=0",
    "--performance-schema=off",
    "--skip-core-file",
)
_LAST_WORDS = 20  # lines of the log in which a server that crashed names the statement
_DEBIAN = Path("/usr/sbin")  # not on everybody's PATH


class NoMariadb(RuntimeError):  # noqa: N818  a state of the machine, named as people read it
    """There are no binaries on this machine, or they do not run."""


@contextmanager
def own_mariadb() -> Iterator["OwnMariadb"]:
    """Start a server in a temporary folder; stop it and remove the folder in the end.

    Raises:
        NoMariadb: none is installed, or it does not start.
    """
    # The socket's path must be short, so pytest's own folders will not do.
    folder = Path(tempfile.mkdtemp(prefix="interlock-mariadb-"))
    own = OwnMariadb(folder)
    try:
        own.initialise()
        own.start()
        yield own
    finally:
        own.stop()
        shutil.rmtree(folder, ignore_errors=True)


class OwnMariadb:
    """A server that can be started again after a crash.

    Attributes:
        server: where it listens; root needs no password, and only this machine gets in.
        crashes: how often it ended without being asked to.
    """

    def __init__(self, folder: Path) -> None:
        self.server = Server("127.0.0.1", _free_port(), "root", "")
        self.crashes = 0
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    def initialise(self) -> None:
        """Make the system tables."""
        done = subprocess.run(  # noqa: S603  our own command, no shell
            [
                _binary("mariadb-install-db"),
                *self._common(),
                "--auth-root-authentication-method=normal",
                "--skip-test-db",
            ],
            capture_output=True,
            check=False,
        )
        if done.returncode:
            raise NoMariadb(f"mariadb-install-db: {done.stderr.decode(errors='replace')[-2000:]}")

    def start(self) -> None:
        """Start the server; return when it takes connections."""
        settings = (*_SETTINGS, f"--port={self.server.port}", f"--socket={self._folder / 's'}")
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603  our own command, no shell
                [_binary("mariadbd"), *self._common(), *settings],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        deadline = time.monotonic() + _START_SECONDS
        while not _listens(self.server.port):
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise NoMariadb(f"MariaDB does not start. Its last words:\n{self._last_words()}")
            time.sleep(0.02)  # until it listens: a server tells nobody

    def mend(self) -> str:
        """Start the server again if it has crashed; return its last words, or "" if it lives.

        To be asked when a connection was lost: a server that crashes keeps its connections until
        it has printed everything and is as good as gone.
        """
        if self._process is None or self._lives(self._process):
            return ""
        words = self._last_words()
        self.crashes += 1
        self.start()
        return words or "it ended without a word"

    def _lives(self, process: "subprocess.Popen[bytes]") -> bool:
        """Tell whether it still runs after the moment that an ending process takes."""
        try:
            process.wait(_DYING_SECONDS if _listens(self.server.port) else _START_SECONDS)
        except subprocess.TimeoutExpired:
            return True
        return False

    def crash(self) -> None:
        """End the server as a defect of its own would."""
        if self._process:
            self._process.send_signal(signal.SIGSEGV)
            self._process.wait(_START_SECONDS)

    def stop(self) -> None:
        """Stop the server by its pid."""
        process, self._process = self._process, None
        if process and process.poll() is None:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _last_words(self) -> str:
        lines = self._since_start().splitlines()
        named = [line for line in lines if line.startswith("Query (")]
        return "\n".join(named or lines[-_LAST_WORDS:])

    def _since_start(self) -> str:
        written = self._log.read_text(errors="replace") if self._log.exists() else ""
        return written.rpartition("starting as process")[2]

    def _common(self) -> Sequence[str]:
        """Return what every command needs; root says that it means to be root."""
        who = ["--user=root"] if os.geteuid() == 0 else []
        return ["--no-defaults", *who, f"--datadir={self._folder / 'data'}"]

    @property
    def _log(self) -> Path:
        return self._folder / "log"


def own_server() -> AbstractContextManager[OwnMariadb]:
    """Return `own_mariadb()`; skip where MariaDB is not installed, and fail instead in CI."""
    try:
        _binary("mariadbd")
    except NoMariadb as missing:
        if os.environ.get("CI") == "true":
            pytest.fail(str(missing), pytrace=False)
        pytest.skip(str(missing))  # on a machine without MariaDB; in CI it fails above
    return own_mariadb()


def _binary(name: str) -> str:
    found = shutil.which(name) or shutil.which(name, path=str(_DEBIAN))
    if found is None:
        raise NoMariadb(f"No {name} found: on Debian, apt-get install mariadb-server.")
    return found


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
