"""SIGTERM: what has begun is finished, recorded and answered; who only waits is sent away."""

import asyncio
import signal
import time
from collections.abc import AsyncIterator

import httpx
import pytest
from interlock.cli.child import STOP_S
from support.counting import Counters, approves, asks
from support.house import RunAt, Someone
from support.journal import assert_whole, journal
from support.processes import Gateway

pytestmark = [pytest.mark.postgres, pytest.mark.heavy]


@pytest.fixture
async def stopping(gateway: Gateway) -> AsyncIterator[Gateway]:
    """A gateway that is started again afterwards."""
    yield gateway
    if not gateway.pid:
        gateway.start()


async def test_an_execution_under_way_is_finished_recorded_and_answered(
    stopping: Gateway, responder: Someone, approver: Someone, counters: Counters, counter: int
) -> None:
    run = await responder.runs(await responder.declares(), "counting")
    approval = await asks(run, counter)
    await approves(approver, approval)
    with counters.hold(counter) as holder:
        answer = asyncio.create_task(run.post(f"/v1/approvals/{approval}/execute"))
        await asyncio.to_thread(counters.wait_for_waiters)
        stopping.signal(signal.SIGTERM)
        await asyncio.sleep(0.5)
        assert not answer.done()
        holder.rollback()
    assert (await answer)["state"] == "succeeded"
    assert stopping.ended() == 0
    lines = journal(str(stopping.home.store))
    assert_whole(lines)
    assert ("action.succeeded", approval) in {line.what for line in lines}
    assert counters.n(counter) == 1


async def test_an_execution_whose_caller_has_gone_is_finished_and_recorded(
    stopping: Gateway, responder: Someone, approver: Someone, counters: Counters, counter: int
) -> None:
    run = await responder.runs(await responder.declares(), "counting")
    approval = await asks(run, counter)
    await approves(approver, approval)
    with counters.hold(counter) as holder:
        caller = asyncio.create_task(run.post(f"/v1/approvals/{approval}/execute"))
        await asyncio.to_thread(counters.wait_for_waiters)
        caller.cancel()
        stopping.signal(signal.SIGTERM)
        await asyncio.sleep(0.5)
        holder.rollback()
    assert stopping.ended() == 0
    told = {line.what for line in journal(str(stopping.home.store))}
    assert ("action.succeeded", approval) in told
    assert counters.n(counter) == 1


async def test_whoever_only_waits_does_not_keep_it_from_stopping(
    stopping: Gateway, responder: Someone, counter: int
) -> None:
    """A runner waits for an approval and a person follows the timeline: neither holds it up."""
    incident = await responder.declares()
    run = await responder.runs(incident, "counting")
    approval = await asks(run, counter)
    waiting = asyncio.create_task(_waits(run, approval))
    following = asyncio.create_task(_follows(responder, incident))
    await asyncio.sleep(0.5)
    assert [one.done() for one in (waiting, following)] == [False, False]

    began = time.monotonic()
    assert await asyncio.to_thread(stopping.stop) == 0
    took = time.monotonic() - began

    assert took < STOP_S / 2, f"It took {took:.1f} s; `interlock up` kills it after {STOP_S} s."
    await asyncio.gather(waiting, following, return_exceptions=True)
    assert "Traceback" not in stopping.said()


async def _waits(run: RunAt, approval: str) -> httpx.Response:
    seen = await run.prompt(approval)
    return await run.call("GET", f"/v1/approvals/{approval}", wait=30, version=seen["version"])


async def _follows(person: Someone, incident: str) -> None:
    headers = {"Authorization": f"Bearer {person.token}"}
    path = f"/v1/incidents/{incident}/timeline/stream"
    async with person.http.stream("GET", path, headers=headers) as stream:
        async for _ in stream.aiter_lines():
            pass
