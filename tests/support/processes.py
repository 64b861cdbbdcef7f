"""Real gateways, each a process of its own over a home of its own on a free loopback port.

`settled` makes a home, `gateway_of` starts a gateway over it; the gateway can be killed and
started again on the same home as often as a test likes. `Command` starts the real command each
time, `Nursery` forks from a process that has imported everything, which is ten times as fast.
"""

import json
import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, Self

import httpx

from support.house import ROOT

STARTS_WITHIN_S = 60.0
_AS_FAST_AS_IT_CAN = "{ at_once = 64, per_minute = 1_000_000 }"
_ASIDE = ("cases.toml", "matrix.txt", "targets.toml")


@dataclass(frozen=True, slots=True)
class Logins:
    """How a target is reached: connection strings or, for SQLite, paths; `act` may be ""."""

    read: str
    act: str = ""
    dialect: str = "postgres"
    tier: str = "production"

    @property
    def reached(self) -> list[str]:
        """The lines of targets.toml that say how; of what speaks HTTP on loopback, its URL."""
        if self.dialect in {"prometheus", "loki", "alertmanager"}:
            return [f'url = "{self.read}"', 'addresses = ["127.0.0.1/32"]']
        return []


@dataclass(frozen=True, slots=True)
class Home:
    """A gateway's folder: `port` is where it listens, `env` what it finds in its environment."""

    folder: Path
    port: int
    env: Mapping[str, str]

    @property
    def config(self) -> Path:
        """The settings file."""
        return self.folder / "interlock.toml"

    @property
    def log(self) -> Path:
        """Everything its gateways have said."""
        return self.folder / f"gateway-{self.port}.log"

    @property
    def store(self) -> Path:
        """The embedded store."""
        return self.folder / "state" / "interlock.db"

    @property
    def url(self) -> str:
        """Where its gateway answers."""
        return f"http://127.0.0.1:{self.port}"

    def beside(self) -> "Home":
        """Return the same home for a second gateway on a port of its own."""
        return Home(self.folder, port := free_port(), {**self.env, _PORT: str(port)})


_PORT = "INTERLOCK_GATEWAY_LISTEN__PORT"


def settled(
    folder: Path,
    targets: Mapping[str, Logins],
    *,
    store_url: str = "",
    rules: str = "",
    runbooks: Mapping[str, str] | None = None,
) -> Home:
    """Make a home with the shipped policies and runbooks.

    Args:
        folder: where; it is made.
        targets: name → how it is reached; credentials go through the environment.
        store_url: where everything is kept, if not in the embedded store.
        rules: text to stand before every line of `permissions.csv`.
        runbooks: id → notebook text, beside the shipped ones.
    """
    policies = folder / "policies"
    shutil.copytree(ROOT / "policies", policies, ignore=shutil.ignore_patterns(*_ASIDE))
    shutil.copytree(ROOT / "runbooks", folder / "runbooks")
    (policies / "targets.toml").write_text(_targets(targets))
    lines = policies / "permissions.csv"
    lines.write_text(rules + lines.read_text())
    for name, text in (runbooks or {}).items():
        (folder / "runbooks" / "postgres" / f"{name}.ipynb").write_text(text)
    port = free_port()
    store = f'\n[store]\nurl = "{store_url}"\n' if store_url else ""
    (folder / "interlock.toml").write_text(f"[listen]\nport = {port}\n{store}")
    return Home(folder, port, _environment(targets) | {_PORT: str(port)})


def _targets(targets: Mapping[str, Logins]) -> str:
    lines = ['tiers = ["production", "staging", "development"]']
    lines += [f"pace.{who} = {_AS_FAST_AS_IT_CAN}" for who in ("person", "run")]
    for name, logins in targets.items():
        lines += [f"[target.{name}]", f'dialect = "{logins.dialect}"', f'tier = "{logins.tier}"']
        lines += logins.reached or [f'read = "env:{name.upper()}_READ"']
        lines += ["limits = { seconds = 20 }", "pace = { per_minute = 1_000_000 }"]
        lines += [f'act = "env:{name.upper()}_ACT"'] if logins.act else []
    return "\n".join(lines) + "\n"


def _environment(targets: Mapping[str, Logins]) -> dict[str, str]:
    reads = {f"{name.upper()}_READ": logins.read for name, logins in targets.items()}
    return reads | {f"{name.upper()}_ACT": logins.act for name, logins in targets.items()}


class Births(Protocol):
    """Starts what `python -m interlock_gateway` starts."""

    def run(self, words: Sequence[str], log: Path, env: Mapping[str, str]) -> int:
        """Start it with these arguments and return its pid."""
        ...

    def wait(self, pid: int) -> int:
        """Wait until it has ended and return its exit code, or minus the signal."""
        ...


@dataclass(slots=True)
class Command:
    """Starts each gateway by the real command; `before` runs in the child before it starts."""

    before: Sequence[str] = ()
    _started: dict[int, "subprocess.Popen[bytes]"] = field(default_factory=dict)

    def run(self, words: Sequence[str], log: Path, env: Mapping[str, str]) -> int:
        """Start the command in a session of its own."""
        with log.open("ab") as file:
            process = subprocess.Popen(  # noqa: S603  our own command, no shell
                [*self.before, sys.executable, "-m", "interlock_gateway", *words],
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                env={**os.environ, **env},
                start_new_session=True,
            )
        self._started[process.pid] = process
        return process.pid

    def wait(self, pid: int) -> int:
        """Reap it."""
        return self._started.pop(pid).wait(STARTS_WITHIN_S)


class Nursery:
    """Forks gateways from one process that has imported everything: see `support.nursery`."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(  # noqa: S603  our own script, no shell
            [sys.executable, str(Path(__file__).with_name("nursery.py"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._hear()

    def run(self, words: Sequence[str], log: Path, env: Mapping[str, str]) -> int:
        """Fork one."""
        return self._ask({"run": list(words), "log": str(log), "env": dict(env)})

    def wait(self, pid: int) -> int:
        """Reap it."""
        return self._ask({"wait": pid})

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe:
                pipe.close()
        self._process.wait(10)

    def _ask(self, order: Mapping[str, object]) -> int:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return int(self._hear())

    def _hear(self) -> str:
        assert self._process.stdout is not None
        said = self._process.stdout.readline()
        assert said, "The nursery has ended; its words stand above."
        return said


@dataclass(slots=True)
class Gateway:
    """One gateway's process: started, killed, started again, on the same home."""

    home: Home
    births: Births
    pid: int = 0

    def start(self) -> None:
        """Start it and wait until it answers."""
        self.begin()
        self.wait_until_up()

    def wait_until_up(self) -> None:
        """Wait until it answers."""
        deadline = time.monotonic() + STARTS_WITHIN_S
        while not self._answers():
            assert time.monotonic() < deadline, f"It does not answer:\n{self.said()}"
            assert "cannot start" not in self.said(), self.said()
            time.sleep(0.02)  # it is asked again until it answers

    def begin(self) -> None:
        """Start it and wait for nothing."""
        assert not self.pid, "It is running."
        self.pid = self.births.run(["--config", str(self.home.config)], self.home.log, self._env)

    def kill(self) -> None:
        """End it at once and for certain, as a power cut does."""
        self.signal(signal.SIGKILL)
        assert self.ended() == -signal.SIGKILL

    def stop(self) -> int:
        """Ask it to stop and return its exit code."""
        self.signal(signal.SIGTERM)
        return self.ended()

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        os.kill(self.pid, number)

    def ended(self) -> int:
        """Wait until it has ended and return its exit code, or minus the signal."""
        pid, self.pid = self.pid, 0
        return self.births.wait(pid)

    @contextmanager
    def on_a_full_disk(self) -> Iterator[None]:
        """Let no file of its store grow."""
        kind, free = resource.RLIMIT_FSIZE, resource.RLIM_INFINITY
        sizes = [path.stat().st_size for path in self.home.store.parent.glob("interlock.db*")]
        resource.prlimit(self.pid, kind, (max(sizes), free))
        try:
            yield
        finally:
            resource.prlimit(self.pid, kind, (free, free))

    def said(self) -> str:
        """Return its log."""
        return self.home.log.read_text("utf-8", "replace") if self.home.log.exists() else ""

    def code(self, person: str) -> str:
        """Return a fresh one-time code, as the operator's command prints it."""
        paper = self.home.folder / f"code-{person}"
        paper.unlink(missing_ok=True)
        words = ["--config", str(self.home.config), "code", person]
        assert self.births.wait(self.births.run(words, paper, self._env)) == 0, paper.read_text()
        return next(line for line in paper.read_text().splitlines() if not line.startswith("For"))

    def token(self, person: str) -> str:
        """Log somebody in and return their key."""
        body = {"code": self.code(person)}
        answer = httpx.post(f"{self.home.url}/v1/login", json=body, timeout=30)
        assert answer.is_success, answer.text
        return str(answer.json()["token"])

    @property
    def _env(self) -> dict[str, str]:
        return dict(self.home.env)

    def _answers(self) -> bool:
        try:
            return httpx.get(f"{self.home.url}/healthz", timeout=5).is_success
        except httpx.TransportError:
            return False


@contextmanager
def gateway_of(home: Home, births: Births) -> Iterator[Gateway]:
    """Start a gateway over `home`; at the end it is gone, whatever happened."""
    gateway = Gateway(home, births)
    try:
        gateway.start()
        yield gateway
    finally:
        if gateway.pid:
            gateway.signal(signal.SIGKILL)
            gateway.ended()


def free_port() -> int:
    """Return a loopback port that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
