"""`interlock doctor --drill`: who is asked is watched, and the report says who answered."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from desk import Desk
from interlock.cli import drill

ANSWER = {"person": "approver", "vote": "approve", "channel": "slack", "after_s": 41.2}
RULE = {
    "rule": "one-dba",
    "needs": "one dba",
    "approval": "A-1",
    "state": "pending",
    "reached": False,
    "over": False,
    "answers": [],
    "silent": ["approver", "colleague"],
    "why": "",
}
DONE = RULE | {
    "state": "succeeded",
    "reached": True,
    "over": True,
    "answers": [ANSWER],
    "silent": ["colleague"],
}
LATE = RULE | {
    "rule": "dba-and-commander",
    "needs": "one dba and one incident:commander",
    "state": "expired",
    "over": True,
    "why": "nobody decided in time",
}


def report(*rules: dict[str, Any]) -> dict[str, Any]:
    over = all(rule["over"] for rule in rules)
    return {"incident": "INC-1", "by": "you", "over": over, "rules": list(rules)}


def in_turn(*reports: dict[str, Any]) -> Callable[[httpx.Request], httpx.Response]:
    waiting: Iterator[dict[str, Any]] = iter(reports)
    return lambda _: httpx.Response(200, json=next(waiting))


@pytest.fixture
def steward(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """Somebody who may start a drill, and whose looks do not take a second."""
    monkeypatch.setattr(drill, "_LOOK_S", 0.0)
    desk.gateway.routes["POST /v1/drills"] = report(RULE)
    return desk


def test_a_drill_in_which_everybody_answers_ends_well(steward: Desk) -> None:
    steward.gateway.routes["GET /v1/drills/INC-1"] = in_turn(report(RULE), report(DONE))
    result = steward.run("doctor --drill one-dba --minutes 2")
    assert result.code == 0
    sent = steward.gateway.last("POST /v1/drills")
    assert sent == {"rule": "one-dba", "commander": "", "within_s": 120}
    assert "approver approved in Slack after 41 s" in result.out
    assert "not needed     colleague" in result.out
    assert "✔ Every rule reached its quorum: 1 in all. Nothing ran." in result.out
    assert "1 question waits in Slack" in result.err
    assert result.err.count("one-dba: approver approved in Slack after 41 s") == 1


def test_a_rule_that_misses_its_quorum_fails_and_names_who_never_answered(steward: Desk) -> None:
    steward.gateway.routes["GET /v1/drills/INC-1"] = report(DONE, LATE)
    result = steward.run("doctor --drill")
    assert result.code == 1
    assert "✖ not reached: nobody decided in time" in result.out
    assert "never answered approver, colleague" in result.out
    assert "✖ 1 of 2 rules did not reach their quorum: dba-and-commander." in result.out


def test_what_nobody_could_fill_says_how_a_commander_is_named(steward: Desk) -> None:
    why = "nobody could fill it: it needs one dba and one incident:commander, and not you"
    steward.gateway.routes["GET /v1/drills/INC-1"] = report(
        LATE | {"state": "invalidated", "silent": [], "why": why}
    )
    assert "`--commander PERSON`" in steward.run("doctor --drill").out.replace("\n   ", " ")


def test_every_line_fits_a_narrow_terminal(steward: Desk) -> None:
    many = [f"somebody-{number}" for number in range(30)]
    hostile = ANSWER | {"person": "x\x1b[2J" * 5}
    steward.gateway.routes["GET /v1/drills/INC-1"] = report(
        DONE | {"answers": [hostile], "silent": many}, LATE | {"silent": many, "why": "no " * 90}
    )
    result = steward.run("doctor --drill")
    lines = [*result.out.splitlines(), *result.err.splitlines()]
    assert max(map(len, lines)) <= 80
    assert "\x1b" not in result.out + result.err


def test_json_is_the_report_alone(steward: Desk) -> None:
    steward.gateway.routes["GET /v1/drills/INC-1"] = report(DONE)
    result = steward.run("doctor --drill --json")
    assert json.loads(result.out)["rules"][0]["reached"] is True
    assert result.err == ""


def test_who_may_not_is_told_which_setting_decides(steward: Desk) -> None:
    steward.gateway.refuses(
        "POST /v1/drills",
        403,
        code="no-permission",
        detail="you may not start a drill",
        line="steward_role = sre",
    )
    result = steward.run("doctor --drill")
    assert result.code == 5
    assert "steward_role = sre" in result.err


@pytest.mark.parametrize("line", ["doctor one-dba", "doctor --commander ann"])
def test_a_rule_without_a_drill_is_a_usage_error(steward: Desk, line: str) -> None:
    result = steward.run(line)
    assert result.code == 2
    assert "--drill" in result.err


def test_a_drill_is_approved_in_a_terminal_by_typing_that_it_is_one(desk: Desk) -> None:
    asked = {
        "id": "A-1",
        "state": "pending",
        "target": {"name": "", "tier": "", "dialect": ""},
        "operation": "drill",
        "proposal_digest": "sha256:p",
        "prompt_digest": "sha256:q",
        "prompt_text": "DRILL",
        "rule": {},
    }
    desk.gateway.routes["GET /v1/approvals/A-1"] = asked
    desk.gateway.routes["POST /v1/approvals/A-1/votes"] = asked | {"state": "approved"}
    assert desk.run("approvals approve A-1", terminal=True, answers=[""]).code == 1
    result = desk.run("approvals approve A-1", terminal=True, answers=["drill"])
    assert "It was a drill: nothing runs." in result.out
