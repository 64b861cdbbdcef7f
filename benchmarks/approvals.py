"""How soon a waiting cell learns of a vote: from sending it to the answer of the long poll."""

import asyncio
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import httpx
from figure import Figure, Target
from served import database
from support.counting import Counters, asks
from support.house import Someone
from support.processes import Command, Gateway, gateway_of

_LISTENING_S = 0.1
"""Long enough for the poll to have arrived before the vote is sent."""


def figures(*, smoke: bool) -> list[Figure]:
    """Measure on the real gateway, with two people and a run."""
    with TemporaryDirectory(prefix="interlock-bench-") as folder, database() as made:
        home = Counters(made).home(Path(folder, "home"))
        with gateway_of(home, Command()) as started:
            found = asyncio.run(_waits(started, 4 if smoke else 30))
    target = Target("value", 100)
    return [Figure("vote until the cell has the grant", "ms", median(found), target=target)]


async def _waits(gateway: Gateway, times: int) -> list[float]:
    async with httpx.AsyncClient(base_url=gateway.home.url, timeout=60) as http:
        responder = Someone(http, gateway.token("responder"))
        approver = Someone(http, gateway.token("approver"))
        found = [await _once(responder, approver, one + 1) for one in range(times + 1)]
    return found[1:]


async def _once(responder: Someone, approver: Someone, counter: int) -> float:
    run = await responder.runs(await responder.declares(), "counting")
    approval = await asks(run, counter)
    seen = await approver.prompt(approval)
    path = f"/v1/approvals/{approval}"
    version = (await run.get(path))["version"]
    waiting = asyncio.create_task(run.get(path, wait=30, version=version))
    await asyncio.sleep(_LISTENING_S)
    began = perf_counter()
    voting = asyncio.create_task(approver.post(f"{path}/votes", _ballot(seen)))
    told = await waiting
    spent = perf_counter() - began
    await voting
    assert told["state"] == "approved", told
    return spent * 1000


def _ballot(seen: dict[str, Any]) -> dict[str, str]:
    return {
        "vote": "approve",
        "proposal_digest": seen["proposal_digest"],
        "prompt_digest": seen["prompt_digest"],
        "reason": "it is measured",
    }
