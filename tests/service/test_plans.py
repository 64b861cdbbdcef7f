"""A plan: several exact actions asked for and decided as one."""

from typing import Any

import pytest
from interlock_gateway.core.model import Column, Rows
from interlock_gateway.service.records import ApprovalRow, OutboxRow
from support.house import TERMINATE, House, RunAt, Someone
from support.plans import END, FEED, asks_for_plan, needs, plan_of, vote_on_plan

OTHER = {**TERMINATE, "pid": {"type": "integer", "value": 4712}}


@pytest.fixture
async def plan(run: RunAt) -> dict[str, Any]:
    """A plan of two that waits."""
    return await asks_for_plan(run)


async def states(person: Someone) -> list[str]:
    """Return the state of each approval request, in the order in which they were asked for."""
    rows = (await person.get("/v1/approvals"))["approvals"]
    return [row["state"] for row in sorted(rows, key=lambda row: row["id"])]


async def refused(run: RunAt, *members: dict[str, Any]) -> tuple[str, str]:
    """Return the code and the words with which a plan is refused."""
    await run.starts("pool")
    problem = (await run.call("POST", "/v1/plans", plan_of(run, *members))).json()
    return problem["code"], problem["detail"]


# --- asking -----------------------------------------------------------------------------------


async def test_every_member_waits_as_an_approval_of_its_own(
    home: House, plan: dict[str, Any], approver: Someone, incident: str
) -> None:
    assert (plan["id"], plan["state"]) == ("P-1", "pending")
    assert [member["id"] for member in plan["members"]] == ["A-1", "A-2"]
    first, second = [await approver.prompt(name) for name in ("A-1", "A-2")]
    assert first["proposal_digest"] != second["proposal_digest"]
    assert [(one["plan"], one["plan_place"]) for one in (first, second)] == [
        ("P-1", 1),
        ("P-1", 2),
    ]
    assert home.target.deeds == []
    kinds = await home.kinds(incident)
    assert kinds.count("action.requested") == kinds.count("approval.requested") == 2
    assert kinds.index("plan.requested") < kinds.index("approval.requested")


async def test_a_member_without_a_reason_has_the_plans(plan: dict[str, Any]) -> None:
    reasons = [member["proposal"]["reason"] for member in plan["members"]]
    assert reasons == ["free the pool, then feed it", "the worker died"]


async def test_all_of_it_expires_with_the_first(
    home: House, run: RunAt, approver: Someone
) -> None:
    needs(home, one_dba="one-operator")  # which has thirty minutes; the other has fifteen
    plan = await asks_for_plan(run)
    assert {member["expires_at"] for member in plan["members"]} == {plan["expires_at"]}
    home.clock.pass_time(minutes=15)
    assert await home.gateway.approvals.expire() == 2
    assert await states(approver) == ["expired", "expired"]


@pytest.mark.parametrize(
    ("members", "code", "told"),
    [
        (
            [FEED, {**END, "action": "pg.nothing"}],
            "unknown-action",
            "2 of 2 (pg.nothing on orders)",
        ),
        ([END, {**FEED, "max_rows": 6}], "not-in-manifest", "2 of 2 (execute on orders)"),
        ([END, {**FEED, "sql": "UPDATE jobs SET state = 'x'"}], "bad-sql-parameters", "2 of 2"),
        ([{**END, "target": "nowhere"}, FEED], "unknown-target", "1 of 2"),
        ([END, END], "idempotency-conflict", "2 of 2 (pg.terminate_backend on orders)"),
    ],
)
async def test_what_is_wrong_with_one_is_refused_of_all_and_named(
    home: House,
    run: RunAt,
    approver: Someone,
    incident: str,
    members: list[dict[str, Any]],
    code: str,
    told: str,
) -> None:
    found, words = await refused(run, *members)
    assert found == code, words
    assert "Nothing of this plan is asked for, because of" in words
    assert told in words
    assert await states(approver) == []
    kinds = await home.kinds(incident)
    assert "plan.requested" not in kinds
    assert kinds.count("action.denied") == 1


async def test_a_preview_that_fails_is_a_refusal_of_all(
    home: House, run: RunAt, approver: Someone, incident: str
) -> None:
    home.target.answer = lambda _: Rows((Column("n", "integer"),), ((0,),))
    code, words = await refused(run)
    assert (code, "2 of 2 (execute on orders): 0 rows" in words) == ("outside-limits", True)
    assert await states(approver) == []
    denied = [e for e in await home.timeline(incident) if e["type"] == "action.denied"]
    assert [(e["data"]["plan_place"], e["data"]["operation"]) for e in denied] == [(2, "execute")]


async def test_more_than_ten_and_none_at_all_are_refused(run: RunAt) -> None:
    await run.starts("pool")
    for many in (0, 11):
        body = {**plan_of(run), "members": [END] * many}
        assert await run.refused("/v1/plans", body) == "bad-request"


async def test_a_plan_that_uses_an_action_more_often_than_a_run_may_is_refused(
    run: RunAt,
) -> None:
    many = [
        {**END, "args": {**TERMINATE, "pid": {"type": "integer", "value": pid}}}
        for pid in range(4711, 4717)
    ]
    code, words = await refused(run, *many)
    assert code == "outside-limits"
    assert "6 of 6" in words
    assert "is asked for 5 times before this" in words


async def test_what_nobody_may_vote_on_as_a_whole_is_refused(
    home: House, run: RunAt, approver: Someone
) -> None:
    rules = home.folder / "policies" / "approvals.toml"
    rules.write_text(
        rules.read_text()
        + "\n[rule.developer]\nall_of = [{ role = 'developer', count = 1 }]\n"
        + "decide_within = '15m'\nuse_within = '5m'\nmax_rows = 100\n"
    )
    needs(home, one_dba="developer")
    needs(home, one_approver="one-dba")
    code, words = await refused(run)
    assert code == "no-approvers"
    assert "Nobody could vote on all of this plan" in words
    assert await states(approver) == []


@pytest.mark.usefixtures("home")
async def test_a_retry_gets_the_same_plan_and_another_has_diverged(
    run: RunAt, plan: dict[str, Any], approver: Someone
) -> None:
    again = (await run.post("/v1/plans", plan_of(run)))["plan"]
    assert (again["id"], again["plan_digest"]) == (plan["id"], plan["plan_digest"])
    assert await states(approver) == ["pending", "pending"]
    for other in (plan_of(run, FEED, END), plan_of(run, END), plan_of(run, reason="for fun")):
        assert await run.refused("/v1/plans", other) == "diverged"


async def test_a_refusal_is_recorded_and_a_retry_gets_it_again(home: House, run: RunAt) -> None:
    first = await refused(run, END, END)
    reads = len(home.target.reads)
    again = (await run.call("POST", "/v1/plans", plan_of(run, END, END))).json()
    assert (again["code"], again["detail"]) == first
    assert len(home.target.reads) == reads


async def test_people_are_told_of_a_plan_once_and_then_of_each_member(
    home: House, plan: dict[str, Any], approver: Someone
) -> None:
    await vote_on_plan(approver, plan["id"])
    told = await home.store.read(lambda tx: tx.rows(OutboxRow, order="id"))
    rows = [row for row in told if row.kind.startswith("approval.")]
    assert [(row.kind, row.subject, row.payload) for row in rows] == [
        ("approval.requested", "P-1", '{"plan": "P-1", "size": 2}'),
        ("approval.approved", "A-1", '{"plan": "P-1", "plan_place": 1}'),
        ("approval.approved", "A-2", '{"plan": "P-1", "plan_place": 2}'),
    ]


async def test_a_dry_run_shows_all_of_it_and_asks_nobody(
    home: House, responder: Someone, incident: str
) -> None:
    run = await responder.runs(incident, "small", dry_run=True)
    await run.starts("pool")
    outcome = (await run.post("/v1/plans", plan_of(run)))["outcome"]
    assert outcome["state"] == "previewed"
    assert [one["needs"] for one in outcome["members"]] == [
        "one dba or one incident:commander",
        "one dba",
    ]
    assert (await run.post("/v1/plans", plan_of(run)))["outcome"] == {**outcome, "replayed": True}
    assert await states(responder) == []
    assert (await home.kinds(incident)).count("action.previewed") == 2


# --- deciding ---------------------------------------------------------------------------------


async def test_one_vote_grants_all_of_it(
    plan: dict[str, Any], approver: Someone, home: House, incident: str
) -> None:
    answer = (await vote_on_plan(approver, plan["id"])).json()
    assert answer["state"] == "approved", answer
    assert [member["state"] for member in answer["members"]] == ["approved", "approved"]
    assert {one["grant_expires_at"] for one in answer["members"]} == {"2026-01-02T03:09:05.000Z"}
    voted = [e["data"] for e in await home.timeline(incident) if e["type"] == "approval.voted"]
    assert [one["approval"] for one in voted] == ["A-1", "A-2"]
    assert {one["plan_digest"] for one in voted} == {plan["plan_digest"]}


@pytest.mark.usefixtures("plan")
async def test_a_denial_says_why_and_denies_all_of_it(
    approver: Someone, run: RunAt, home: House
) -> None:
    assert (await vote_on_plan(approver, "P-1", "deny", reason=" ")).json()[
        "code"
    ] == "bad-request"
    answer = (await vote_on_plan(approver, "P-1", "deny", reason="not both")).json()
    assert [one["state"] for one in answer["members"]] == ["denied", "denied"]
    assert {one["reason"] for one in answer["members"]} == {"not both"}
    for name in ("A-1", "A-2"):
        assert await run.refused(f"/v1/approvals/{name}/execute") == "approval-denied"
    assert home.target.deeds == []


@pytest.mark.usefixtures("plan")
async def test_a_member_is_not_voted_on_alone(
    approver: Someone, home: House, incident: str
) -> None:
    response = await approver.vote("A-1")
    assert response.json()["code"] == "in-a-plan"
    assert "P-1" in response.json()["detail"]
    assert (await approver.prompt("A-1"))["you"]["may_vote"] is False
    assert await states(approver) == ["pending", "pending"]
    refusals = [e for e in await home.timeline(incident) if e["type"] == "approval.vote_refused"]
    assert [(e["data"]["approval"], e["data"]["code"]) for e in refusals] == [("A-1", "in-a-plan")]


@pytest.mark.usefixtures("plan")
async def test_whoever_has_no_vote_on_one_of_them_has_none_on_the_whole(
    responder: Someone, home: House, incident: str
) -> None:
    await responder.post(
        f"/v1/incidents/{incident}/hand-over", {"to": "observer", "summary": "all yours"}
    )
    observer = await home.login("observer")  # commands now: enough for A-1, but A-2 needs a dba
    problem = (await vote_on_plan(observer, "P-1")).json()
    assert problem["code"] == "not-eligible"
    assert "A-2" in problem["detail"]
    seen = await observer.get("/v1/plans/P-1")
    assert (seen["you"]["may_vote"], seen["you"]["why_not"]) == (False, problem["detail"])
    assert "observer" not in seen["rule"]["eligible"]
    assert await states(observer) == ["pending", "pending"]
    refusals = [e for e in await home.timeline(incident) if e["type"] == "approval.vote_refused"]
    assert [(e["data"]["plan"], e["data"]["code"]) for e in refusals] == [("P-1", "not-eligible")]


@pytest.mark.usefixtures("plan")
async def test_the_requester_never_counts(responder: Someone) -> None:
    assert (await vote_on_plan(responder, "P-1")).json()["code"] == "self-approval"


@pytest.mark.usefixtures("plan")
async def test_a_runs_token_never_votes(run: RunAt) -> None:
    assert (await vote_on_plan(run, "P-1")).json()["code"] == "not-a-person"


async def test_nothing_is_granted_before_all_have_their_quorum(
    home: House, run: RunAt, approver: Someone, incident: str
) -> None:
    needs(home, one_dba="dba-and-commander")  # the other still needs one person
    await asks_for_plan(run)
    await approver.post(f"/v1/incidents/{incident}/take")
    assert (await vote_on_plan(approver, "P-1")).json()["state"] == "pending"
    assert await states(approver) == ["pending", "pending"]
    assert (await vote_on_plan(approver, "P-1")).json()["code"] == "already-voted"
    colleague = await home.login("colleague")
    assert (await vote_on_plan(colleague, "P-1")).json()["state"] == "approved"
    assert await states(approver) == ["approved", "approved"]


async def test_a_vote_names_the_plan_and_what_was_seen_of_it(
    plan: dict[str, Any], approver: Someone
) -> None:
    shown = await approver.get("/v1/plans/P-1")
    alone = await approver.prompt("A-1")
    for other in (
        {"plan_digest": shown["members"][0]["proposal_digest"]},
        {"prompt_digest": alone["prompt_digest"]},
        {"prompt_digest": plan["prompt_digest"]},  # that was shown to the run, not to a person
        {"plan_digest": "", "prompt_digest": ""},
    ):
        assert (await vote_on_plan(approver, "P-1", **other)).json()["code"] == "approval-changed"
    assert await states(approver) == ["pending", "pending"]


@pytest.mark.usefixtures("plan")
async def test_the_prompt_shows_every_member_whole(approver: Someone) -> None:
    shown = await approver.get("/v1/plans/P-1", channel="cli")
    for name in ("A-1", "A-2"):
        alone = (await approver.get(f"/v1/approvals/{name}", channel="cli"))["prompt_text"]
        for line in alone.rstrip("\n").split("\n"):
            assert f"\n  {line}\n" in f"{shown['prompt_text']}\n"
    assert "previews show the state before any of these ran" in shown["prompt_text"]


# --- ending -----------------------------------------------------------------------------------


@pytest.mark.usefixtures("plan")
async def test_what_is_withdrawn_before_the_vote_takes_the_rest_along(
    responder: Someone, approver: Someone
) -> None:
    await responder.post("/v1/approvals/A-2/withdraw", {"reason": "not the second"})
    assert await states(approver) == ["withdrawn", "withdrawn"]
    assert "A-2" in (await approver.prompt("A-1"))["reason"]
    problem = (await vote_on_plan(approver, "P-1")).json()
    assert problem["code"] == "approval-decided"
    assert "A-1 of P-1 is withdrawn" in problem["detail"]


@pytest.mark.usefixtures("plan")
async def test_what_is_withdrawn_after_the_vote_goes_alone(
    responder: Someone, approver: Someone
) -> None:
    await vote_on_plan(approver, "P-1")
    await responder.post("/v1/approvals/A-2/withdraw")
    assert await states(approver) == ["approved", "withdrawn"]
    assert (await responder.get("/v1/plans/P-1"))["state"] == "mixed"


@pytest.mark.usefixtures("plan")
async def test_a_whole_plan_is_withdrawn_by_whom_asked_and_by_nobody_else(
    responder: Someone, approver: Someone, run: RunAt
) -> None:
    assert await approver.refused("/v1/plans/P-1/withdraw") == "no-permission"
    assert await run.refused("/v1/plans/P-1/withdraw") == "not-a-person"
    assert (await responder.post("/v1/plans/P-1/withdraw"))["state"] == "withdrawn"
    assert await responder.refused("/v1/plans/P-1/withdraw") == "approval-decided"


@pytest.mark.usefixtures("plan")
async def test_a_plan_of_which_one_no_longer_waits_is_not_voted_on(
    home: House, approver: Someone
) -> None:
    row = await home.store.read(lambda tx: tx.get(ApprovalRow, "A-2"))
    assert row is not None
    await home.store.commit(lambda tx: tx.change(row, state="invalidated"))
    problem = (await vote_on_plan(approver, "P-1")).json()
    assert problem["code"] == "approval-decided"
    assert "A-2 of P-1 is invalidated" in problem["detail"]
    assert await states(approver) == ["pending", "invalidated"]


@pytest.mark.usefixtures("plan")
async def test_a_vote_after_the_time_to_decide_expires_all_of_it(
    home: House, approver: Someone
) -> None:
    home.clock.pass_time(minutes=16)
    assert (await vote_on_plan(approver, "P-1")).json()["code"] == "approval-decided"
    assert await states(approver) == ["expired", "expired"]


@pytest.mark.usefixtures("plan")
async def test_what_ends_the_run_ends_the_plan(run: RunAt, approver: Someone) -> None:
    await run.post(f"/v1/runs/{run.id}/end", {"outcome": "cancelled"})
    assert await states(approver) == ["withdrawn", "withdrawn"]


@pytest.mark.usefixtures("plan")
async def test_another_run_does_not_see_it(responder: Someone, incident: str) -> None:
    other = await responder.runs(incident, "small")
    assert (await other.call("GET", "/v1/plans/P-1")).json()["code"] == "run-token-mismatch"


@pytest.mark.usefixtures("plan")
async def test_waiting_for_a_plan_counts_once(home: House, approver: Someone, run: RunAt) -> None:
    """Else a run that waits for many would have more time than a run may take."""
    home.clock.pass_time(minutes=10)
    await vote_on_plan(approver, "P-1")
    home.clock.pass_time(minutes=59, seconds=59)
    await run.starts("verify")
    ask = {**run.place("verify"), "target": "orders", "sql": "SELECT 2 AS two"}
    await run.post("/v1/queries", ask)
    home.clock.pass_time(seconds=2)
    assert await run.refused("/v1/queries", {**ask, "ordinal": 1}) == "run-ended"
