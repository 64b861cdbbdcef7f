"""Drills: asked and answered the real way, about nothing; and nothing real looks like one."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import fields, replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from interlock.testing.slack import FakeSlack
from interlock_gateway.core.drill import OPERATION, is_drill
from interlock_gateway.service import drills as practising
from interlock_gateway.service.approvals import opened
from interlock_gateway.service.ports import Transaction
from interlock_gateway.service.records import ApprovalRow, IncidentRow, VoteRow
from support.chat import ChatAt, in_slack
from support.house import House, RunAt, Someone, house

SIGNS = (
    *("DRILL", "drill", "Drill!", "a drill: nothing runs", "D R I L L", "d-r-i-l-l", "DR1LL"),
    *("dr\u200bill", "\uff24\uff32\uff29\uff2c\uff2c", "DR\u0406LL", "Dr\u00edll", "drills"),
)


@pytest.fixture
async def steward(home: House) -> Someone:
    """An sre, who runs this gateway."""
    return await home.login("you")


@pytest.fixture
async def drill(steward: Someone) -> dict[str, Any]:
    """A drill of one rule that a dba can fill."""
    return dict(await steward.post("/v1/drills", {"rule": "one-dba"}))


def _only(report: dict[str, Any]) -> dict[str, Any]:
    (rule,) = report["rules"]
    return dict(rule)


async def _row(home: House, approval: str) -> ApprovalRow:
    row = await home.store.read(lambda tx: tx.get(ApprovalRow, approval))
    assert row is not None
    return row


# --- how it goes --------------------------------------------------------------------------------


async def test_a_drill_is_voted_on_and_ends_by_doing_nothing(
    home: House, steward: Someone, approver: Someone, drill: dict[str, Any]
) -> None:
    asked = _only(drill)["approval"]
    home.clock.pass_time(seconds=41)
    assert (await approver.vote(asked)).status_code == 201
    await home.gateway.drills.sweep()
    await home.gateway.drills.sweep()
    report = await steward.get(f"/v1/drills/{drill['incident']}")
    assert report["over"]
    rule = _only(report)
    assert (rule["state"], rule["reached"], rule["silent"]) == ("succeeded", True, ["colleague"])
    (answer,) = rule["answers"]
    assert (answer["person"], answer["vote"], answer["channel"]) == ("approver", "approve", "api")
    assert answer["after_s"] == 41
    assert (home.target.reads, home.target.deeds) == ([], [])
    kinds = await home.kinds(drill["incident"])
    assert kinds == [
        *("incident.declared", "incident.role_assigned", "approval.requested"),
        *("approval.prompted", "approval.voted", "approval.approved"),
        *("action.started", "action.succeeded", "incident.closed"),
    ]


async def test_every_rule_is_asked_and_what_nobody_could_fill_is_said_at_once(
    steward: Someone,
) -> None:
    report = await steward.post("/v1/drills", {})
    by_rule = {rule["rule"]: rule for rule in report["rules"]}
    assert len(by_rule) == 6
    unfillable = by_rule.pop("dba-and-commander")
    assert (unfillable["state"], unfillable["over"]) == ("invalidated", True)
    assert unfillable["why"].startswith("nobody could fill it: it needs one dba and one incident")
    assert {rule["state"] for rule in by_rule.values()} == {"pending"}


async def test_a_commander_can_be_named_for_the_rules_that_need_one(
    home: House, steward: Someone, approver: Someone
) -> None:
    body = {"rule": "dba-and-commander", "commander": "colleague"}
    report = await steward.post("/v1/drills", body)
    asked = _only(report)["approval"]
    colleague = await home.login("colleague")
    await approver.vote(asked)
    await home.gateway.drills.sweep()
    assert (await _row(home, asked)).state == "pending"
    await colleague.vote(asked)
    await home.gateway.drills.sweep()
    assert (await _row(home, asked)).state == "succeeded"


async def test_whoever_is_silent_is_named_when_time_is_up(
    home: House, steward: Someone, drill: dict[str, Any]
) -> None:
    home.clock.pass_time(seconds=601)
    await home.gateway.approvals.expire()
    await home.gateway.drills.sweep()
    report = await steward.get(f"/v1/drills/{drill['incident']}")
    rule = _only(report)
    assert report["over"]
    assert (rule["state"], rule["reached"]) == ("expired", False)
    assert rule["silent"] == ["approver", "colleague"]
    assert rule["why"] == "nobody decided in time"


async def test_a_denial_is_an_answer_and_no_quorum(
    home: House, steward: Someone, approver: Someone, drill: dict[str, Any]
) -> None:
    await approver.vote(_only(drill)["approval"], "deny")
    await home.gateway.drills.sweep()
    rule = _only(await steward.get(f"/v1/drills/{drill['incident']}"))
    assert (rule["state"], rule["reached"], rule["why"]) == ("denied", False, "not now")
    assert [answer["vote"] for answer in rule["answers"]] == ["deny"]


async def test_the_starter_ends_it_before_its_time(
    home: House, steward: Someone, drill: dict[str, Any]
) -> None:
    report = await steward.post(f"/v1/drills/{drill['incident']}/end", {})
    assert report["over"]
    assert _only(report)["state"] == "withdrawn"
    assert (await home.kinds(drill["incident"]))[-1] == "incident.closed"


# --- who may, and how often ---------------------------------------------------------------------


@pytest.mark.parametrize("person", ["approver", "responder", "nobody"])
async def test_only_the_stewards_start_and_end_drills(
    home: House, person: str, drill: dict[str, Any]
) -> None:
    other = await home.login(person)
    for path in ("/v1/drills", f"/v1/drills/{drill['incident']}/end"):
        answer = await other.call("POST", path, {})
        assert answer.status_code == 403
        assert answer.json()["line"] == "steward_role = sre"


async def test_where_the_settings_name_no_role_nobody_starts_one(tmp_path: Path) -> None:
    async with house(tmp_path, steward_role="") as home:
        you = await home.login("you")
        answer = await you.call("POST", "/v1/drills", {})
        assert (answer.status_code, answer.json()["line"]) == (403, "steward_role")
        assert await home.store.read(lambda tx: tx.count(IncidentRow)) == 0


async def test_a_run_of_a_stewards_starts_no_drill(steward: Someone) -> None:
    run = await steward.runs(await steward.declares())
    answer = await run.call("POST", "/v1/drills", {})
    assert answer.json()["code"] == "not-a-person"


async def test_there_is_one_drill_at_a_time_and_six_an_hour(
    home: House, steward: Someone, drill: dict[str, Any]
) -> None:
    again = await steward.call("POST", "/v1/drills", {})
    assert (again.status_code, again.json()["line"]) == (409, drill["incident"])
    incident = drill["incident"]
    for _ in range(5):
        await steward.post(f"/v1/drills/{incident}/end", {})
        incident = (await steward.post("/v1/drills", {"rule": "one-dba"}))["incident"]
    await steward.post(f"/v1/drills/{incident}/end", {})
    often = await steward.call("POST", "/v1/drills", {})
    assert (often.status_code, often.json()["code"]) == (429, "too-many-calls")
    home.clock.pass_time(seconds=3601)
    assert (await steward.call("POST", "/v1/drills", {})).status_code == 201


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"rule": "one-dbaa"}, "one-dba"),
        ({"commander": "you"}, "never count"),
        ({"commander": "stranger"}, "stranger"),
    ],
)
async def test_a_drill_that_makes_no_sense_is_refused(
    steward: Someone, body: dict[str, Any], says: str
) -> None:
    answer = await steward.call("POST", "/v1/drills", body)
    assert answer.status_code == 422
    assert says in answer.json()["detail"]


# --- a drill is never a grant -------------------------------------------------------------------


async def test_an_approved_drill_cannot_be_executed_by_anybody(
    home: House, steward: Someone, approver: Someone, run: RunAt, drill: dict[str, Any]
) -> None:
    asked = _only(drill)["approval"]
    await approver.vote(asked)
    assert (await _row(home, asked)).state == "approved"
    for who in (steward, approver, run):
        answer = await who.call("POST", f"/v1/approvals/{asked}/execute", {})
        assert (answer.status_code, answer.json()["code"]) == (409, "only-a-drill")
    assert (await _row(home, asked)).state == "approved"
    await home.gateway.drills.sweep()
    assert (home.target.reads, home.target.deeds) == ([], [])


async def test_nothing_runs_in_a_drills_incident(
    home: House, steward: Someone, drill: dict[str, Any]
) -> None:
    incident = drill["incident"]
    await steward.post(f"/v1/incidents/{incident}/take", {})
    for runbook in ("", "small"):
        body = {"incident": incident, "runbook": runbook}
        answer = await steward.call("POST", "/v1/runs", body)
        assert (answer.status_code, answer.json()["code"]) == (409, "only-a-drill")
    assert (home.target.reads, home.target.deeds) == ([], [])


async def test_the_database_keeps_a_drill_a_drill_and_every_other_incident_none(
    home: House, incident: str, drill: dict[str, Any]
) -> None:
    for name, goal in ((incident, 1), (drill["incident"], 0)):
        with pytest.raises(Exception, match="a drill stays a drill"):
            await home.store.commit(partial(_turned, name=name, goal=goal))


def _turned(tx: Transaction, name: str, goal: int) -> None:
    row = tx.get(IncidentRow, name)
    assert row is not None
    tx.change(row, drill=goal)


async def test_votes_in_a_drill_count_nowhere_else(
    home: House, approver: Someone, asked: str, drill: dict[str, Any]
) -> None:
    seen = await approver.prompt(_only(drill)["approval"])
    body = {
        "vote": "approve",
        "proposal_digest": seen["proposal_digest"],
        "prompt_digest": seen["prompt_digest"],
        "reason": "",
    }
    answer = await approver.call("POST", f"/v1/approvals/{asked}/votes", body)
    assert answer.json()["code"] == "approval-changed"
    assert await home.store.read(lambda tx: tx.rows(VoteRow, approval=asked)) == []


async def test_the_starters_vote_never_counts(steward: Someone, drill: dict[str, Any]) -> None:
    answer = await steward.vote(_only(drill)["approval"])
    assert answer.json()["code"] == "self-approval"


async def test_what_is_called_a_drill_and_is_none_is_not_carried_on(
    home: House, approver: Someone, drill: dict[str, Any]
) -> None:
    """The bytes of another approval in a drill's row: the digest gives it away."""
    asked = _only(drill)["approval"]
    await approver.vote(asked)
    row = await _row(home, asked)
    await home.store.commit(lambda tx: tx.change(row, sealed=b"x" + row.sealed[1:]))
    await home.gateway.drills.sweep()
    assert (await _row(home, asked)).state == "invalidated"


async def test_two_gateways_that_carry_on_the_same_drill_do_it_once(
    home: House, approver: Someone, drill: dict[str, Any]
) -> None:
    asked = _only(drill)["approval"]
    await approver.vote(asked)
    await asyncio.gather(*(home.gateway.drills.sweep() for _ in range(4)))
    assert (await home.kinds(drill["incident"])).count("action.succeeded") == 1


async def test_votes_that_no_longer_suffice_are_no_quorum_of_a_drill(
    home: House, approver: Someone, steward: Someone, drill: dict[str, Any]
) -> None:
    asked = _only(drill)["approval"]
    await approver.vote(asked)
    roles = home.folder / "policies" / "roles.csv"
    roles.write_text(roles.read_text().replace("g, approver, dba\n", ""))
    assert home.policies.reload() == ()
    await home.gateway.drills.sweep()
    rule = _only(await steward.get(f"/v1/drills/{drill['incident']}"))
    assert (rule["reached"], rule["why"]) == (False, "the votes no longer suffice")


def test_the_drills_know_nothing_that_could_touch_a_target() -> None:
    names = set(vars(practising))
    assert not names & {"Reader", "Actor", "Execution", "Guard", "Metrics", "Logs"}
    assert not [name for name in names if name.startswith("Target")]


# --- nothing real is a drill --------------------------------------------------------------------


@pytest.mark.parametrize("sign", SIGNS)
async def test_no_reason_of_a_requesters_says_that_it_is_a_drill(
    home: House, run: RunAt, sign: str
) -> None:
    await run.starts("terminate")
    wish = run.wishes(reason=f"{sign} Press Approve to show that you can.")
    answer = await run.call("POST", "/v1/actions", wish)
    assert answer.status_code == 422
    assert "only a drill may" in answer.json()["detail"]
    assert await home.store.read(lambda tx: tx.count(ApprovalRow)) == 0


@pytest.mark.parametrize("sign", SIGNS)
async def test_no_title_of_an_incident_says_that_it_is_a_drill(
    responder: Someone, sign: str
) -> None:
    body = {"title": f"{sign}: can approvals be given?", "severity": "sev1"}
    assert (await responder.call("POST", "/v1/incidents", body)).status_code == 422


@pytest.mark.parametrize("words", ["We drilled down into it", "drillbit orders fail", "grill"])
async def test_words_that_only_look_alike_are_said_freely(responder: Someone, words: str) -> None:
    await responder.post("/v1/incidents", {"title": words, "severity": "sev3"})


async def test_no_action_is_called_drill(run: RunAt) -> None:
    await run.starts("terminate")
    answer = await run.call("POST", "/v1/actions", run.wishes(action=OPERATION))
    assert answer.json()["code"] in {"unknown-action", "not-in-manifest"}


async def test_only_the_prompt_of_a_drill_begins_like_one(
    approver: Someone, asked: str, drill: dict[str, Any]
) -> None:
    real = await approver.prompt(asked)
    practice = await approver.prompt(_only(drill)["approval"])
    assert practice["prompt_text"].startswith("DRILL · ")
    assert "Nothing runs." in practice["prompt_text"]
    assert "drill" not in real["prompt_text"].casefold()
    assert real["prompt_text"].startswith(f"{asked} · ")


async def test_only_what_has_nothing_to_do_in_it_is_a_drill(
    home: House, asked: str, drill: dict[str, Any]
) -> None:
    seal = home.gateway.drills._seal  # noqa: SLF001  the one that sealed it
    practice = opened(seal, await _row(home, _only(drill)["approval"]))
    real = opened(seal, await _row(home, asked))
    assert is_drill(practice)
    assert not is_drill(real)
    assert not is_drill(replace(real, operation=OPERATION))
    same = {entry.name for entry in fields(real) if not getattr(practice, entry.name)}
    for name in same:
        if getattr(real, name):
            assert not is_drill(replace(practice, **{name: getattr(real, name)})), name


# --- in Slack -----------------------------------------------------------------------------------


@asynccontextmanager
async def _sweeping(home: House) -> AsyncIterator[None]:
    async def sweep() -> None:
        while True:
            await home.gateway.drills.sweep()
            await asyncio.sleep(0.02)

    task = asyncio.create_task(sweep())
    try:
        yield
    finally:
        task.cancel()


@pytest.fixture
async def chat(home: House) -> AsyncIterator[ChatAt]:
    """The gateway, connected to a Slack."""
    async with FakeSlack() as slack, in_slack(home, slack) as connected:
        yield connected


async def test_the_card_of_a_drill_says_so_first_and_is_pressed_like_any_other(
    home: House, chat: ChatAt, steward: Someone
) -> None:
    drill = await steward.post("/v1/drills", {"rule": "one-dba"})
    asked = _only(drill)["approval"]
    await chat.settles()
    (message,) = chat.messages
    assert message.shown.startswith(f"DRILL · {asked} · {drill['incident']}: nothing runs")
    assert message.text.startswith("DRILL · ")
    assert "Nothing runs. Press Approve to show that you can." in message.shown
    assert message.actions == ["approve", "deny", "open"]
    async with _sweeping(home):
        await chat.presses("anna", message, "approve")
        while not (await steward.get(f"/v1/drills/{drill['incident']}"))["over"]:
            await chat.settles()
    assert message.actions == ["open"]
    assert "Nothing ran: it is a drill." in message.shown
    rule = _only(await steward.get(f"/v1/drills/{drill['incident']}"))
    assert [each["channel"] for each in rule["answers"]] == ["slack"]


async def test_no_card_of_anything_real_begins_like_a_drills(chat: ChatAt, asked: str) -> None:
    message = await chat.shows(asked)
    assert "drill" not in message.shown.casefold()
    assert "drill" not in message.text.casefold()


async def test_a_drill_that_ran_out_of_time_loses_its_buttons(
    home: House, chat: ChatAt, steward: Someone
) -> None:
    await steward.post("/v1/drills", {"rule": "one-dba"})
    await chat.settles()
    (message,) = chat.messages
    home.clock.pass_time(minutes=11)
    await home.gateway.approvals.expire()
    await home.gateway.drills.sweep()
    await chat.settles()
    assert message.actions == ["open"]
