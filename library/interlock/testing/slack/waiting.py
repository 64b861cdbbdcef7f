"""Waits in an event loop for what another thread, or the other side, does."""

import asyncio
from collections.abc import Callable

__all__ = ["until"]

_LOOK = 0.01  # seconds between two looks


async def until(true: Callable[[], bool], seconds: float = float("inf")) -> bool:
    """Wait for a condition; return whether it came true within `seconds`."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    while not true() and loop.time() < deadline:  # noqa: ASYNC110  other threads make it true
        await asyncio.sleep(_LOOK)
    return true()
