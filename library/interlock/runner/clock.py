"""Time for a run: the time of day that kernels are told, and deadlines that can stand still."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime


def time_of_day() -> datetime:
    """Return the time that is told to kernels and shown to people."""
    return datetime.now(UTC)  # noqa: TID251  the runner is where a kernel's clock comes from


class Deadline:
    """Calls `expire` once after `seconds`, not counting the time it is held.

    A step's time does not run while people decide: holding stops the clock, releasing starts it
    where it stood.
    """

    def __init__(self, seconds: float, expire: Callable[[], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._left = seconds
        self._expire = expire
        self._holds = 0
        self._timer: asyncio.TimerHandle | None = None
        self._run()

    def hold(self) -> None:
        """Stop the clock; holds nest."""
        self._holds += 1
        if self._timer is not None:
            self._left = max(0.0, self._timer.when() - self._loop.time())
            self.cancel()

    def release(self) -> None:
        """Let the clock run on where it stood."""
        self._holds -= 1
        if self._holds == 0:
            self._run()

    def cancel(self) -> None:
        """Never expire."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _run(self) -> None:
        self._timer = self._loop.call_later(self._left, self._expire)
