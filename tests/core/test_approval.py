"""Proposals and votes as values: one byte string for each proposal, one answer to each vote."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from interlock_gateway.core.approval import (
    LIVE,
    TRANSITIONS,
    UNSETTLED,
    ApprovalState,
    Ballot,
    Proposal,
    canonical,
    digest,
    read,
    refuse_use,
    refuse_vote,
)

_NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)

PROPOSAL = Proposal(
    incident="INC-1",
    run="R-1",
    step="terminate",
    attempt=1,
    ordinal=0,
    source_digest="sha256:1",
    runbook="small@1.0.0",
    runbook_digest="sha256:2",
    requester="responder",
    target="orders",
    dialect="postgres",
    tier="production",
    generation="1",
    operation="pg.terminate_backend",
    action_digest="sha256:3",
    effect="admin",
    statement="SELECT pg_terminate_backend($1)",
    names=("pid",),
    values={"pid": {"type": "integer", "value": 4711}},
    arguments={"pid": {"type": "integer", "value": 4711}},
    expect="one row, true",
    rows=0,
    max_rows=1,
    precheck={},
    verify={},
    image={},
    preview={"columns": [{"name": "pid", "type": "integer"}], "rows": [[4711]]},
    blast_radius="One session.",
    undo="Cannot be undone.",
    reason="it blocks others",
    line="p, incident:responder, …",
    rule={"name": "one-approver", "needs": "one dba"},
    requested_at="2026-01-02T03:04:05.000Z",
    expires_at="2026-01-02T03:19:05.000Z",
    nonce="n",
)

_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)
_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)


@given(_TEXT, _TEXT, st.dictionaries(_TEXT, _JSON, max_size=3), st.integers(0, 10**9))
def test_a_proposal_is_read_back_as_it_was(
    statement: str, reason: str, arguments: dict[str, Any], rows: int
) -> None:
    proposal = replace(
        PROPOSAL, statement=statement, reason=reason, arguments=arguments, rows=rows
    )
    assert read(canonical(proposal)) == proposal


@given(_TEXT, _TEXT, _TEXT, _TEXT)
def test_two_proposals_never_share_their_bytes(a: str, b: str, c: str, d: str) -> None:
    """Moving text from one field to the next changes the bytes: lengths are part of them."""
    one = canonical(replace(PROPOSAL, undo=a, reason=b))
    two = canonical(replace(PROPOSAL, undo=c, reason=d))
    assert (one == two) == ((a, b) == (c, d))


@pytest.mark.parametrize("name", Proposal.__dataclass_fields__)
def test_the_digest_covers_every_field(name: str) -> None:
    value = getattr(PROPOSAL, name)
    other = (
        value + 1
        if isinstance(value, int)
        else ("x", *value)
        if isinstance(value, tuple)
        else {**value, "x": 1}
        if isinstance(value, dict)
        else value + "x"
    )
    change: dict[str, Any] = {name: other}
    changed = replace(PROPOSAL, **change)
    assert digest(canonical(changed)) != digest(canonical(PROPOSAL))


@pytest.mark.parametrize("damage", [b"", b"interlock-proposal/v2\n", b"junk", b"\xff\xfe"])
def test_bytes_of_another_version_are_not_read(damage: bytes) -> None:
    with pytest.raises(ValueError, match="proposal"):
        read(damage)


@given(st.integers(0, 400), st.binary(max_size=8))
def test_damaged_bytes_never_read_as_the_same_proposal(place: int, junk: bytes) -> None:
    whole = canonical(PROPOSAL)
    damaged = whole[:place] + junk + whole[place + len(junk) :]
    try:
        found = read(damaged)
    except (ValueError, TypeError):
        return
    assert (found == PROPOSAL) == (damaged == whole)


BALLOT = Ballot(
    state=ApprovalState.PENDING,
    digest="sha256:d",
    requester="responder",
    expires_at=_NOW + timedelta(minutes=15),
    voted=frozenset(),
    eligible=frozenset({"approver"}),
)


def _vote(ballot: Ballot = BALLOT, person: str = "approver", **changes: Any) -> str:
    given_: dict[str, Any] = {"seen": "sha256:d", "prompted": True, "now": _NOW} | changes
    refusal = refuse_vote(ballot, person, **given_)
    return refusal.code if refusal else "counts"


def test_a_vote_counts_once_from_an_eligible_person_who_saw_it() -> None:
    assert _vote() == "counts"
    assert _vote(seen="sha256:other") == "approval-changed"
    assert _vote(prompted=False) == "approval-changed"
    assert _vote(now=_NOW + timedelta(minutes=15)) == "approval-expired"
    assert _vote(person="responder") == "self-approval"
    assert _vote(person="observer") == "not-eligible"
    assert _vote(replace(BALLOT, voted=frozenset({"approver"}))) == "already-voted"


def test_the_requester_never_counts_even_when_listed() -> None:
    ballot = replace(BALLOT, eligible=frozenset({"responder", "approver"}))
    assert _vote(ballot, "responder") == "self-approval"


@pytest.mark.parametrize("state", [one for one in ApprovalState if one != "pending"])
def test_only_a_pending_request_takes_votes(state: ApprovalState) -> None:
    assert _vote(replace(BALLOT, state=state)) == "approval-decided"


@pytest.mark.parametrize("state", list(ApprovalState))
def test_only_a_fresh_grant_can_be_used(state: ApprovalState) -> None:
    refusal = refuse_use(state, _NOW + timedelta(seconds=1), _NOW)
    assert (refusal is None) == (state is ApprovalState.APPROVED)
    assert refuse_use(state, _NOW, _NOW) is not None
    assert refuse_use(state, None, _NOW) is not None


def test_no_state_is_stuck_and_no_end_goes_on() -> None:
    """Every live state leads to an end; what has ended stays ended."""
    ends = {state for state in ApprovalState if not TRANSITIONS.get(state)}
    assert ends == set(ApprovalState) - UNSETTLED
    assert LIVE <= UNSETTLED
    for state in UNSETTLED:
        assert _reachable(state) & ends
    assert ApprovalState.EXECUTING not in _reachable(ApprovalState.EXECUTING)


def _reachable(state: ApprovalState) -> set[ApprovalState]:
    found: set[ApprovalState] = set()
    todo = set(TRANSITIONS.get(state, ()))
    while todo:
        found |= todo
        todo = {goal for one in todo for goal in TRANSITIONS.get(one, ())} - found
    return found
