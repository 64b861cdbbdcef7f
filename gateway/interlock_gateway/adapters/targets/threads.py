"""Engines that block, beside the event loop, and stopped when nobody waits for them any more."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

from interlock_gateway.service.targets import TargetError

T = TypeVar("T")


async def in_thread(
    work: Callable[[], T], stop: Callable[[], None], *, patience: float | None, late: str
) -> T:
    """Run `work` in a thread; when cancelled, stop the engine and wait for it.

    Some functions keep an engine busy where it does not look whether it should go on. After
    `patience` seconds a read is given up and its thread ends by itself.

    Args:
        work: what blocks.
        stop: makes the engine give up, from another thread.
        patience: seconds to wait at most, or None for as long as it takes.
        late: what to say when the patience ends.

    Raises:
        TargetError: `target-timeout`, or whatever `work` raises.
    """
    task = asyncio.ensure_future(asyncio.to_thread(work))
    try:
        done, _ = await asyncio.wait([task], timeout=patience)
    except asyncio.CancelledError:
        stop()
        await asyncio.wait([task])
        task.exception()  # looked at: nobody is left to tell
        raise
    if not done:
        stop()
        task.add_done_callback(asyncio.Task.exception)
        raise TargetError("target-timeout", late)
    return task.result()
