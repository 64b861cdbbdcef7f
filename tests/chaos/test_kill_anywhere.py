"""kill -9 of the gateway at random moments of one story, over and over on one store.

`INTERLOCK_KILL_ROUNDS` raises the number of rounds, `INTERLOCK_SEED` repeats the moments of an
earlier run, which are printed when a test fails.
"""

import asyncio
import os
import random
import secrets
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from support.counting import BUMP, LOOK, Counters, approves, question, wish
from support.house import RunAt, Someone
from support.journal import assert_whole, journal
from support.processes import Gateway, Nursery

pytestmark = [pytest.mark.postgres, pytest.mark.heavy]

ROUNDS = int(os.environ.get("INTERLOCK_KILL_ROUNDS", "24"))
PROMISES = 8
"""What one story is promised: a declaration, a run, a step, an answer, a request, …"""

LONGEST_REQUEST_S = 0.04


@pytest.fixture
def moments() -> random.Random:
    """Random moments, whose seed is printed."""
    seed = os.environ.get("INTERLOCK_SEED") or secrets.token_hex(4)
    print(f"INTERLOCK_SEED={seed}")  # noqa: T201  pytest shows it beside a failure
    return random.Random(seed)  # noqa: S311  moments, no secrets


@dataclass(slots=True)
class Story:
    """From the declaration to the deed; it can be told again from the start at any time.

    Attributes:
        acknowledged: what the gateway has said to be so, as (type, subject) of its event.
        succeeded: the deed was acknowledged.
        proven: what was said of a deed whose outcome was unknown, "" where there was none.
        goal, reached: `reached` is set once so much is acknowledged.
    """

    responder: Someone
    approver: Someone
    counter: int
    key: str = field(default_factory=lambda: secrets.token_hex(8))
    acknowledged: set[tuple[str, str]] = field(default_factory=set)
    goal: int = 0
    reached: asyncio.Event = field(default_factory=asyncio.Event)
    succeeded: bool = False
    proven: str = ""
    incident: str = ""

    async def tell(self) -> None:
        """Do everything that is not done yet."""
        run = await self._begins()
        approval = await self._known() or await self._asked(run)
        await self._decided(approval)
        await self._acted(run, approval)
        body = {"text": "done", "kind": "observation"}
        await self.responder.post(f"/v1/incidents/{self.incident}/notes", body)

    async def _begins(self) -> RunAt:
        body = {"title": "Checkout stalls", "severity": "sev2", "key": self.key}
        declared = str((await self.responder.post("/v1/incidents", body))["id"])
        assert self.incident in ("", declared), "The same key is the same incident."
        self.incident = declared
        self._heard("incident.declared", declared)
        run = await self.responder.runs(declared, "counting", key=self.key)
        self._heard("run.started", run.id)
        return run

    async def _known(self) -> dict[str, Any] | None:
        """Return the approval request of this story, if it was made before the gateway died.

        Its step runs on: starting another one would take the grant's ground away.
        """
        known = await self.responder.get("/v1/approvals", incident=self.incident)
        return next(iter(known["approvals"]), None)

    async def _looks(self, run: RunAt) -> None:
        attempt = await run.starts("look", LOOK)
        self._heard("step.started", f"{run.id}/look/{attempt}")
        body = {**question(run, self.counter), "attempt": attempt}
        self._heard("query.completed", (await run.post("/v1/queries", body))["call"])

    async def _asked(self, run: RunAt) -> dict[str, Any]:
        await self._looks(run)
        attempt = await run.starts("bump", BUMP)
        body = wish(run, self.counter, attempt)
        approval = (await run.post("/v1/executions", body))["approval"]
        self._heard("approval.requested", approval["id"])
        return dict(approval)

    async def _decided(self, approval: dict[str, Any]) -> None:
        if approval["state"] == "pending":
            await approves(self.approver, approval["id"])
            self._heard("approval.voted", approval["id"])
            self._heard("approval.approved", approval["id"])

    async def _acted(self, run: RunAt, approval: dict[str, Any]) -> None:
        path = f"/v1/approvals/{approval['id']}/execute"
        if approval["state"] in ("outcome_unknown", "resolved"):  # the gateway looks by itself
            answer = (await run.call("POST", path, {})).json()
            self.proven = str(answer.get("code") or answer["state"])
            assert self.proven in ("outcome-unknown", "target-failed", "succeeded")
            return
        assert (await run.post(path))["state"] == "succeeded"
        self._heard("action.succeeded", approval["id"])
        self.succeeded = True

    def _heard(self, kind: str, subject: str) -> None:
        self.acknowledged.add((kind, subject))
        if len(self.acknowledged) >= self.goal:
            self.reached.set()


async def test_a_killed_gateway_keeps_every_promise(
    gateway: Gateway,
    responder: Someone,
    approver: Someone,
    counters: Counters,
    moments: random.Random,
) -> None:
    for number in range(ROUNDS):
        counter = 101 + number
        story = Story(responder, approver, counter, goal=1 + number % PROMISES)
        moment = moments.uniform(0, LONGEST_REQUEST_S)
        await _interrupted(story, gateway, moment)
        print(f"{counter}: killed {moment:.4f} s after promise {story.goal}")  # noqa: T201  beside a failure
        _kept(story, gateway)
        done_before = counters.n(counter)
        assert done_before in {0, 1}
        assert done_before or not story.succeeded

        await story.tell()

        assert counters.n(counter) == (1 if story.succeeded else done_before)
        assert story.proven != "succeeded" or done_before == 1
        assert story.proven != "target-failed" or done_before == 0
        _kept(story, gateway)


async def _interrupted(story: Story, gateway: Gateway, after: float) -> None:
    """Kill the gateway some time after the story has reached its goal."""
    telling = asyncio.create_task(story.tell())
    async with asyncio.timeout(30):
        await story.reached.wait()
    await asyncio.wait([telling], timeout=after)
    gateway.kill()
    try:
        await telling
    except httpx.TransportError:
        pass  # this is what happens to callers of a gateway that dies
    finally:
        gateway.start()


def _kept(story: Story, gateway: Gateway) -> None:
    """What was acknowledged is in the journal, and the journal is whole."""
    lines = journal(str(gateway.home.store))
    assert_whole(lines)
    assert story.acknowledged <= {line.what for line in lines}
    assert "Traceback" not in gateway.said()


def test_killed_while_it_starts_it_starts_again(
    births: Nursery, counters: Counters, tmp_path: Path, moments: random.Random
) -> None:
    """The first start also makes the store and its tables, and the keys."""
    gateway = Gateway(counters.home(tmp_path / "home"), births)
    gateway.start()
    gateway.kill()
    for number in range(6):
        fresh = Gateway(counters.home(tmp_path / f"home-{number}"), births)
        fresh.begin()
        time.sleep(moments.uniform(0.01, 0.4))  # a moment of its start, drawn
        fresh.kill()
        fresh.start()
        assert fresh.token("responder")
        fresh.kill()
        assert_whole(journal(str(fresh.home.store)))
