"""A plan as a value: what its digest covers, what its prompt shows, and who could decide on it."""

from dataclasses import replace
from typing import Any

import pytest
from core.test_approval import PROPOSAL
from hypothesis import given
from hypothesis import strategies as st
from interlock_gateway.core.approval import (
    ApprovalState,
    Proposal,
    canonical,
    plan_digest,
    plan_state,
    read,
)
from interlock_gateway.core.prompt import plan_prompt, prompt, prompt_digest

RULE = {**PROPOSAL.rule, "use_within_s": 300}
DIGESTS = st.lists(st.text(max_size=4), min_size=1, max_size=4)


def member(place: int = 1, **changes: Any) -> tuple[str, Proposal]:
    plan = {"id": "P-1", "place": place, "of": 2, "reason": "free, then feed", "wish": f"w{place}"}
    return f"A-{place}", replace(PROPOSAL, **{"plan": plan, "rule": RULE, **changes})


@given(DIGESTS, DIGESTS)
def test_no_two_plans_have_one_digest(one: list[str], other: list[str]) -> None:
    assert (plan_digest("P-1", one) == plan_digest("P-1", other)) == (one == other)


def test_the_digest_names_the_plan_and_the_order() -> None:
    assert plan_digest("P-1", ["a", "b"]) != plan_digest("P-2", ["a", "b"])
    assert plan_digest("P-1", ["a", "b"]) != plan_digest("P-1", ["b", "a"])
    assert plan_digest("P-1", ["a", "b"]) != plan_digest("P-1", ["a"])


@pytest.mark.parametrize("name", ["id", "place", "of", "reason", "wish"])
def test_a_members_digest_covers_its_plan_and_its_place(name: str) -> None:
    _, proposal = member()
    other = replace(proposal, plan={**proposal.plan, name: "other"})
    assert canonical(other) != canonical(proposal)
    assert read(canonical(proposal)) == proposal


def test_what_is_asked_for_alone_is_written_as_before_there_were_plans() -> None:
    stored = canonical(PROPOSAL)
    assert b"\nplan " not in stored
    assert read(stored) == PROPOSAL
    with pytest.raises(ValueError, match="not the one text"):
        read(stored + b"plan 2\n{}\n")


def test_a_plan_is_where_all_of_it_is() -> None:
    pending, approved = ApprovalState.PENDING, ApprovalState.APPROVED
    assert plan_state([pending, pending]) == "pending"
    assert plan_state([pending, approved]) == "mixed"


def test_each_member_is_shown_exactly_as_if_it_were_alone() -> None:
    members = [member(1), member(2, statement="SELECT 2", reason="", undo="two\nlines")]
    told = plan_prompt(members, "web")
    for approval, proposal in members:
        alone = prompt(proposal, approval, "web").rstrip("\n").split("\n")
        assert "\n".join(f"  {line}" for line in alone) in told
    assert told.index("\n1 of 2\n") < told.index("A-1 ·") < told.index("\n2 of 2\n")


def test_the_whole_says_what_one_vote_means() -> None:
    told = plan_prompt([member(1), member(2)], "cli")
    for sentence in (
        "P-1 · INC-1 · shown in cli",
        "asked by responder: a plan of 2, to be decided on as a whole",
        "reason: free, then feed",
        "one vote counts for every one of them; a denial denies all",
        "each may be used once; whatever differs when its turn comes asks again",
        "previews show the state before any of these ran",
        "to be used, counted from the deciding vote, within 300 s",
        "decide before: 2026-01-02T03:19:05.000Z",
    ):
        assert sentence in told.split("\n")


def test_clocks_that_differ_are_told_for_each() -> None:
    slow = {**RULE, "use_within_s": 600}
    told = plan_prompt([member(1), member(2, rule=slow)], "web")
    assert "within 300 s (1), 600 s (2)" in told


def test_each_channel_has_its_own_digest() -> None:
    members = [member(1), member(2)]
    assert len({prompt_digest(plan_prompt(members, name)) for name in ("web", "cli")}) == 2


@given(st.sampled_from(["statement", "undo", "blast_radius", "reason"]), st.text(max_size=60))
def test_no_text_of_a_member_looks_like_the_beginning_of_another(field: str, text: str) -> None:
    changes: dict[str, Any] = {field: f"{text}\n2 of 2\nP-1 · INC-1\n{text}"}
    told = plan_prompt([member(1, **changes), member(2)], "web").split("\n")
    plain = plan_prompt([member(1), member(2)], "web").split("\n")
    assert [line for line in told if not line.startswith("  ")] == [
        line for line in plain if not line.startswith("  ")
    ]
