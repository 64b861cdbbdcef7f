"""kill -9 at every turn between a click in Slack and its end: no click is lost, none counts twice.

`INTERLOCK_KILL_STRIDE` walks through every so-many-th turn only.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from interlock.testing.slack import FakeSlack
from support.chat import until
from support.counting import Counters, asks
from support.dying import TURN
from support.house import RunAt, Someone
from support.journal import assert_whole, journal
from support.processes import Gateway, Home, Nursery
from support.slack_processes import connected, ended, in_slack, message_of

pytestmark = [pytest.mark.postgres, pytest.mark.heavy]

STRIDE = int(os.environ.get("INTERLOCK_KILL_STRIDE", "3"))
MOST_TURNS = 400


@pytest.fixture
def slack() -> Iterator[FakeSlack]:
    """A Slack that tells a click once more at once, and then no more."""
    with FakeSlack(retries=1) as running:
        yield running


@pytest.fixture
def home(counters: Counters, tmp_path: Path, slack: FakeSlack) -> Home:
    """A home on an embedded store, whose gateways speak to that Slack."""
    return in_slack(counters.home(tmp_path / "home"), slack)


@pytest.fixture
async def http(home: Home) -> AsyncIterator[httpx.AsyncClient]:
    """A client that keeps no connection, so that it never meets a dead one."""
    limits = httpx.Limits(max_keepalive_connections=0)
    async with httpx.AsyncClient(base_url=home.url, timeout=30, limits=limits) as client:
        yield client


async def test_a_click_survives_a_kill_at_every_turn(
    births: Nursery, home: Home, slack: FakeSlack, http: httpx.AsyncClient
) -> None:
    healthy = Gateway(home, births)
    healthy.start()
    tokens = {who: healthy.token(who) for who in ("responder", "approver")}
    run = await _begun(Someone(http, tokens["responder"]))
    healthy.stop()
    try:
        turn, reached = 0, False
        while not reached:
            assert turn < MOST_TURNS, "It never comes to its end."
            reached = await _round(births, home, slack, run, turn)
            turn += STRIDE
    finally:
        assert "Traceback" not in healthy.said()
    assert turn > 10 * STRIDE, "It was killed at too few turns for this to prove anything."
    lines = journal(str(home.store))
    assert_whole(lines)


async def _begun(responder: Someone) -> RunAt:
    return await responder.runs(await responder.declares(), "counting")


async def _round(births: Nursery, home: Home, slack: FakeSlack, run: RunAt, turn: int) -> bool:
    """Click once at a gateway that dies at `turn`; tell whether it ended before it died."""
    dies = Gateway(replace(home, env={**home.env, TURN: str(turn)}), births)
    dies.start()
    await until(lambda: connected(slack))
    approval = await asks(run, turn + 1)
    await until(lambda: message_of(slack, approval) is not None)
    delivery = slack.person("anna").presses(message_of(slack, approval), "approve")
    alive = await _dies(dies, slack, approval)
    healthy = Gateway(home, births)
    healthy.start()
    try:
        await until(lambda: connected(slack))
        await until(lambda: delivery.is_over)
        if not delivery.acked:  # Slack told anna that it did not work: she presses again
            slack.person("anna").presses(message_of(slack, approval), "approve", as_of=0)
        await until(lambda: ended(slack, approval))
        await _counted_once(slack, run, approval)
    finally:
        healthy.kill()
    return alive


async def _dies(gateway: Gateway, slack: FakeSlack, approval: str) -> bool:
    """Wait until it has died, or the message has come to its end before that."""
    for _ in range(1_000):
        if ended(slack, approval):
            break
        if _is_dead(gateway.pid):
            break
        await asyncio.sleep(0.01)
    alive = not _is_dead(gateway.pid)
    if alive:
        gateway.kill()
    else:
        gateway.ended()
    return alive


def _is_dead(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat").read_text()
    return stat.rpartition(")")[2].split()[0] == "Z"


async def _counted_once(slack: FakeSlack, run: RunAt, approval: str) -> None:
    shown = await run.get(f"/v1/approvals/{approval}")
    assert shown["state"] == "approved"
    assert [vote["person"] for vote in shown["votes"]] == ["approver"]
    said = [each for each in slack.channel("incidents").messages if each.thread]
    about = [each for each in said if each.thread == message_of(slack, approval).ts]
    assert len({each.shown for each in about}) == len(about) <= 1
