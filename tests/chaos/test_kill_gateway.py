"""kill -9 of the gateway at each named moment: nothing acknowledged is lost, nothing done twice.

A real process, a real store on disk, a real PostgreSQL; the target itself counts executions.
"""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from typing import Any

import httpx
import pytest
from support.counting import LOOK, Counters, approves, asks, question, until, wish
from support.house import RunAt, Someone
from support.journal import assert_whole, journal
from support.processes import Gateway

pytestmark = [pytest.mark.postgres, pytest.mark.heavy]


@pytest.fixture
async def run(responder: Someone) -> RunAt:
    """A curated run of the counting runbook in a fresh incident."""
    incident = await responder.declares()
    return await responder.runs(incident, "counting")


def killed(gateway: Gateway) -> set[tuple[str, str]]:
    """Kill it, start it again, and return what the journal tells, which must be whole."""
    gateway.kill()
    gateway.start()
    lines = journal(str(gateway.home.store))
    assert_whole(lines)
    return {line.what for line in lines}


async def can_be_seen(run: RunAt, who: Someone) -> None:
    shown = await who.get(f"/v1/runs/{run.id}")
    assert (shown["state"], shown["runbook"]) == ("active", "counting")
    incident = await who.get(f"/v1/incidents/{shown['incident']}")
    assert [one["id"] for one in incident["runs"]] == [run.id]
    page = await who.get(f"/v1/incidents/{shown['incident']}/timeline")
    assert "run.started" in {entry["event"]["type"] for entry in page["entries"]}


@asynccontextmanager
async def under_way(run: RunAt, path: str, body: object) -> AsyncIterator[None]:
    """Send a request whose answer never comes, because the gateway is killed in the block."""
    lost = asyncio.create_task(run.call("POST", path, body))
    yield
    with pytest.raises(httpx.TransportError):
        await lost


async def in_the_background(counters: Counters, waiters: int = 1) -> None:
    await asyncio.to_thread(counters.wait_for_waiters, waiters)


async def test_after_a_declaration(gateway: Gateway, responder: Someone) -> None:
    incident = await responder.declares()
    told = killed(gateway)
    assert ("incident.declared", incident) in told
    assert (await responder.get(f"/v1/incidents/{incident}"))["commander"] == "responder"


async def test_after_a_query_its_answer_is_the_recorded_one(
    gateway: Gateway, responder: Someone, approver: Someone, run: RunAt, counter: int
) -> None:
    await run.starts("look", LOOK)
    first = await run.post("/v1/queries", question(run, counter))

    told = killed(gateway)

    assert ("query.completed", first["call"]) in told
    again = await run.post("/v1/queries", question(run, counter))
    assert again == {**first, "replayed": True}
    await can_be_seen(run, responder)
    approval = await asks(run, counter)  # and the run goes on
    await approves(approver, approval)
    assert (await run.post(f"/v1/approvals/{approval}/execute"))["state"] == "succeeded"


async def test_during_a_query_it_is_asked_again(
    gateway: Gateway, responder: Someone, run: RunAt, counters: Counters, counter: int
) -> None:
    await run.starts("look", LOOK)
    with counters.hold_all() as holder:
        async with under_way(run, "/v1/queries", question(run, counter)):
            await in_the_background(counters)
            told = killed(gateway)
        holder.rollback()
    started = ("query.started", f"{run.id}/look/1/0")
    assert started in told  # the intent was durable before the target was touched
    assert (await run.post("/v1/queries", question(run, counter)))["rows"] == [[0]]
    await can_be_seen(run, responder)


async def test_after_a_request_the_approval_waits_and_works(
    gateway: Gateway, approver: Someone, run: RunAt, counters: Counters, counter: int
) -> None:
    approval = await asks(run, counter)
    seen = await approver.prompt(approval)

    told = killed(gateway)

    assert ("approval.requested", approval) in told
    again = await run.post("/v1/executions", wish(run, counter))
    assert again["approval"]["id"] == approval  # asking again at the same place is no new request
    now = await approver.prompt(approval)
    assert (now["proposal_digest"], now["prompt_digest"]) == (
        seen["proposal_digest"],
        seen["prompt_digest"],
    )
    await approves(approver, approval)
    assert (await run.post(f"/v1/approvals/{approval}/execute"))["state"] == "succeeded"
    assert counters.n(counter) == 1


async def test_after_a_vote_the_grant_works(
    gateway: Gateway, approver: Someone, run: RunAt, counters: Counters, counter: int
) -> None:
    approval = await asks(run, counter)
    await approves(approver, approval)

    told = killed(gateway)

    assert {("approval.voted", approval), ("approval.approved", approval)} <= told
    second = await approver.vote(approval)
    assert second.json()["code"] == "approval-decided"
    assert (await run.post(f"/v1/approvals/{approval}/execute"))["state"] == "succeeded"
    assert counters.n(counter) == 1


async def until_resolved(who: Someone, approval: str) -> None:
    """Wait until the gateway has found out by itself what became of a deed."""
    async with asyncio.timeout(30):
        while (await who.prompt(approval))["state"] != "resolved":  # noqa: ASYNC110  another process
            await asyncio.sleep(0.05)


def proven(gateway: Gateway) -> list[dict[str, Any]]:
    """Return the data of each outcome that was proven."""
    bodies = [line.body for line in journal(str(gateway.home.store))]
    return [body["data"] for body in bodies if body["type"] == "action.proven"]


async def test_during_an_execution_that_did_nothing_yet_it_is_proven_that_nothing_changed(
    gateway: Gateway,
    responder: Someone,
    approver: Someone,
    run: RunAt,
    counters: Counters,
    counter: int,
) -> None:
    approval = await asks(run, counter)
    await approves(approver, approval)
    with counters.hold(counter) as holder:
        async with under_way(run, f"/v1/approvals/{approval}/execute", {}):
            await in_the_background(counters)
            told = killed(gateway)
        holder.rollback()

    assert {("action.started", approval), ("action.outcome_unknown", approval)} <= told
    await until_resolved(approver, approval)  # it was never prepared, so never committed
    assert await run.refused(f"/v1/approvals/{approval}/execute") == "target-failed"
    assert counters.n(counter) == 0
    await can_be_seen(run, responder)
    second = await asks(run, counter)
    await approves(approver, second)
    assert (await run.post(f"/v1/approvals/{second}/execute"))["state"] == "succeeded"
    assert counters.n(counter) == 1


async def test_after_the_commit_and_before_its_record_it_is_proven_that_it_was_done(
    gateway: Gateway, approver: Someone, run: RunAt, counters: Counters, counter: int
) -> None:
    approval = await asks(run, counter)
    await approves(approver, approval)
    with closing(sqlite3.connect(gateway.home.store, isolation_level=None)) as store:
        with counters.hold_commits() as holder:
            async with under_way(run, f"/v1/approvals/{approval}/execute", {}):
                await in_the_background(counters)  # COMMIT was sent
                store.execute("BEGIN IMMEDIATE")  # from here on nothing can be recorded
                holder.rollback()
                await asyncio.to_thread(until, lambda: counters.n(counter) == 1, "it is done")
                gateway.kill()
        store.execute("ROLLBACK")
    gateway.start()

    lines = journal(str(gateway.home.store))
    assert_whole(lines)
    told = {line.what for line in lines}
    assert {("action.prepared", approval), ("action.outcome_unknown", approval)} <= told
    await until_resolved(approver, approval)
    assert proven(gateway)[-1]["outcome"] == "succeeded"
    for _ in range(3):
        answer = await run.post(f"/v1/approvals/{approval}/execute")
        assert (answer["state"], answer["affected"]) == ("succeeded", 1)
    assert counters.n(counter) == 1


@pytest.mark.parametrize("ended", [False, True], ids=["then it commits", "then it is ended"])
async def test_killed_while_the_commit_is_under_way_what_becomes_of_it_is_proven(
    gateway: Gateway,
    approver: Someone,
    run: RunAt,
    counters: Counters,
    counter: int,
    ended: bool,  # noqa: FBT001  a parameter of the test
) -> None:
    approval = await asks(run, counter)
    await approves(approver, approval)
    with counters.hold_commits() as holder:
        async with under_way(run, f"/v1/approvals/{approval}/execute", {}):
            await in_the_background(counters)
            killed(gateway)
        assert (await approver.prompt(approval))["state"] == "outcome_unknown"
        if ended:
            counters.end_action_sessions()
        holder.rollback()

    await until_resolved(approver, approval)
    assert proven(gateway)[-1]["outcome"] == ("failed" if ended else "succeeded")
    assert counters.n(counter) == (0 if ended else 1)


async def test_without_a_record_of_it_nothing_is_committed(
    gateway: Gateway, approver: Someone, run: RunAt, counters: Counters, counter: int
) -> None:
    """The store is full when the rows have changed: they are as they were, and it is said."""
    approval = await asks(run, counter)
    await approves(approver, approval)
    with closing(sqlite3.connect(gateway.home.store, isolation_level=None)) as store:
        with counters.hold(counter) as holder:
            using = asyncio.create_task(run.call("POST", f"/v1/approvals/{approval}/execute", {}))
            await in_the_background(counters)
            store.execute("BEGIN IMMEDIATE")
            holder.rollback()
            problem = (await using).json()
        store.execute("ROLLBACK")
    assert problem["code"] == "store-unwritable", problem
    assert counters.n(counter) == 0


async def test_right_after_an_execution_a_retry_gets_its_outcome(
    gateway: Gateway, approver: Someone, run: RunAt, counters: Counters, counter: int
) -> None:
    approval = await asks(run, counter)
    await approves(approver, approval)
    first = await run.post(f"/v1/approvals/{approval}/execute")

    told = killed(gateway)

    assert ("action.succeeded", approval) in told
    again = await run.post(f"/v1/approvals/{approval}/execute")
    assert again["replayed"]
    assert again["affected"] == first["affected"] == 1
    assert counters.n(counter) == 1


async def test_a_long_execution_is_not_taken_for_a_lost_one(
    approver: Someone, run: RunAt, counters: Counters, counter: int
) -> None:
    """The gateway looks every second for executions that nobody works on any more."""
    approval = await asks(run, counter)
    await approves(approver, approval)
    with counters.hold(counter) as holder:
        answer = asyncio.create_task(run.post(f"/v1/approvals/{approval}/execute"))
        await asyncio.sleep(2.5)
        assert (await approver.prompt(approval))["state"] == "executing"
        holder.rollback()
    assert (await answer)["state"] == "succeeded"
    assert counters.n(counter) == 1
