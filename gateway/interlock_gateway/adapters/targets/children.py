"""Child processes for files: one file each, so that none of them ever sees two."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from interlock_gateway.adapters.child import Child
from interlock_gateway.service.targets import TargetError

KEPT_S = 300.0
"""Seconds that a child is kept for the next call of its file; then it costs memory for nothing."""


@dataclass(slots=True)
class _File:
    """The children of one file, those that wait for a call; `turn` lets so many work."""

    turn: asyncio.Semaphore
    idle: list[tuple[Child, float]] = field(default_factory=list)  # and since when, by the clock


class Children:
    """Lends a child to one call at a time; one that broke or was left alone is replaced."""

    def __init__(self, command: tuple[str, ...], *, most: int) -> None:
        """Start nothing yet.

        Args:
            command: the module and its arguments.
            most: how many work on one file at once.
        """
        self._command = command
        self._most = most
        self._files: dict[str, _File] = {}

    @asynccontextmanager
    async def lent(self, path: str, name: str, seconds: float) -> AsyncIterator[Child]:
        """Lend a child for the file at `path`; whatever is raised in the block kills it.

        Args:
            path: the file.
            name: the target's, for messages.
            seconds: to wait for one that is free.

        Raises:
            TargetError: `target-unreachable`, when none is free in time.
        """
        file = self._files.setdefault(path, _File(asyncio.Semaphore(self._most)))
        try:
            async with asyncio.timeout(seconds):
                await file.turn.acquire()
        except TimeoutError as error:
            raise TargetError(
                "target-unreachable",
                f"Target {name} is busy with {self._most} other calls. Try again.",
            ) from error
        try:
            child = await self._taken(file)
            try:
                yield child
            except BaseException:
                await child.end()
                raise
            if child.alive:
                file.idle.append((child, time.monotonic()))
        finally:
            file.turn.release()
        await self._let_go()

    async def aclose(self) -> None:
        """End every child that is idle; one that works ends with its call."""
        for file in self._files.values():
            while file.idle:
                await file.idle.pop()[0].end()

    async def _taken(self, file: _File) -> Child:
        """Return the child used last that is still there, or a new one."""
        while file.idle:
            child, _ = file.idle.pop()
            if child.alive:
                return child
            await child.end()
        return Child(*self._command)

    async def _let_go(self) -> None:
        """End the children, of any file, that nobody has needed for long."""
        since = time.monotonic() - KEPT_S
        for file in self._files.values():
            while file.idle and file.idle[0][1] < since:
                await file.idle.pop(0)[0].end()
