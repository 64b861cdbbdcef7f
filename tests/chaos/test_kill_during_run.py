"""kill -9 of the gateway while a responder runs the curated runbook against a real pile-up.

The runner outlives it: the run goes on where it was, and the blocker is ended exactly once.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AsyncExitStack
from typing import Any

import httpx
import pytest
from interlock import client
from interlock.client import AsyncClient, NewRun
from interlock.runbook import Runbook, Step, load
from interlock.runner import progress
from interlock.runner.run import run
from interlock.testing.lockpile import LockPile
from interlock.testing.postgres import Database
from support.house import Someone
from support.journal import assert_whole, journal
from support.processes import Gateway, Logins, Nursery, gateway_of, settled

pytestmark = [pytest.mark.postgres, pytest.mark.kernel, pytest.mark.heavy]

When = Callable[[progress.Progress], bool]
_MOMENTS: dict[str, When] = {
    "a step has begun": lambda told: isinstance(told, progress.StepStarted),
    "it waits for an approval": lambda told: isinstance(told, progress.Waiting),
    "it is about to use the grant": lambda told: isinstance(told, progress.Settled),
}


@pytest.fixture
def struck(
    births: Nursery, postgres_database: Database, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Gateway]:
    """A gateway in front of the database in which the sessions pile up."""
    logins = Logins(postgres_database.read, postgres_database.act)
    home = settled(tmp_path_factory.mktemp("home") / "home", {"orders": logins})
    with gateway_of(home, births) as started:
        yield started


@pytest.fixture
async def people(struck: Gateway) -> AsyncIterator[dict[str, Someone]]:
    """Who runs it, and who approves."""
    limits = httpx.Limits(max_keepalive_connections=0)
    async with httpx.AsyncClient(base_url=struck.home.url, timeout=30, limits=limits) as http:
        names = ("responder", "approver")
        yield {name: Someone(http, struck.token(name)) for name in names}


class Blow:
    """Kills the gateway when the run tells of one moment, once, and starts it again."""

    def __init__(self, gateway: Gateway, when: When) -> None:
        self._gateway = gateway
        self._when = when
        self.told: list[progress.Progress] = []
        self.healing: asyncio.Task[None] | None = None

    def __call__(self, told: progress.Progress) -> None:
        self.told.append(told)
        if self.healing is None and self._when(told):
            self._gateway.kill()
            self.healing = asyncio.create_task(asyncio.to_thread(self._gateway.start))


async def only_terminate(step: Step, _: object) -> progress.RunIt | progress.Skip:
    if step.id in {"decide", "still-blocking", "terminate", "verify"}:
        return progress.RunIt()
    return progress.Skip("the harder way is taken at once")


@pytest.mark.parametrize("moment", _MOMENTS)
async def test_the_run_goes_on_and_the_blocker_is_ended_once(
    struck: Gateway, people: dict[str, Someone], postgres_database: Database, moment: str
) -> None:
    responder, approver = people["responder"], people["approver"]
    incident = await responder.declares()
    blow = Blow(struck, _MOMENTS[moment])
    with LockPile(postgres_database.app) as pile:
        pile.wait_until_blocked()
        approving = asyncio.create_task(_approves(approver))
        result = await _run(struck, responder, incident, blow)
        await approving
        pile.wait_until_done()

    assert result.outcome == "completed", result
    assert {step: found.status for step, found in result.findings.items()}["verify"] == "ok"
    assert blow.healing is not None
    lines = journal(str(struck.home.store))
    assert_whole(lines)
    told = [line.what[0] for line in lines]
    assert told.count("action.started") == told.count("action.succeeded") == 1
    assert "Traceback" not in struck.said()


async def _approves(approver: Someone) -> None:
    """Approve the first request that comes, however often the gateway dies meanwhile."""
    for _ in range(1200):
        try:
            known = (await approver.get("/v1/approvals"))["approvals"]
            if known and known[0]["state"] != "pending":
                return  # it was counted, even where the answer was lost
            if known:
                await approver.vote(known[0]["id"])
        except httpx.TransportError:
            pass  # it is being killed; it comes back
        await asyncio.sleep(0.05)
    pytest.fail("Nobody asked for an approval.")


async def _run(
    gateway: Gateway, responder: Someone, incident: str, tell: progress.Tell
) -> progress.RunResult:
    async with AsyncExitStack() as stack:
        person = await stack.enter_async_context(AsyncClient(gateway.home.url, responder.token))
        book = load((await person.send(client.runbook("pg-lock-contention")))["notebook"])
        new = NewRun(incident, book.id, _PARAMS, {}, _RUNNER, digest=book.digest)
        granted = await person.send(client.start_run(new))
        sender = AsyncClient(gateway.home.url, granted["token"])
        broker = await stack.enter_async_context(sender)
        return await run(_work(book, granted, incident), broker, tell=tell, choose=only_terminate)


_PARAMS = {"min_block_s": 0}
_RUNNER = {"kind": "self-hosted", "host": "here", "confinement": "unconfined"}


def _work(book: Runbook, granted: Mapping[str, Any], incident: str) -> progress.Work:
    told = {"id": incident, "title": "Checkout stalls", "severity": "sev2"}
    name = f"{book.id}@{book.version}"
    return progress.Work(
        granted["run"]["id"], book.steps, name, told, granted["params"], "curated"
    )
