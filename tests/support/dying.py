"""A gateway that kills itself: at a given turn of its event loop after Slack told it something.

Between two turns of the loop a coroutine runs from one `await` to the next, so walking through
the turns walks through every point at which a task can be stopped.
"""

import asyncio
import os
import signal

import uvloop
from interlock_gateway.adapters.slack.socket import SlackSocket

TURN = "INTERLOCK_TEST_DIES_AT_TURN"
"""The variable that says at which turn, counted from 0."""


def install(turn: int) -> None:
    """Let this process end as a power cut ends it, at that turn after something was heard."""
    left = -1
    run, listen = asyncio.Handle._run, SlackSocket._listen  # noqa: SLF001  the loop has no hook for this

    def counted(handle: asyncio.Handle) -> None:
        nonlocal left
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        left -= left > 0
        run(handle)

    async def armed(*heard: object) -> None:
        nonlocal left
        left = turn if left < 0 else left
        await listen(*heard)  # type: ignore[arg-type]  # passed on as it came

    uvloop.new_event_loop = asyncio.SelectorEventLoop  # type: ignore[assignment]  # its turns cannot be counted
    asyncio.Handle._run = counted  # type: ignore[method-assign,assignment]  # noqa: SLF001  likewise
    SlackSocket._listen = armed  # type: ignore[method-assign,assignment]  # noqa: SLF001  likewise
