"""Processes of ours that do what must not break or hold up the gateway.

A child inherits no credential: an allow-list of variables, its three standard descriptors and
nothing else. `Child` talks to one in frames, eight bytes of length and then JSON; what a child
says is bounded by what was asked. `confined.py` is the other end.
"""

import asyncio
import json
import os
import signal
import struct
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

_INHERITED = ("PATH", "PYTHONPATH", "LANG", "LC_ALL", "HOME", "TMPDIR", "SQLITE_TMPDIR")
_ENDING_S = 0.2
_STARTING_S = 30.0  # on a machine that is busy with something else
_LONG = 1 << 20  # bytes of JSON that are read beside the event loop
_GREETING = 1 << 10
_LENGTH = struct.Struct(">Q")


class Ended(Exception):  # noqa: N818  says what happened to a process
    """The child ended, or said what nobody can read.

    Attributes:
        how: how, in a few words.
    """

    def __init__(self, how: str) -> None:
        super().__init__(how)
        self.how = how


async def started(module: str, *arguments: str, limit: int = 1 << 16) -> Process:
    """Start `python -m module arguments`.

    Args:
        module: one of ours.
        arguments: never a credential: whoever is on the machine can read them.
        limit: characters in one line of its output, for whoever reads lines.

    Raises:
        OSError: it cannot be started.
    """
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", module, *arguments),
        stdin=PIPE,
        stdout=PIPE,
        stderr=DEVNULL,
        limit=limit,
        env={name: os.environ[name] for name in _INHERITED if name in os.environ},
        start_new_session=True,  # Ctrl-C in a terminal is for the gateway
    )


async def ended(process: Process, patience_s: float = _ENDING_S) -> int:
    """Wait a moment for its end, or end it; return its exit code, or minus the signal."""
    with suppress(TimeoutError):  # it ended by itself, as a rule; killing it now would race
        async with asyncio.timeout(patience_s):
            return await process.wait()
    with suppress(ProcessLookupError):
        process.kill()
    return await process.wait()


class Child:
    """One process, started when it is first asked; whoever lost it makes another."""

    def __init__(self, module: str, *arguments: str) -> None:
        """Start nothing yet; see `started`."""
        self._command = (module, *arguments)
        self._process: Process | None = None

    @property
    def alive(self) -> bool:
        """Whether it has not ended, as far as is known."""
        process = self._process
        if process is None or process.stdout is None:
            return process is None
        return process.returncode is None and not process.stdout.at_eof()

    @property
    def is_started(self) -> bool:
        """Whether there is a process already."""
        return self._process is not None

    async def ready(self) -> None:
        """Start it, unless it is there, and wait until it says that it is confined.

        Raises:
            Ended: it cannot be started, or does not say so in time.
        """
        if self._process is not None:
            return
        try:
            self._process = await started(*self._command)
            async with asyncio.timeout(_STARTING_S):
                await self.hear(_GREETING)
        except (OSError, TimeoutError) as error:
            raise Ended("it cannot be started") from error

    async def tell(self, message: Mapping[str, Any]) -> None:
        """Send one message.

        Raises:
            Ended: nobody listens any more; what was sent may have been read.
        """
        body = json.dumps(message).encode()
        process = self._started()
        if process.stdin is None:
            raise Ended("it hung up")
        try:
            process.stdin.write(_LENGTH.pack(len(body)) + body)
            await process.stdin.drain()
        except OSError as error:
            raise Ended(await self._how()) from error

    async def hear(self, most: int) -> dict[str, Any]:
        """Return its next message.

        Args:
            most: bytes that it may say; nothing beyond is read.

        Raises:
            Ended: it ended before it had said all, or said more, or no JSON.
        """
        reader = self._started().stdout
        if reader is None:
            raise Ended("it hung up")
        try:
            (length,) = _LENGTH.unpack(await reader.readexactly(_LENGTH.size))
            if length > most:
                raise Ended(f"it said more than {most:,} bytes")
            body = await reader.readexactly(length)
            found = await asyncio.to_thread(json.loads, body) if length > _LONG else _read(body)
        except (asyncio.IncompleteReadError, OSError) as error:
            raise Ended(await self._how()) from error
        except (ValueError, RecursionError) as error:
            raise Ended("it said what is no JSON") from error
        if not isinstance(found, dict):
            raise Ended("it said what is no answer")
        return found

    def hang_up(self) -> None:
        """Close its input, which ends it when it has done what it does."""
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()

    async def end(self, patience_s: float = 0.0) -> None:
        """Hang up, wait, and kill it if it is still there; `alive` is False from then on."""
        if self._process is None:
            return
        self.hang_up()
        await ended(self._process, patience_s)

    def _started(self) -> Process:
        if self._process is None:
            raise Ended("it was never started")
        return self._process

    async def _how(self) -> str:
        """Return how it ended; what hung up without ending is ended."""
        code = await ended(self._started())
        if code >= 0:
            return f"it ended with code {code}"
        with suppress(ValueError):
            return f"it was ended by {signal.Signals(-code).name}"
        return f"it was ended by signal {-code}"


def _read(body: bytes) -> Any:
    return json.loads(body)
