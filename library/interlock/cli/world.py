"""All that a verb touches besides the gateway: environment, terminal, clock, standard input."""

import asyncio
import os
import sys
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from shutil import get_terminal_size
from typing import TYPE_CHECKING, TextIO

from interlock.errors import UsageError

if TYPE_CHECKING:
    from interlock.client import AsyncClient, Client

STYLES = {"": "", "good": "32", "warn": "33", "bad": "31", "dim": "2", "strong": "1"}
"""The few colours there are; every one only repeats what a word or a mark says too."""


def _clock() -> datetime:
    return datetime.now(UTC)  # noqa: TID251  the command line's one clock; tests replace it


def _client(url: str, token: str) -> "Client":
    from interlock.client import Client  # noqa: PLC0415  httpx, which --help does without

    return Client(url, token)


def _async_client(url: str, token: str) -> "AsyncClient":
    from interlock.client import AsyncClient  # noqa: PLC0415  likewise

    return AsyncClient(url, token)


@dataclass(frozen=True, slots=True)
class World:
    """What is outside.

    Attributes:
        environ: environment variables.
        cwd: the folder that the command was given in.
        out: where results go.
        err: where refusals and hints go.
        interactive: a person sits there who can be asked.
        tables: results are for eyes, not for a pipe.
        colour: colours may be used.
        width: columns of the terminal.
        connect: opens a client for a URL and a credential.
        connect_async: likewise, for what runs beside other things.
        ask: asks a question and returns the answer.
        now: the time, with zone.
    """

    environ: Mapping[str, str]
    cwd: Path
    out: TextIO
    err: TextIO
    interactive: bool = False
    tables: bool = False
    colour: bool = False
    width: int = 80
    connect: "Callable[[str, str], Client]" = field(default=_client)
    connect_async: "Callable[[str, str], AsyncClient]" = field(default=_async_client)
    ask: Callable[[str], str] = field(default=input)
    now: Callable[[], datetime] = field(default=_clock)

    def say(self, text: str = "", style: str = "") -> None:
        """Print a line that has been made harmless already, where results go."""
        self.out.write(self.styled(text, style) + "\n")
        self.out.flush()

    def hint(self, text: str, style: str = "") -> None:
        """Print a line beside the results, so that a pipe does not swallow it."""
        self.err.write(self.styled(text, style) + "\n")
        self.err.flush()

    def styled(self, text: str, style: str) -> str:
        """Return `text` in one of `STYLES`, or as it is where there are no colours."""
        code = STYLES[style]
        return f"\x1b[{code}m{text}\x1b[0m" if code and self.colour else text

    def question(self, prompt: str, otherwise: str) -> str:
        """Ask a person; without one, refuse and say what to do instead.

        Raises:
            UsageError: nobody can be asked here.
        """
        if not self.interactive:
            raise UsageError("This asks a question, and there is no terminal.", help=otherwise)
        self.out.flush()
        try:
            return self.ask(prompt).strip()
        except EOFError:
            return ""

    async def question_beside(self, prompt: str, otherwise: str) -> str:
        """Ask as `question` does, while a run's kernel is watched and Ctrl-C still works."""
        if self.interactive and self.ask is input:
            self.out.write(prompt)
            self.out.flush()
            await _readable(sys.stdin.fileno())
            return sys.stdin.readline().strip()
        return self.question(prompt, otherwise)


async def _readable(descriptor: int) -> None:
    """Wait for a line on a terminal: one is readable only when it is whole (termios, ICANON)."""
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    loop.add_reader(descriptor, ready.set)
    try:
        await ready.wait()
    finally:
        loop.remove_reader(descriptor)


def real_world() -> World:
    """Return the process's own surroundings; output that cannot be encoded is escaped."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure:
            reconfigure(errors="backslashreplace")
    plain = "NO_COLOR" in os.environ or os.environ.get("TERM") == "dumb"
    return World(
        environ=os.environ,
        cwd=Path.cwd(),
        out=sys.stdout,
        err=sys.stderr,
        interactive=sys.stdin.isatty() and sys.stdout.isatty(),
        tables=sys.stdout.isatty(),
        colour=sys.stdout.isatty() and not plain,
        width=get_terminal_size().columns,
    )


WORLD: ContextVar[World] = ContextVar("WORLD")
"""Set once by `entry`: verbs are called by cyclopts, which can hand them nothing of ours."""


def here() -> World:
    """Return the world that the running verb lives in."""
    return WORLD.get()
