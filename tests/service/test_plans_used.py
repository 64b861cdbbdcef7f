"""Grants that a plan asked for: used by the same call, once, and by nothing that differs."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from typing import Any

import pytest
from interlock_gateway.service.records import ApprovalRow, VoteRow
from support.house import TERMINATE, House, RunAt, Someone, house
from support.plans import END, FEED, asks_for_plan, needs, plan_of, vote_on_plan

OTHER = {**TERMINATE, "pid": {"type": "integer", "value": 4712}}


@pytest.fixture
async def granted(run: RunAt, approver: Someone) -> RunAt:
    """A run whose plan of two is granted, and whose next step has begun."""
    await asks_for_plan(run)
    assert (await vote_on_plan(approver, "P-1")).json()["state"] == "approved"
    await run.starts("terminate")
    return run


async def asked(run: RunAt, **more: Any) -> tuple[str, str]:
    """Ask to end the session as the plan did, or otherwise; return the approval and its state."""
    approval = (await run.post("/v1/actions", run.wishes(**more)))["approval"]
    return approval["id"], approval["state"]


async def test_the_same_calls_in_later_steps_use_the_grants_each_once(
    home: House, granted: RunAt, incident: str
) -> None:
    assert await asked(granted) == ("A-1", "approved")
    assert (await granted.post("/v1/approvals/A-1/execute"))["state"] == "succeeded"
    await granted.starts("requeue")
    taken = await granted.post("/v1/executions", granted.mutates())
    assert (taken["approval"]["id"], taken["approval"]["state"]) == ("A-2", "approved")
    assert (await granted.post("/v1/approvals/A-2/execute"))["state"] == "succeeded"
    assert len(home.target.deeds) == 2
    told = [e["data"] for e in await home.timeline(incident) if e["type"] == "approval.taken_up"]
    assert [(one["approval"], one["step"]) for one in told] == [
        ("A-1", "terminate"),
        ("A-2", "requeue"),
    ]


async def test_they_are_used_in_any_order_and_in_the_step_of_the_plan(
    home: House, run: RunAt, approver: Someone
) -> None:
    await asks_for_plan(run)
    await vote_on_plan(approver, "P-1")
    body = {**run.mutates(), **run.place("pool", 1)}
    assert (await run.post("/v1/executions", body))["approval"]["id"] == "A-2"
    assert (await run.post("/v1/approvals/A-2/execute"))["state"] == "succeeded"
    assert await asked(run, step="pool", ordinal=2) == ("A-1", "approved")
    assert (await run.post("/v1/approvals/A-1/execute"))["state"] == "succeeded"
    assert len(home.target.deeds) == 2


async def test_a_grant_that_was_used_asks_again(home: House, granted: RunAt) -> None:
    await asked(granted)
    await granted.post("/v1/approvals/A-1/execute")
    home.clock.pass_time(seconds=6)  # its cooldown
    attempt = await granted.starts("terminate")
    again = granted.wishes() | granted.place("terminate", 0, attempt)
    approval = (await granted.post("/v1/actions", again))["approval"]
    assert (approval["id"], approval["state"]) == ("A-3", "pending")
    assert len(home.target.deeds) == 1


async def test_a_step_that_is_run_again_has_its_plan_again(
    home: House, granted: RunAt, approver: Someone, incident: str
) -> None:
    attempt = await granted.starts("pool")
    again = (await granted.post("/v1/plans", plan_of(granted, attempt=attempt)))["plan"]
    assert (again["id"], again["state"]) == ("P-1", "approved")
    body = plan_of(granted, attempt=attempt)
    assert (await granted.post("/v1/plans", body))["plan"]["id"] == "P-1"  # a retry, too
    assert len((await approver.get("/v1/approvals"))["approvals"]) == 2
    assert (await home.kinds(incident)).count("plan.requested") == 1


async def test_a_plan_of_which_something_differs_or_is_used_is_not_had_again(
    home: House, granted: RunAt
) -> None:
    attempt = await granted.starts("pool")
    other = plan_of(granted, FEED, END, attempt=attempt)
    assert await granted.refused("/v1/plans", other) == "idempotency-conflict"
    await granted.starts("terminate")
    body = granted.wishes() | granted.place("terminate", 0, 2)
    assert (await granted.post("/v1/actions", body))["approval"]["id"] == "A-1"
    await granted.post("/v1/approvals/A-1/execute")
    home.clock.pass_time(seconds=6)  # its cooldown
    attempt = await granted.starts("pool")
    again = plan_of(granted, attempt=attempt)
    problem = (await granted.call("POST", "/v1/plans", again)).json()
    assert problem["code"] == "idempotency-conflict"
    assert "A-2 asks for the same thing and is approved. It is part of P-1" in problem["detail"]


async def test_a_plan_whose_time_has_passed_is_asked_for_again(
    home: House, granted: RunAt
) -> None:
    home.clock.pass_time(minutes=5)
    attempt = await granted.starts("pool")
    again = (await granted.post("/v1/plans", plan_of(granted, attempt=attempt)))["plan"]
    assert (again["id"], again["state"]) == ("P-2", "pending")


@pytest.mark.parametrize("more", [{"args": OTHER}])
async def test_whatever_differs_asks_again(granted: RunAt, more: dict[str, Any]) -> None:
    assert await asked(granted, **more) == ("A-3", "pending")


async def test_fewer_rows_are_another_wish_and_the_planned_one_stands_in_its_way(
    home: House, granted: RunAt
) -> None:
    """It is the same change: while a grant for it lives, another one is not asked for."""
    await granted.starts("requeue")
    body = granted.mutates(max_rows=4)
    problem = (await granted.call("POST", "/v1/executions", body)).json()
    assert problem["code"] == "idempotency-conflict"
    assert "part of P-1; use it as planned, or withdraw it" in problem["detail"]
    assert home.target.deeds == []


async def test_another_reason_is_recorded_and_uses_the_grant(
    home: House, granted: RunAt, incident: str
) -> None:
    assert await asked(granted, reason="it still blocks") == ("A-1", "approved")
    assert (await granted.post("/v1/approvals/A-1/execute"))["state"] == "succeeded"
    (told,) = [e for e in await home.timeline(incident) if e["type"] == "approval.taken_up"]
    assert told["data"]["reason"]["size"] == len("it still blocks")


async def test_a_step_whose_text_does_not_say_it_is_refused(granted: RunAt) -> None:
    await granted.starts("requeue")
    body = granted.wishes(step="requeue")
    assert await granted.refused("/v1/actions", body) == "not-in-manifest"


async def test_no_step_no_use(granted: RunAt) -> None:
    body = granted.wishes() | granted.place("terminate", 0, 2)
    assert await granted.refused("/v1/actions", body) == "no-step-running"


async def test_another_run_asks_for_itself(
    home: House, granted: RunAt, responder: Someone, incident: str
) -> None:
    other = await responder.runs(incident, "small")
    await other.starts("terminate")
    assert await other.refused("/v1/actions", other.wishes()) == "idempotency-conflict"
    assert await other.refused("/v1/approvals/A-1/execute") == "run-token-mismatch"
    assert home.target.deeds == []
    await granted.starts("terminate")


async def test_a_grant_whose_time_has_passed_asks_again(home: House, granted: RunAt) -> None:
    home.clock.pass_time(minutes=5)
    assert await asked(granted) == ("A-3", "pending")
    assert (await granted.get("/v1/approvals/A-1"))["state"] == "expired"


async def test_a_call_before_the_vote_waits_for_the_plan(
    home: House, run: RunAt, approver: Someone
) -> None:
    await asks_for_plan(run)
    await run.starts("terminate")
    assert await asked(run) == ("A-1", "pending")
    assert await run.refused("/v1/approvals/A-1/execute") == "approval-not-granted"
    await vote_on_plan(approver, "P-1")
    assert (await run.post("/v1/approvals/A-1/execute"))["state"] == "succeeded"
    assert len(home.target.deeds) == 1


async def test_a_retried_call_gets_the_same_approval_and_then_its_outcome(
    home: House, granted: RunAt
) -> None:
    assert await asked(granted) == await asked(granted) == ("A-1", "approved")
    done = await granted.post("/v1/approvals/A-1/execute")
    again = (await granted.post("/v1/actions", granted.wishes()))["outcome"]
    assert (again["event"], again["replayed"]) == (done["event"], True)
    assert len(home.target.deeds) == 1


async def test_two_calls_that_took_up_one_grant_are_one_deed(home: House, granted: RunAt) -> None:
    await asked(granted)
    await asked(granted, ordinal=1)
    answers = await asyncio.gather(
        *(granted.call("POST", "/v1/approvals/A-1/execute", {}) for _ in range(5))
    )
    assert len(home.target.deeds) == 1
    assert {answer.status_code for answer in answers} <= {200, 409}


async def test_what_no_call_took_up_is_not_executed_after_its_step(
    home: House, granted: RunAt
) -> None:
    """The step that asked has ended: only a call of a running step may use what it asked for."""
    assert await granted.refused("/v1/approvals/A-2/execute") == "approval-invalidated"
    assert home.target.deeds == []


async def test_what_an_earlier_member_changed_is_seen_by_the_later_ones_check(
    home: House, granted: RunAt
) -> None:
    """Previews show the state before any of them ran; what is checked at the use still holds."""
    answer = home.target.answer
    home.target.answer = lambda statement: (
        answer(statement) if "backend_start" not in statement.text else _nobody(answer(statement))
    )
    await asked(granted)
    assert await granted.refused("/v1/approvals/A-1/execute") == "approval-invalidated"
    assert home.target.deeds == []


def _nobody(rows: Any) -> Any:
    return type(rows)(rows.columns, ())


async def test_votes_on_a_member_alone_are_worth_nothing(
    home: House, run: RunAt, approver: Someone
) -> None:
    """Whoever writes into the store past our code still voted on no plan."""
    await asks_for_plan(run)
    row = await home.store.read(lambda tx: tx.get(ApprovalRow, "A-1"))
    assert row is not None
    now = home.clock.now()
    forged = VoteRow("A-1", "approver", "approve", "", row.digest, "sha256:0", now)
    await home.store.commit(lambda tx: tx.add(forged))
    later = now.replace(year=now.year + 1)
    await home.store.commit(lambda tx: tx.change(row, state="approved", grant_expires_at=later))
    await run.starts("terminate")
    await asked(run)
    problem = (await run.call("POST", "/v1/approvals/A-1/execute", {})).json()
    assert problem["code"] == "approval-invalidated"
    assert "approver did not vote on P-1" in problem["detail"]
    assert home.target.deeds == []
    assert (await approver.prompt("A-2"))["state"] == "pending"


@pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    "changes",
    [
        ("SET place = 9 WHERE id = 'A-1'", "SET place = 1 WHERE id = 'A-2'"),
        ("SET plan = '', place = 0, wish = '' WHERE id = 'A-1'",),
        ("SET plan = '', place = 0, wish = '' WHERE id = 'A-2'",),
        ("SET digest = 'sha256:0' WHERE id = 'A-2'",),
        ("SET wish = 'sha256:0' WHERE id = 'A-1'",),
    ],
)
async def test_a_member_in_another_place_is_not_executed(
    home: House, granted: RunAt, changes: tuple[str, ...]
) -> None:
    """A hand in the store that also dropped our triggers."""
    await asked(granted)
    with closing(sqlite3.connect(home.folder / "store.db")) as store, store:
        store.execute("DROP TRIGGER approvals_keep_their_plan")
        for change in changes:
            store.execute(f"UPDATE approvals {change}")
    assert await granted.refused("/v1/approvals/A-1/execute") == "approval-invalidated"
    assert home.target.deeds == []


async def test_a_voter_who_lost_the_role_takes_the_grant_along(
    home: House, granted: RunAt
) -> None:
    roles = home.folder / "policies" / "roles.csv"
    roles.write_text(roles.read_text().replace("g, approver, dba", "g, approver, sre"))
    assert home.policies.reload() == ()
    await asked(granted)
    assert await granted.refused("/v1/approvals/A-1/execute") == "approval-invalidated"
    assert home.target.deeds == []


# --- at once ----------------------------------------------------------------------------------


async def test_two_votes_at_once_are_both_counted_and_grant_it_once(
    home: House, run: RunAt, approver: Someone, incident: str
) -> None:
    needs(home, one_dba="dba-and-commander", one_approver="dba-and-commander")
    await asks_for_plan(run)
    await approver.post(f"/v1/incidents/{incident}/take")
    await _voted_at_once([approver, await home.login("colleague")])
    kinds = await home.kinds(incident)
    assert (kinds.count("approval.voted"), kinds.count("approval.approved")) == (4, 2)


@pytest.fixture
async def beside(home: House, postgres_store: str) -> AsyncIterator[House]:
    """A second gateway over the same PostgreSQL store and the same folder."""
    async with house(home.folder, postgres_store, home.clock) as opened:
        yield opened


@pytest.mark.postgres
@pytest.mark.parametrize("store_url", ["postgresql"], indirect=True)
async def test_two_votes_at_two_gateways_grant_it_once(
    home: House, beside: House, run: RunAt, approver: Someone, incident: str
) -> None:
    needs(home, one_dba="dba-and-commander", one_approver="dba-and-commander")
    assert beside.policies.reload() == ()
    await asks_for_plan(run)
    await approver.post(f"/v1/incidents/{incident}/take")
    await _voted_at_once([approver, await beside.login("colleague")])
    kinds = await home.kinds(incident)
    assert (kinds.count("approval.voted"), kinds.count("approval.approved")) == (4, 2)


async def _voted_at_once(people: list[Someone]) -> None:
    """Let all of them vote at one moment, and again whoever was told of a conflict."""
    await asyncio.gather(*(vote_on_plan(person, "P-1") for person in people))
    plan = await people[0].get("/v1/plans/P-1")
    for person in people if plan["state"] == "pending" else ():
        await vote_on_plan(person, "P-1")
    assert (await people[0].get("/v1/plans/P-1"))["state"] == "approved"
