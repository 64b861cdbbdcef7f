"""Saying yes: everything is shown first, a name is typed, and nothing is assumed."""

import json

import pytest
from desk import Desk

APPROVAL = {
    "id": "A-1",
    "number": 1,
    "version": 2,
    "state": "pending",
    "incident": "INC-1",
    "run": "R-1",
    "step": "terminate",
    "requester": "you",
    "target": {"name": "orders", "tier": "production", "dialect": "postgres"},
    "operation": "pg.terminate_backend",
    "effect": "admin",
    "proposal_digest": "sha256:p",
    "prompt_digest": "sha256:q",
    "prompt_text": "you asks to end pid 17 on orders\nundo: none\nEvil \x1b[2J text",
    "rule": {"name": "one-approver", "needs": "1 dba", "eligible": ["colleague"]},
    "votes": [],
    "expires_at": "2026-11-23T12:15:00+00:00",
}
VOTES = "POST /v1/approvals/A-1/votes"


@pytest.fixture
def approver(desk: Desk) -> Desk:
    desk.gateway.routes["GET /v1/approvals/A-1"] = APPROVAL
    desk.gateway.routes[VOTES] = APPROVAL | {"state": "approved"}
    return desk


def test_the_list_shows_what_waits(desk: Desk) -> None:
    desk.gateway.routes["GET /v1/approvals"] = {"approvals": [APPROVAL | {"target": "orders"}]}
    expected = "A-1\tpending\tINC-1\tyou\torders\t12:15:00Z\tpg.terminate_backend\n"
    assert desk.run("approvals").out == expected
    assert desk.run("approvals list --state pending").out == expected


def test_a_list_that_is_cut_says_so_beside_the_results(desk: Desk) -> None:
    whole = {"approvals": [APPROVAL | {"target": "orders"}], "total": 1, "cut": False}
    desk.gateway.routes["GET /v1/approvals"] = whole
    assert desk.run("approvals").err == ""
    desk.gateway.routes["GET /v1/approvals"] = whole | {"total": 1_000, "cut": True}
    result = desk.run("approvals")
    assert result.out.count("A-1") == 1
    assert "These are the newest 1 of 1,000" in result.err


def test_an_empty_list_says_when_there_is_something(desk: Desk) -> None:
    desk.gateway.routes["GET /v1/approvals"] = {"approvals": []}
    assert "action step" in desk.run("approvals", terminal=True).out


def test_typing_the_targets_name_approves_what_was_shown(approver: Desk) -> None:
    result = approver.run("approvals approve A-1", terminal=True, answers=["orders"])
    assert result.code == 0
    assert "you asks to end pid 17 on orders" in result.out
    assert "undo: none" in result.out
    assert approver.gateway.last(VOTES) == {
        "vote": "approve",
        "proposal_digest": "sha256:p",
        "prompt_digest": "sha256:q",
        "reason": "",
    }


@pytest.mark.parametrize("answer", ["", "y", "yes", "order", "ORDERS", "A-1"])
def test_anything_else_sends_nothing(approver: Desk, answer: str) -> None:
    result = approver.run("approvals approve A-1", terminal=True, answers=[answer])
    assert result.code == 1
    assert "Nothing was sent." in result.out
    assert [line for line, _ in approver.gateway.asked] == ["GET /v1/approvals/A-1"]


def test_without_a_terminal_nothing_is_asked_and_the_flag_is_named(approver: Desk) -> None:
    result = approver.run("approvals approve A-1")
    assert result.code == 2
    assert "--confirm TARGET" in result.err
    assert VOTES not in dict(approver.gateway.asked)


def test_a_script_confirms_by_the_targets_name(approver: Desk) -> None:
    assert approver.run("approvals approve A-1 --confirm orders -r 'looked at it'").code == 0
    assert approver.gateway.last(VOTES)["reason"] == "looked at it"


def test_a_script_that_confirms_another_target_sends_nothing(approver: Desk) -> None:
    assert approver.run("approvals approve A-1 --confirm billing").code == 1
    assert VOTES not in dict(approver.gateway.asked)


def test_the_prompt_cannot_steer_the_terminal(approver: Desk) -> None:
    out = approver.run("approvals show A-1", terminal=True).out
    assert "\x1b" not in out
    assert "Evil" in out


def test_showing_says_who_may_decide_and_how(approver: Desk) -> None:
    out = approver.run("approvals show A-1", terminal=True).out
    assert "colleague may decide until 2026-11-23 12:15:00Z" in out
    assert "interlock approvals approve A-1" in out


def test_a_rule_for_the_browser_sends_nothing_and_names_the_page(approver: Desk) -> None:
    rule = APPROVAL["rule"] | {"confirm_in": "web"}  # type: ignore[operator]  # it is a dict
    approver.gateway.routes["GET /v1/approvals/A-1"] = APPROVAL | {"rule": rule}
    result = approver.run("approvals approve A-1 --confirm orders")
    assert result.code == 5
    assert "/approvals/A-1" in result.err
    assert VOTES not in dict(approver.gateway.asked)


def test_showing_says_that_the_glass_was_broken_by_whom_and_why(approver: Desk) -> None:
    broken = {"person": "you", "reason": "Nobody answers \x1b[2J", "at": APPROVAL["expires_at"]}
    more = {"state": "approved", "broken_by": "you", "broken": broken}
    approver.gateway.routes["GET /v1/approvals/A-1"] = APPROVAL | more
    out = approver.run("approvals show A-1", terminal=True).out
    assert "A-1 is approved, glass broken by you." in out
    assert "you broke the glass for their own request at 2026-11-23 12:15:00Z: Nobody" in out
    assert "\x1b" not in out


def test_showing_says_who_may_break_the_glass(approver: Desk) -> None:
    rule = APPROVAL["rule"] | {"break_glass_by": ["sre"]}  # type: ignore[operator]  # it is a dict
    approver.gateway.routes["GET /v1/approvals/A-1"] = APPROVAL | {"rule": rule}
    out = approver.run("approvals show A-1", terminal=True).out
    assert "sre may break the glass, in the browser." in out


def test_a_list_marks_what_no_approver_decided(desk: Desk) -> None:
    item = APPROVAL | {"target": "orders", "state": "succeeded", "broken_by": "you"}
    desk.gateway.routes["GET /v1/approvals"] = {"approvals": [item]}
    assert "\tsucceeded, glass broken by you\t" in desk.run("approvals list").out


def test_denying_needs_a_reason(approver: Desk) -> None:
    approver.gateway.routes[VOTES] = APPROVAL | {"state": "denied"}
    assert approver.run("approvals deny A-1", terminal=True, answers=[""]).code == 1
    assert VOTES not in dict(approver.gateway.asked)
    assert approver.run("approvals deny A-1 --reason 'wrong pid'").code == 0
    assert approver.gateway.last(VOTES)["vote"] == "deny"


def test_a_first_of_two_votes_says_that_it_still_waits(approver: Desk) -> None:
    approver.gateway.routes[VOTES] = APPROVAL
    assert "still waits" in approver.run("approvals approve A-1 --confirm orders").out


def test_approving_ones_own_request_is_a_refusal(approver: Desk) -> None:
    approver.gateway.refuses(VOTES, 403, code="self-approval", detail="You asked for it.")
    result = approver.run("approvals approve A-1 --confirm orders")
    assert result.code == 5
    assert "the people named by `interlock approvals show`" in result.err


ENDS = [
    ("pending", 8),
    ("approved", 0),
    ("succeeded", 0),
    ("denied", 6),
    ("expired", 6),
    ("withdrawn", 6),
    ("failed", 1),
    ("outcome_unknown", 7),
    ("a-state-of-tomorrow", 1),
]


@pytest.mark.parametrize(("state", "code"), ENDS)
def test_waiting_for_a_decision_tells_it_by_exit_code(desk: Desk, state: str, code: int) -> None:
    desk.gateway.routes["GET /v1/approvals/A-1"] = APPROVAL | {"state": state}
    assert desk.run("approvals show A-1 --wait 0.1").code == code
    assert desk.run("approvals show A-1").code == 0


def test_show_as_json_is_the_whole_request(approver: Desk) -> None:
    assert json.loads(approver.run("approvals show A-1 --json").out) == APPROVAL


def test_withdrawing_and_resolving_are_one_request_each(desk: Desk) -> None:
    desk.gateway.routes["POST /v1/approvals/A-1/withdraw"] = APPROVAL
    desk.gateway.routes["POST /v1/approvals/A-1/resolve"] = APPROVAL
    desk.gateway.routes["POST /v1/approvals/A-1/revoke"] = APPROVAL
    assert desk.run("approvals withdraw A-1").code == 0
    assert desk.run("approvals revoke A-1").code == 2  # without a reason nothing is sent
    assert desk.run("approvals revoke A-1 --reason 'the wrong session'").code == 0
    revoked = desk.gateway.last("POST /v1/approvals/A-1/revoke")
    assert revoked == {"reason": "the wrong session"}
    assert desk.run("approvals resolve A-1 failed --reason 'still there'").code == 0
    resolved = desk.gateway.last("POST /v1/approvals/A-1/resolve")
    assert resolved == {"outcome": "failed", "reason": "still there"}


# --- plans ------------------------------------------------------------------------------------

MEMBERS = [
    APPROVAL | {"plan": "P-1", "plan_place": 1},
    APPROVAL
    | {"id": "A-2", "plan": "P-1", "plan_place": 2, "operation": "execute"}
    | {"target": {"name": "jobs"}},
]
PLAN = APPROVAL | {
    "id": "P-1",
    "members": MEMBERS,
    "plan_digest": "sha256:plan",
    "prompt_text": "P-1 · a plan of 2\n\n1 of 2\n  A-1 · ends " + "pid 17 " * 20,
}
PLAN_VOTES = "POST /v1/plans/P-1/votes"


@pytest.fixture
def planned(desk: Desk) -> Desk:
    desk.gateway.routes["GET /v1/plans/P-1"] = PLAN
    desk.gateway.routes[PLAN_VOTES] = PLAN | {"state": "approved"}
    return desk


def test_a_plan_that_waits_is_one_entry_of_the_list(desk: Desk) -> None:
    alone = APPROVAL | {"id": "A-3", "target": "orders"}
    second, first = MEMBERS[1] | {"target": "jobs"}, MEMBERS[0] | {"target": "orders"}
    listed = [alone, second, first]
    desk.gateway.routes["GET /v1/approvals"] = {"approvals": listed}
    lines = desk.run("approvals").out.splitlines()
    assert [line.split("\t")[0] for line in lines] == ["A-3", "P-1"]
    assert lines[1].endswith("orders jobs\t12:15:00Z\tplan of 2: pg.terminate_backend, execute")


def test_a_plan_is_shown_whole_in_eighty_columns(planned: Desk) -> None:
    out = planned.run("approvals show P-1", terminal=True).out
    assert "1 of 2" in out
    assert max(map(len, out.splitlines())) <= 80
    assert all(line.startswith("  ") for line in out.splitlines() if "pid 17" in line)
    assert "interlock approvals approve P-1" in out


def test_approving_a_plan_takes_the_name_of_each_target(planned: Desk) -> None:
    result = planned.run("approvals approve P-1", terminal=True, answers=["orders jobs"])
    assert result.code == 0
    assert "Each action runs once" in result.out
    assert planned.gateway.last(PLAN_VOTES) == {
        "vote": "approve",
        "plan_digest": "sha256:plan",
        "prompt_digest": "sha256:q",
        "reason": "",
    }


@pytest.mark.parametrize("answer", ["", "orders", "jobs orders", "P-1"])
def test_one_name_of_two_approves_no_plan(planned: Desk, answer: str) -> None:
    result = planned.run("approvals approve P-1", terminal=True, answers=[answer])
    assert result.code == 1
    assert PLAN_VOTES not in dict(planned.gateway.asked)


def test_denying_and_withdrawing_a_plan(planned: Desk) -> None:
    assert planned.run("approvals deny P-1 --reason 'not both'").code == 0
    assert planned.gateway.last(PLAN_VOTES)["vote"] == "deny"
    planned.gateway.routes["POST /v1/plans/P-1/withdraw"] = PLAN
    assert planned.run("approvals withdraw P-1").code == 0
