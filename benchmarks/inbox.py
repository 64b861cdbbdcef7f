"""A thousand requests wait: how long the inbox and the command take, and how fast fifty vote."""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from itertools import islice
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import httpx
from figure import Figure, Target, milliseconds, percentile
from served import database
from support.counting import BUMP, Counters, wish
from support.desk import logged_in
from support.house import RunAt, Someone
from support.people import logged_in as person_in
from support.processes import Command, Gateway, Home, gateway_of

_VOTERS = 50
_WAITING = 1_000
_A_RUN = 50
"""Requests of one run."""

_AT_ONCE = 8
"""Runs that ask at once while requests are made ready."""


def figures(*, smoke: bool) -> list[Figure]:
    """Measure on the real gateway with an embedded store."""
    voters, waiting = (5, 2 * _A_RUN) if smoke else (_VOTERS, _WAITING)
    with TemporaryDirectory(prefix="interlock-bench-") as folder, database() as made:
        home = Counters(made).home(Path(folder, "home"))
        _dbas(home, voters)
        with gateway_of(home, Command()) as started:
            return asyncio.run(_measured(started, Path(folder), voters, waiting))


def _dbas(home: Home, voters: int) -> None:
    lines = [f"g, voter-{number}, dba\n" for number in range(voters)]
    with (home.folder / "policies" / "roles.csv").open("a") as roles:
        roles.writelines(lines)


async def _measured(gateway: Gateway, folder: Path, voters: int, waiting: int) -> list[Figure]:
    desk = logged_in(folder, gateway, "approver")
    async with AsyncExitStack() as stack:
        limits = httpx.Limits(max_connections=voters, max_keepalive_connections=voters)
        client = httpx.AsyncClient(base_url=gateway.home.url, timeout=120, limits=limits)
        http = await stack.enter_async_context(client)
        people = [await person_in(http, gateway.home.folder, f"voter-{n}") for n in range(voters)]
        approvals = await _asked(Someone(http, gateway.token("responder")), waiting)
        page = await _page(gateway)
        command = milliseconds(lambda: desk.done("approvals"))
        took, rate = await _voted(people, approvals)
    many = f"{waiting:,} waiting"
    return [
        Figure(f"inbox page, {many}", "ms", page, target=Target("value", 250)),
        Figure(f"interlock approvals, {many}", "ms", command, target=Target("value", 1_000)),
        Figure(f"votes of {voters} people", "/s", rate, better="more", target=Target("value", 50)),
        Figure("99 of 100 votes take at most", "ms", percentile(took, 99)),
    ]


async def _asked(responder: Someone, waiting: int) -> list[str]:
    """Let runs ask, and return what waits."""
    turn = asyncio.Semaphore(_AT_ONCE)
    runs = [_asks(responder, turn, first) for first in range(1, waiting, _A_RUN)]
    return [approval for found in await asyncio.gather(*runs) for approval in found]


async def _asks(responder: Someone, turn: asyncio.Semaphore, first: int) -> list[str]:
    async with turn:
        run = await responder.runs(await responder.declares(), "counting")
        attempt = await run.starts("bump", BUMP)
        return [await _one(run, first + n, attempt, n) for n in range(_A_RUN)]


async def _one(run: RunAt, counter: int, attempt: int, ordinal: int) -> str:
    body = {**wish(run, counter, attempt), "ordinal": ordinal}
    return str((await run.post("/v1/executions", body))["approval"]["id"])


async def _page(gateway: Gateway) -> float:
    """Return the milliseconds that the inbox takes an approver's browser."""
    async with httpx.AsyncClient(base_url=gateway.home.url, timeout=120) as browser:
        form = {"code": gateway.code("approver"), "next": "/approvals"}
        headers = {"Origin": gateway.home.url, "Sec-Fetch-Site": "same-origin"}
        assert (await browser.post("/login", data=form, headers=headers)).is_redirect
        taken = []
        for _ in range(6):
            began = perf_counter()
            assert "waiting for you" in (await browser.get("/approvals")).text
            taken.append((perf_counter() - began) * 1000)
    return median(taken[1:])


async def _voted(people: Sequence[Someone], approvals: Sequence[str]) -> tuple[list[float], float]:
    """Let everybody vote on their share at once; return each vote's time, and the rate."""
    seen = {one: await people[0].prompt(one) for one in approvals}
    shares = [list(islice(approvals, n, None, len(people))) for n in range(len(people))]
    began = perf_counter()
    taken = await asyncio.gather(
        *(_votes(who, share, seen) for who, share in zip(people, shares, strict=True))
    )
    rate = len(approvals) / (perf_counter() - began)
    return [one for share in taken for one in share], rate


async def _votes(who: Someone, share: Sequence[str], seen: dict[str, Any]) -> list[float]:
    taken = []
    for approval in share:
        began = perf_counter()
        body = {name: seen[approval][name] for name in ("proposal_digest", "prompt_digest")}
        given = await who.post(f"/v1/approvals/{approval}/votes", {**body, "vote": "approve"})
        taken.append((perf_counter() - began) * 1000)
        assert given["state"] == "approved", given
    return taken
