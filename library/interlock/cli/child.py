"""The gateway as a child process: started with its own log, stopped by its pid."""

import os
import subprocess
import sys
import time
from collections.abc import Mapping
from importlib import util
from pathlib import Path
from typing import TypeAlias

from interlock import client
from interlock.client import Client
from interlock.errors import InterlockError, Unavailable

Process: TypeAlias = "subprocess.Popen[bytes]"
"""The gateway, running."""

READY_S = 30.0
STOP_S = 10.0
TAIL = 12
"""Lines of the gateway's log that are shown when it does not start."""


def command(config: Path, *words: str) -> list[str]:
    """Return the command that runs the gateway's program with `config`.

    Raises:
        InterlockError: what the gateway needs is not installed.
    """
    missing = [name for name in ("interlock_gateway", "fastapi") if not util.find_spec(name)]
    if missing:
        raise InterlockError(
            f"The gateway needs more than the command line: {missing[0]} is not installed.",
            help="Run `pip install 'interlock-runbooks[run,gateway]'`.",
        )
    return [sys.executable, "-m", "interlock_gateway", "--config", str(config), *words]


def one_time_code(config: Path, person: str, name: str) -> str:
    """Ask the gateway's program for a fresh one-time code for a local person."""
    words = command(config, "code", person, "--name", name)
    done = subprocess.run(  # noqa: S603  our own command, no shell
        words, capture_output=True, text=True, check=False
    )
    if done.returncode or not done.stdout.strip():
        raise Unavailable(
            f"No one-time code for {person}: {_last(done.stderr or done.stdout)}",
            help=f"Look at {config}.",
        )
    return done.stdout.strip().splitlines()[-1]


def start(config: Path, log: Path, environ: Mapping[str, str] | None = None) -> Process:
    """Start the gateway in a session of its own, so that Ctrl-C reaches us first.

    Args:
        config: its settings.
        log: where its words go; made for its owner alone.
        environ: its environment variables; without them it inherits ours.
    """
    handle = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(handle, "ab") as file:
        return subprocess.Popen(  # noqa: S603  our own command, no shell
            command(config, "serve"),
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            env=environ,
            start_new_session=True,
        )


def stop(process: Process) -> None:
    """Stop the gateway by its pid: kindly, then by force; always reap it."""
    if process.poll() is None:
        process.terminate()
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def wait_until_up(process: Process, url: str, log: Path) -> None:
    """Wait until the gateway answers at `url`."""
    deadline = time.monotonic() + READY_S
    with Client(url) as gateway:
        while time.monotonic() < deadline:
            if process.poll() is not None:
                raise Unavailable(
                    f"The gateway ended by itself ({process.returncode}):\n{_tail(log)}",
                    help=f"Its whole log: {log}",
                )
            if answers(gateway):
                return
            time.sleep(0.05)
    raise Unavailable(f"The gateway did not answer within {READY_S:g} s.", help=f"See {log}.")


def answers(gateway: Client) -> bool:
    """Tell whether something that speaks like a gateway answers."""
    try:
        gateway.text(client.health())
    except InterlockError:
        return False
    return True


def _tail(log: Path) -> str:
    lines = log.read_text("utf-8", "replace").splitlines() if log.exists() else []
    return "\n".join(lines[-TAIL:]) or "it said nothing"


def _last(text: str) -> str:
    return (text.strip().splitlines() or ["it said nothing"])[-1]
