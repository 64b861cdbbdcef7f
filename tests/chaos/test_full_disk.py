"""A store that cannot be written: nothing runs, and what was under way is not called a success."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from support.counting import LOOK, Counters, approves, asks, question, until
from support.house import RunAt, Someone
from support.journal import assert_whole, journal
from support.processes import Gateway

pytestmark = [pytest.mark.postgres, pytest.mark.heavy]


@pytest.fixture
async def run(responder: Someone, gateway: Gateway) -> AsyncIterator[RunAt]:
    """A curated run of the counting runbook in a fresh incident."""
    yield await responder.runs(await responder.declares(), "counting")
    assert_whole(journal(str(gateway.home.store)))
    assert "Traceback" not in gateway.said()


async def test_a_query_that_cannot_be_recorded_is_not_asked(
    gateway: Gateway, run: RunAt, counters: Counters, counter: int
) -> None:
    await run.starts("look", LOOK)
    with gateway.on_a_full_disk(), counters.hold_all() as holder:
        # Were the target asked, the answer would not come before the table is free again.
        assert await run.refused("/v1/queries", question(run, counter)) == "store-unwritable"
        holder.rollback()
    assert (await run.post("/v1/queries", question(run, counter)))["rows"] == [[0]]


async def test_a_grant_that_cannot_be_recorded_as_used_is_not_used(
    gateway: Gateway, approver: Someone, run: RunAt, counters: Counters, counter: int
) -> None:
    approval = await asks(run, counter)
    await approves(approver, approval)
    with gateway.on_a_full_disk():
        assert await run.refused(f"/v1/approvals/{approval}/execute") == "store-unwritable"
    assert counters.n(counter) == 0
    assert (await run.post(f"/v1/approvals/{approval}/execute"))["state"] == "succeeded"
    assert counters.n(counter) == 1


async def test_a_deed_that_cannot_be_recorded_is_rolled_back(
    gateway: Gateway, approver: Someone, run: RunAt, counters: Counters, counter: int
) -> None:
    approval = await asks(run, counter)
    await approves(approver, approval)
    path = f"/v1/approvals/{approval}/execute"
    with counters.hold(counter) as holder:
        code = asyncio.create_task(run.refused(path))
        await asyncio.to_thread(counters.wait_for_waiters)
        with gateway.on_a_full_disk():
            holder.rollback()
            assert await code == "store-unwritable"
            assert counters.n(counter) == 0
    await asyncio.to_thread(until, lambda: _told(gateway, "proven", approval), "it is proven")
    assert await run.refused(path) == "target-failed"
    assert counters.n(counter) == 0


async def test_a_deed_whose_outcome_cannot_be_recorded_is_proven_without_a_restart(
    gateway: Gateway, approver: Someone, run: RunAt, counters: Counters, counter: int
) -> None:
    approval = await asks(run, counter)
    await approves(approver, approval)
    path = f"/v1/approvals/{approval}/execute"
    with counters.hold_commits() as holder:
        code = asyncio.create_task(run.refused(path))
        await asyncio.to_thread(counters.wait_for_waiters)
        with gateway.on_a_full_disk():
            holder.rollback()
            assert await code == "outcome-unknown"
            assert counters.n(counter) == 1
    await asyncio.to_thread(until, lambda: _told(gateway, "proven", approval), "it is proven")
    assert _told(gateway, "outcome_unknown", approval)
    assert (await run.post(path))["state"] == "succeeded"
    assert counters.n(counter) == 1


def _told(gateway: Gateway, word: str, approval: str) -> bool:
    lines = journal(str(gateway.home.store))
    return (f"action.{word}", approval) in {line.what for line in lines}
