"""Who may break the glass, as values: one refusal for each thing that is missing."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from interlock_gateway.core.approval import (
    ApprovalState,
    Freshness,
    login_at,
    refuse_login,
)
from interlock_gateway.core.approval_rule import ApprovalRule, Seats
from interlock_gateway.core.glass import Glass, refuse_break, refuse_words

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
RULE = ApprovalRule(
    "r-or-break-glass", ((Seats("dba", 1),),), 900, 300, 10, break_glass_by=("sre",)
)
WHOLE = Glass(
    approval="A-1",
    state=ApprovalState.PENDING,
    expires_at=NOW + timedelta(minutes=1),
    incident_open=True,
    rule=RULE,
    standing=frozenset({"sre"}),
    before=(),
    login=Freshness.FRESH,
)


def code(**changes: Any) -> str:
    refused = refuse_break(replace(WHOLE, **changes), NOW)
    return refused.code if refused else ""


def test_whoever_policy_names_may_in_an_open_incident_freshly_logged_in() -> None:
    assert code() == ""


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"rule": None}, "no-break-glass"),
        ({"rule": replace(RULE, break_glass_by=())}, "no-break-glass"),
        ({"standing": frozenset()}, "not-eligible"),
        ({"standing": frozenset({"dba", "incident:commander"})}, "not-eligible"),
        ({"expires_at": NOW}, "approval-expired"),
        ({"incident_open": False}, "incident-closed"),
        ({"before": (NOW, NOW, NOW)}, "too-many-breaks"),
        ({"login": Freshness.STALE}, "login-not-fresh"),
        ({"login": Freshness.ELSEWHERE}, "confirm-in-web"),
    ],
)
def test_each_thing_that_is_missing_refuses_it(changes: dict[str, Any], expected: str) -> None:
    assert code(**changes) == expected


@pytest.mark.parametrize("state", [each for each in ApprovalState if each != "pending"])
def test_only_what_waits_has_a_glass(state: ApprovalState) -> None:
    assert code(state=state) == "approval-decided"


def test_two_before_leave_one() -> None:
    assert code(before=(NOW, NOW)) == ""


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0, Freshness.FRESH),
        (299, Freshness.FRESH),
        (300, Freshness.STALE),
        (86_400, Freshness.STALE),
        (-1, Freshness.STALE),
    ],
)
def test_a_login_is_fresh_for_five_minutes(seconds: int, expected: Freshness) -> None:
    assert login_at(NOW - timedelta(seconds=seconds), NOW) is expected


def test_whoever_has_no_session_of_a_browser_is_never_fresh() -> None:
    assert login_at(None, NOW) is Freshness.ELSEWHERE
    refused = refuse_login(Freshness.ELSEWHERE, "A-7")
    assert refused is not None
    assert "/approvals/A-7" in refused.message


@pytest.mark.parametrize(
    ("reason", "enough"),
    [
        ("Nobody of the dbas answers.", True),
        ("Ни один из дежурных не отвечает", True),
        ("当番の全員に電話をかけたが、誰も応答しないため今すぐ止める", True),
        ("down down down", False),
        ("aaaaaaaaaaaaaaaaaaaaaaaaa", False),
        ("." * 30, False),
        ("\u2060" * 30 + "short", False),
        ("x" * 70_000 + "Nobody answers at all", False),
    ],
)
def test_a_reason_is_made_of_what_can_be_read(reason: str, *, enough: bool) -> None:
    assert (refuse_words(reason, "orders", "orders") is None) is enough


def test_the_targets_name_is_typed_as_it_is() -> None:
    assert refuse_words("Nobody of the dbas answers.", "ordérs", "orders") is not None
