"""Wakes those who wait for an approval: rung by this gateway, and by echoes of the others.

Whoever waits looks once a second anyway, so that an echo that is lost costs that second.
"""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress

OUTBOX = "outbox"
"""The bell of whoever tells what is in the outbox; it rings whenever another one does."""


class Bell:
    """One bell per approval; `listen` before looking, so that no ring falls between."""

    def __init__(self) -> None:
        self._listeners: dict[str, set[asyncio.Event]] = defaultdict(set)
        self.silent = False

    @contextmanager
    def listen(self, name: str) -> Iterator[Callable[[float], Awaitable[None]]]:
        """Give a function that waits until `name` is rung, or for some seconds."""
        event = asyncio.Event()
        self._listeners[name].add(event)

        async def rung(seconds: float) -> None:
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await event.wait()

        try:
            yield rung
        finally:
            self._listeners[name].discard(event)
            if not self._listeners[name]:
                del self._listeners[name]

    def ring(self, name: str) -> None:
        """Wake everybody who listens for `name`."""
        for event in (*self._listeners.get(name, ()), *self._listeners.get(OUTBOX, ())):
            event.set()

    def silence(self) -> None:
        """Wake everybody, for good."""
        self.silent = True
        for name in list(self._listeners):
            self.ring(name)
