"""A drill as a value: nothing in it can be done, nothing runs in it, and only it says so."""

from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from interlock_gateway.adapters.policy_files import read as policy_in
from interlock_gateway.core.approval import canonical, read
from interlock_gateway.core.approval_rule import ApprovalRule, Seats
from interlock_gateway.core.decision import (
    Act,
    Deny,
    Facts,
    Mutate,
    Operation,
    Read,
    Request,
    decide,
)
from interlock_gateway.core.drill import Occasion, claims, is_drill, proposed
from interlock_gateway.core.model import (
    Classification,
    Effect,
    Incident,
    IncidentRole,
    IncidentState,
    Mode,
    Run,
    Severity,
)
from interlock_gateway.core.prompt import prompt

POLICY = policy_in(Path(__file__).parents[2] / "policies")
RULE = ApprovalRule("one-dba", ((Seats("dba", 1),),), 900, 300, 100)
AT = Occasion("INC-1", "you", datetime(2026, 1, 2, tzinfo=UTC), timedelta(minutes=10), "nonce")
DRILL = proposed(RULE, AT)


def test_what_is_asked_in_a_drill_names_nothing_that_could_be_sent() -> None:
    assert is_drill(DRILL)
    assert read(canonical(DRILL)) == DRILL
    sent = (DRILL.target, DRILL.dialect, DRILL.statement, DRILL.values, DRILL.arguments)
    assert not any(sent)


def test_it_is_over_when_the_rule_or_the_starter_says_whichever_is_sooner() -> None:
    assert DRILL.expires_at == "2026-01-02T00:10:00.000Z"
    slow = proposed(RULE, replace(AT, within=timedelta(hours=1)))
    assert slow.expires_at == "2026-01-02T00:15:00.000Z"


@pytest.mark.parametrize(
    "name",
    [
        *("run", "step", "target", "dialect", "tier", "generation", "action_digest"),
        *("statement", "names", "values", "arguments", "precheck", "verify", "image"),
    ],
)
def test_anything_to_do_makes_it_no_drill(name: str) -> None:
    assert name in {entry.name for entry in fields(DRILL)}
    something: dict[str, Any] = {name: "x"}
    assert not is_drill(replace(DRILL, **something))


def test_no_other_word_makes_a_drill() -> None:
    assert not is_drill(replace(DRILL, operation="execute"))


@pytest.mark.parametrize("channel", ["web", "cli", "api"])
def test_its_prompt_says_so_first(channel: str) -> None:
    first, second, *_ = prompt(DRILL, "A-1", channel).splitlines()
    assert first.startswith("DRILL · A-1")
    assert second == "Nothing runs. Press Approve to show that you can."


def stated(effect: Effect) -> Classification:
    """Return a statement of some effect."""
    return Classification(effect, (), "select")


@pytest.mark.parametrize(
    "operation",
    [
        Read(stated(Effect.READ)),
        Mutate(stated(Effect.WRITE), 1),
        Act("pg.terminate_backend", known=True, dialect="postgres"),
        Act("drill", known=True),
    ],
)
def test_whatever_is_asked_in_a_drills_incident_is_refused(operation: Operation) -> None:
    roles = {"you": IncidentRole.COMMANDER}
    incident = Incident("INC-1", "DRILL", Severity.SEV4, IncidentState.OPEN, roles, drill=True)
    run = Run("R-1", "INC-1", "small", "1", "sha256:0", Mode.CURATED, "you", active=True)
    found = decide(Request("you", operation, "orders"), POLICY, Facts(incident, run, None))
    assert isinstance(found, Deny)
    assert found.code == "only-a-drill"


@given(st.text(max_size=60), st.text(max_size=60))
def test_the_word_is_found_wherever_it_stands(before: str, after: str) -> None:
    assert claims(f"{before} DRILL {after}")


@pytest.mark.parametrize(
    "text",
    ["", "Checkout is slow", "drilled", "a drilling rig", "drillbits", "grill", "drily", "d r"],
)
def test_other_words_claim_nothing(text: str) -> None:
    assert not claims(text)
