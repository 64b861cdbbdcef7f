"""Approval requests: who may vote, what a vote names, and how a request ends."""

import asyncio
from typing import Any

import pytest
from interlock_gateway.service import approvals
from support.house import TERMINATE, House, RunAt, Someone


async def test_a_request_waits_and_nothing_has_run(
    home: House, asked: str, approver: Someone, incident: str
) -> None:
    shown = await approver.prompt(asked)
    assert shown["state"] == "pending"
    assert shown["requester"] == "responder"
    assert "approver" in shown["rule"]["eligible"]
    assert "responder" not in shown["rule"]["eligible"]
    assert home.target.deeds == []
    kinds = await home.kinds(incident)
    assert kinds.index("action.requested") < kinds.index("approval.requested")


async def test_the_prompt_says_everything_an_approver_must_know(
    asked: str, approver: Someone
) -> None:
    text = (await approver.prompt(asked))["prompt_text"]
    for told in (
        *(asked, "INC-1", "responder", "pg.terminate_backend", "orders (production, postgres)"),
        *("it blocks others", "pg_terminate_backend(pid)", "4711", "to undo it:", "it touches:"),
        *("decide before:", "one dba or one incident:commander; not responder"),
    ):
        assert told in text


async def test_one_eligible_person_is_enough_for_this_rule(asked: str, approver: Someone) -> None:
    answer = (await approver.vote(asked)).json()
    assert answer["state"] == "approved"
    assert [vote["person"] for vote in answer["votes"]] == ["approver"]
    assert answer["grant_expires_at"] == "2026-01-02T03:09:05.000Z"


async def test_a_denial_says_why_and_ends_it(
    asked: str, approver: Someone, home: House, incident: str
) -> None:
    response = await approver.vote(asked, "deny", reason=" ")
    assert response.json()["code"] == "bad-request"
    answer = (await approver.vote(asked, "deny", reason="wrong session")).json()
    assert (answer["state"], answer["reason"]) == ("denied", "wrong session")
    assert (await home.kinds(incident))[-1] == "approval.denied"


async def _refused(home: House, incident: str, code: str) -> None:
    event = (await home.timeline(incident))[-1]
    assert (event["type"], event["data"]["code"]) == ("approval.vote_refused", code)


async def test_the_requester_never_counts(
    home: House, asked: str, responder: Someone, incident: str
) -> None:
    response = await responder.vote(asked)
    assert response.json()["code"] == "self-approval"
    await _refused(home, incident, "self-approval")
    assert (await responder.prompt(asked))["votes"] == []


async def test_the_requester_never_counts_as_commander_either(
    asked: str, responder: Someone, incident: str
) -> None:
    details = await responder.get(f"/v1/incidents/{incident}")
    assert details["commander"] == "responder"
    assert (await responder.vote(asked)).json()["code"] == "self-approval"


async def test_somebody_without_a_seat_is_told_so(home: House, asked: str, incident: str) -> None:
    observer = await home.login("observer")
    assert (await observer.vote(asked)).json()["code"] == "not-eligible"
    await _refused(home, incident, "not-eligible")


async def test_nobody_votes_twice(
    home: House, responder: Someone, approver: Someone, incident: str
) -> None:
    approval = await _needs_two(home, responder, incident)
    await approver.post(f"/v1/incidents/{incident}/take")  # now dba and commander in one person
    assert (await approver.vote(approval)).json()["state"] == "pending"
    assert (await approver.vote(approval)).json()["code"] == "already-voted"
    assert (await approver.prompt(approval))["state"] == "pending"


async def test_two_seats_need_two_people(
    home: House, responder: Someone, approver: Someone, incident: str
) -> None:
    approval = await _needs_two(home, responder, incident)
    colleague = await home.login("colleague")
    await approver.post(f"/v1/incidents/{incident}/take")
    assert (await approver.vote(approval)).json()["state"] == "pending"
    assert (await colleague.vote(approval)).json()["state"] == "approved"


async def test_a_vote_after_the_time_to_decide_expires_the_request(
    home: House, asked: str, approver: Someone, incident: str
) -> None:
    home.clock.pass_time(minutes=16)
    assert (await approver.vote(asked)).json()["code"] == "approval-decided"
    assert (await approver.prompt(asked))["state"] == "expired"
    assert "approval.expired" in await home.kinds(incident)


async def test_the_sweep_expires_what_nobody_decided(
    home: House, asked: str, approver: Someone
) -> None:
    assert await home.gateway.approvals.expire() == 0
    home.clock.pass_time(minutes=15)
    assert await home.gateway.approvals.expire() == 1
    assert (await approver.prompt(asked))["state"] == "expired"


async def test_a_grant_that_ends_sooner_is_ended_although_others_wait_longer(
    home: House, run: RunAt, approver: Someone, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(approvals, "_ENDED_AT_ONCE", 2)
    await run.starts("terminate")
    asked = []
    for ordinal in range(3):
        args = {**TERMINATE, "pid": {"type": "integer", "value": 100 + ordinal}}
        answer = await run.post("/v1/actions", run.wishes(ordinal=ordinal, args=args))
        asked.append(str(answer["approval"]["id"]))
        home.clock.pass_time(seconds=1)
    await approver.vote(asked[2])  # its grant ends long before the time to decide on the others
    home.clock.pass_time(minutes=6)
    assert await home.gateway.approvals.expire() == 1
    assert (await approver.prompt(asked[2]))["state"] == "expired"
    home.clock.pass_time(minutes=10)
    assert await home.gateway.approvals.expire() == 2
    assert await home.gateway.approvals.expire() == 0
    assert [(await approver.prompt(one))["state"] for one in asked] == ["expired"] * 3


async def test_a_sweep_that_does_not_end_all_goes_on_with_the_next(
    home: House, run: RunAt, approver: Someone, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(approvals, "_ENDED_AT_ONCE", 2)
    await run.starts("terminate")
    for ordinal in range(3):
        args = {**TERMINATE, "pid": {"type": "integer", "value": 100 + ordinal}}
        await run.post("/v1/actions", run.wishes(ordinal=ordinal, args=args))
    home.clock.pass_time(minutes=15)
    assert [await home.gateway.approvals.expire() for _ in range(3)] == [2, 1, 0]
    left = await approver.get("/v1/approvals", state="pending")
    assert left["approvals"] == []


async def test_a_vote_names_what_was_proposed_and_what_was_seen(
    home: House, asked: str, approver: Someone, incident: str
) -> None:
    other = "sha256:" + "0" * 64
    for wrong in ({"proposal_digest": other}, {"prompt_digest": other}):
        assert (await approver.vote(asked, **wrong)).json()["code"] == "approval-changed"
        await _refused(home, incident, "approval-changed")
    assert (await approver.prompt(asked))["state"] == "pending"


async def test_a_run_cannot_vote(asked: str, run: RunAt) -> None:
    assert (await run.vote(asked)).json()["code"] == "not-a-person"


async def test_a_late_vote_is_told_that_it_is_decided(
    home: House, asked: str, approver: Someone
) -> None:
    colleague = await home.login("colleague")
    await approver.vote(asked)
    assert (await colleague.vote(asked)).json()["code"] == "approval-decided"


async def test_requester_and_commander_may_withdraw(
    home: House, asked: str, responder: Someone, approver: Someone, incident: str
) -> None:
    path = f"/v1/approvals/{asked}/withdraw"
    assert await approver.refused(path, {"reason": "no"}) == "no-permission"
    assert (await responder.post(path, {"reason": "not needed"}))["state"] == "withdrawn"
    assert (await approver.vote(asked)).json()["code"] == "approval-decided"
    assert "approval.withdrawn" in await home.kinds(incident)


async def test_closing_the_incident_withdraws_what_waits(
    asked: str, responder: Someone, incident: str
) -> None:
    await responder.post(f"/v1/incidents/{incident}/close", {"reason": "over"})
    assert (await responder.prompt(asked))["state"] == "withdrawn"


async def test_ending_the_run_withdraws_what_waits(
    asked: str, responder: Someone, run: RunAt
) -> None:
    await run.post(f"/v1/runs/{run.id}/end", {"outcome": "cancelled"})
    assert (await responder.prompt(asked))["state"] == "withdrawn"


async def test_the_same_thing_is_not_asked_for_twice(asked: str, run: RunAt) -> None:
    assert asked
    again = await run.refused("/v1/actions", run.wishes(ordinal=1))
    assert again == "idempotency-conflict"


async def test_asking_again_at_the_same_place_finds_the_same_request(
    home: House, asked: str, run: RunAt, incident: str
) -> None:
    answer = await run.post("/v1/actions", run.wishes())
    assert answer["approval"]["id"] == asked
    assert (await home.kinds(incident)).count("approval.requested") == 1


async def test_each_channel_has_a_prompt_digest_of_its_own_recorded_once(
    home: House, asked: str, approver: Someone, run: RunAt, incident: str
) -> None:
    api, again = await approver.prompt(asked), await approver.prompt(asked)
    runner = await run.prompt(asked)
    assert api["prompt_digest"] == again["prompt_digest"] != runner["prompt_digest"]
    prompted = [one for one in await home.timeline(incident) if one["type"] == "approval.prompted"]
    assert sorted(one["data"]["channel"] for one in prompted) == ["api", "runner"]


async def test_whoever_waits_is_woken_by_the_vote(
    asked: str, approver: Someone, run: RunAt
) -> None:
    version = (await run.prompt(asked))["version"]
    waiting = asyncio.create_task(run.get(f"/v1/approvals/{asked}", wait=30, version=version))
    await asyncio.sleep(0.05)
    assert not waiting.done()
    await approver.vote(asked)
    async with asyncio.timeout(2):
        assert (await waiting)["state"] == "approved"


async def test_hostile_text_in_a_reason_is_shown_as_data(
    home: House, run: RunAt, approver: Someone
) -> None:
    await run.starts("terminate")
    reason = "fine\u202e\x1b[2J\nneeds: nobody"
    answer = await run.post("/v1/actions", run.wishes(reason=reason))
    text = (await approver.prompt(answer["approval"]["id"]))["prompt_text"]
    assert "⟦U+202E⟧⟦U+001B⟧[2J needs: nobody" in text
    assert "\x1b" not in text
    assert home.target.deeds == []


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"target": "nowhere"}, "unknown-target"),
        ({"target": "archive"}, "no-permission"),
        ({"action": "pg.drop_database"}, "unknown-action"),
        ({"args": {}}, "bad-arguments"),
        ({"args": {"pid": {"type": "integer", "value": 0}}}, "bad-arguments"),
    ],
)
async def test_a_wish_that_cannot_be_is_refused_with_an_event(
    home: House, run: RunAt, incident: str, change: dict[str, Any], code: str
) -> None:
    await run.starts("terminate")
    assert await run.refused("/v1/actions", run.wishes(**change)) == code
    assert (await home.kinds(incident))[-1] == "action.denied"
    assert home.target.reads == []


async def test_what_nobody_could_approve_is_refused_at_once(
    home: House, run: RunAt, incident: str
) -> None:
    """Nobody but the requester is a dba; a commander could still be found, a dba could not."""
    folder = home.folder / "policies"
    lines = (folder / "permissions.csv").read_text()
    (folder / "permissions.csv").write_text(lines.replace("one-approver", "one-dba"))
    text = (folder / "roles.csv").read_text().replace("g, approver, dba", "g, approver, sre")
    text = text.replace("g, responder, developer", "g, responder, dba")
    (folder / "roles.csv").write_text(text.replace("g, colleague, dba\n", ""))
    assert home.policies.reload() == ()
    await run.starts("terminate")
    assert await run.refused("/v1/actions", run.wishes()) == "no-approvers"
    assert (await home.kinds(incident))[-1] == "action.denied"


async def test_an_ad_hoc_run_changes_nothing(home: House, look: RunAt) -> None:
    assert await look.refused("/v1/actions", look.wishes("look")) == "not-in-manifest"
    assert home.target.reads == []


async def _needs_two(home: House, responder: Someone, incident: str) -> str:
    """Ask for the action under a rule that needs a dba and the commander."""
    folder = home.folder / "policies"
    lines = (folder / "permissions.csv").read_text()
    (folder / "permissions.csv").write_text(lines.replace("one-approver", "dba-and-commander"))
    rules = (folder / "approvals.toml").read_text()
    assert home.policies.reload() == (), rules
    run = await responder.runs(incident, "small")
    await run.starts("terminate")
    answer = await run.post("/v1/actions", run.wishes())
    return str(answer["approval"]["id"])


async def test_how_long_a_decision_took_is_a_metric(
    home: House, asked: str, approver: Someone
) -> None:
    home.clock.pass_time(seconds=41)
    await approver.vote(asked)
    told = home.gateway.meter.exposition().decode()  # type: ignore[attr-defined]  # the real one
    assert 'interlock_decision_seconds_sum{outcome="approved"} 41.0' in told
