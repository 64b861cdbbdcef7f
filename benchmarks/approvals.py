"""How soon a waiting cell learns of a vote: from sending it to the answer of the long poll.

Once with everybody at one gateway, and once with the voter at another one over the same
PostgreSQL, where the vote has to be heard of.
"""

import asyncio
from contextlib import AsyncExitStack, ExitStack
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import httpx
from figure import Figure, Target
from served import database
from support.counting import Counters, asks
from support.house import RunAt, Someone
from support.processes import Command, Gateway, gateway_of

_LISTENING_S = 0.1
"""Long enough for the poll to have arrived before the vote is sent."""


def figures(*, smoke: bool) -> list[Figure]:
    """Measure on real gateways, with two people and a run."""
    times, target = 4 if smoke else 30, Target("value", 100)
    with ExitStack() as stack:
        made = stack.enter_context(database())
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="interlock-bench-")))
        home = Counters(made).home(folder / "home")
        alone = stack.enter_context(gateway_of(home, Command()))
        here = asyncio.run(_waits(alone, alone, times))
        shared = stack.enter_context(database()).app
        homes = [Counters(made).home(folder / "first", store_url=shared)]
        homes.append(homes[0].beside())
        first, second = (stack.enter_context(gateway_of(one, Command())) for one in homes)
        there = asyncio.run(_waits(first, second, times))
    return [
        Figure("vote until the cell has the grant", "ms", median(here), target=target),
        Figure("the same, voter at another gateway", "ms", median(there), target=target),
    ]


async def _waits(cell: Gateway, voter: Gateway, times: int) -> list[float]:
    """Let a run wait at one gateway, and somebody vote at another, or at the same."""
    async with AsyncExitStack() as stack:
        clients = [
            await stack.enter_async_context(httpx.AsyncClient(base_url=one.home.url, timeout=60))
            for one in (cell, voter)
        ]
        responder = Someone(clients[0], cell.token("responder"))
        approver = Someone(clients[1], voter.token("approver"))
        found = [await _once(responder, approver, one + 1) for one in range(times + 1)]
    return found[1:]


async def _once(responder: Someone, approver: Someone, counter: int) -> float:
    run = await responder.runs(await responder.declares(), "counting")
    approval = await asks(run, counter)
    seen = await approver.prompt(approval)
    path = f"/v1/approvals/{approval}"
    version = (await run.get(path))["version"]
    waiting = asyncio.create_task(_granted(run, path, version))
    await asyncio.sleep(_LISTENING_S)
    began = perf_counter()
    voting = asyncio.create_task(approver.post(f"{path}/votes", _ballot(seen)))
    spent = await waiting - began
    await voting
    return spent * 1000


async def _granted(run: RunAt, path: str, version: int) -> float:
    """Return when the long poll says that it is approved."""
    told = await run.get(path, wait=30, version=version)
    assert told["state"] == "approved", told
    return perf_counter()


def _ballot(seen: dict[str, Any]) -> dict[str, str]:
    return {
        "vote": "approve",
        "proposal_digest": seen["proposal_digest"],
        "prompt_digest": seen["prompt_digest"],
        "reason": "it is measured",
    }
