"""A plan: several exact actions asked for, shown and decided as one, each used once."""

from typing import Any

import pytest
from interlock_gateway.service.records import ApprovalRow
from support.house import House, RunAt, Someone
from support.plans import END, FEED, asks_for_plan, plan_of, vote_on_plan


@pytest.fixture
async def plan(run: RunAt) -> dict[str, Any]:
    """A plan of two that waits."""
    return await asks_for_plan(run)


async def test_every_member_waits_as_an_approval_of_its_own(
    home: House, plan: dict[str, Any], approver: Someone, incident: str
) -> None:
    assert (plan["id"], plan["state"]) == ("P-1", "pending")
    assert [member["id"] for member in plan["members"]] == ["A-1", "A-2"]
    first, second = [await approver.prompt(name) for name in ("A-1", "A-2")]
    assert first["proposal_digest"] != second["proposal_digest"]
    assert [one["plan_place"] for one in (first, second)] == [1, 2]
    assert home.target.deeds == []
    kinds = await home.kinds(incident)
    assert kinds.count("action.requested") == kinds.count("approval.requested") == 2
    assert kinds.index("plan.requested") < kinds.index("approval.requested")


async def test_one_vote_grants_all_of_it(
    plan: dict[str, Any], approver: Someone, home: House, incident: str
) -> None:
    response = await vote_on_plan(approver, plan["id"])
    answer = response.json()
    assert answer["state"] == "approved", answer
    assert [member["state"] for member in answer["members"]] == ["approved", "approved"]
    voted = [e["data"] for e in await home.timeline(incident) if e["type"] == "approval.voted"]
    assert [one["approval"] for one in voted] == ["A-1", "A-2"]
    assert {one["plan_digest"] for one in voted} == {plan["plan_digest"]}


async def test_the_same_calls_use_the_grants_each_once(
    plan: dict[str, Any], approver: Someone, run: RunAt, home: House
) -> None:
    await vote_on_plan(approver, plan["id"])
    await run.starts("terminate")
    taken = await run.post("/v1/actions", run.wishes())
    assert (taken["approval"]["id"], taken["approval"]["state"]) == ("A-1", "approved")
    done = await run.post("/v1/approvals/A-1/execute")
    assert done["state"] == "succeeded"
    await run.starts("requeue")
    taken = await run.post("/v1/executions", run.mutates())
    assert taken["approval"]["id"] == "A-2"
    assert (await run.post("/v1/approvals/A-2/execute"))["state"] == "succeeded"
    assert len(home.target.deeds) == 2
    again = await run.post("/v1/actions", run.wishes(ordinal=1))
    assert again["approval"]["id"] == "A-3"
    assert again["approval"]["state"] == "pending"
