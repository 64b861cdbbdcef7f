"""Approvals as values: the proposal that is voted on, its digest, and which step may follow.

The digest covers the canonical, channel-independent proposal, versioned and length-prefixed, so
that no two proposals share their bytes. Each rendering of it has a prompt digest of its own; a
vote names both: what was proposed and what that person saw.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, assert_never

from interlock import wire

_VERSION = b"interlock-proposal/v1\n"
_PLAN_VERSION = b"interlock-plan/v1\n"

FRESH_LOGIN = timedelta(minutes=5)
"""How long ago a login in the browser may lie, where a rule asks for a fresh one."""


class ApprovalState(StrEnum):
    """Where an approval request is; `TRANSITIONS` says what may follow."""

    PENDING = "pending"
    APPROVED = "approved"
    DENIED = "denied"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"
    REVOKED = "revoked"
    INVALIDATED = "invalidated"
    EXECUTING = "executing"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    OUTCOME_UNKNOWN = "outcome_unknown"
    RESOLVED = "resolved"


TRANSITIONS: Mapping[ApprovalState, frozenset[ApprovalState]] = {
    ApprovalState.PENDING: frozenset(
        {
            ApprovalState.APPROVED,
            ApprovalState.DENIED,
            ApprovalState.EXPIRED,
            ApprovalState.WITHDRAWN,
            ApprovalState.INVALIDATED,
        }
    ),
    ApprovalState.APPROVED: frozenset(
        {
            ApprovalState.EXECUTING,
            ApprovalState.EXPIRED,
            ApprovalState.REVOKED,
            ApprovalState.WITHDRAWN,
            ApprovalState.INVALIDATED,
        }
    ),
    ApprovalState.EXECUTING: frozenset(
        {ApprovalState.SUCCEEDED, ApprovalState.FAILED, ApprovalState.OUTCOME_UNKNOWN}
    ),
    ApprovalState.OUTCOME_UNKNOWN: frozenset({ApprovalState.RESOLVED}),
}
"""Every allowed step; the database enforces the same table by a trigger."""

LIVE = frozenset({ApprovalState.PENDING, ApprovalState.APPROVED, ApprovalState.EXECUTING})
UNSETTLED = LIVE | {ApprovalState.OUTCOME_UNKNOWN}
"""States in which the same thing may not be asked for again."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """Everything an approver says yes to; the stored bytes of this are what is executed.

    Attributes:
        incident, run, step, attempt, ordinal: where it comes from.
        source_digest: of the notebook cell that asks.
        runbook, runbook_digest: the curated text the cell belongs to.
        requester: the person who asks; never counts as an approver.
        target, dialect, tier, generation: what it touches, and which credential.
        operation: action id, or `execute` for free SQL.
        action_digest: of the catalogued action's file; "" for free SQL.
        effect: the effect class of the statement.
        statement: the exact text that will be sent.
        values: a wire-typed value for every parameter.
        expect, rows, max_rows: the only result under which it may stand.
        verify: what is asked afterwards: `{"text", "names", "expect", "within_ms"}`, or empty.
        precheck: what must hold just before: the same shape.
        image: what reads the rows right before they change: `{"text", "names"}`, or empty.
        preview: what a read showed when it was asked for, as JSON text.
        undo: how to take it back, or why that is not needed or not possible.
        reason: in the requester's words.
        line, rule: the text of the policy line that decided, and the approval rule it names.
        requested_at, expires_at: RFC 3339.
        nonce: random, so that no digest can be guessed or used again.
        plan: the plan it is part of: `{"id", "place", "of", "reason", "wish"}`, or empty.
    """

    incident: str
    run: str
    step: str
    attempt: int
    ordinal: int
    source_digest: str
    runbook: str
    runbook_digest: str
    requester: str
    target: str
    dialect: str
    tier: str
    generation: str
    operation: str
    action_digest: str
    effect: str
    statement: str
    names: tuple[str, ...]
    values: Mapping[str, Any]
    arguments: Mapping[str, Any]
    expect: str
    rows: int
    max_rows: int
    precheck: Mapping[str, Any]
    verify: Mapping[str, Any]
    image: Mapping[str, Any]
    preview: Mapping[str, Any]
    blast_radius: str
    undo: str
    reason: str
    line: str
    rule: Mapping[str, Any]
    requested_at: str
    expires_at: str
    nonce: str
    plan: Mapping[str, Any] = field(default_factory=dict)


def canonical(proposal: Proposal) -> bytes:
    """Return the one byte string that stands for `proposal`.

    Each field is written as its name, the length of its canonical JSON in bytes, and that JSON.
    One that is part of no plan has no such field.
    """
    out = [_VERSION]
    for name, value in asdict(proposal).items():
        if name == "plan" and not value:
            continue
        body = wire.canonical(value)
        out.append(f"{name} {len(body)}\n".encode() + body + b"\n")
    return b"".join(out)


def read(stored: bytes) -> Proposal:
    """Return the proposal that `canonical` wrote.

    Raises:
        ValueError: these bytes are not a proposal of this version.
    """
    if not stored.startswith(_VERSION):
        raise ValueError("These bytes are not a proposal of a version this gateway knows.")
    values: dict[str, Any] = {}
    rest = stored[len(_VERSION) :]
    while rest:
        head, _, rest = rest.partition(b"\n")
        name, _, size = head.decode().partition(" ")
        values[name] = wire.json_value(rest[: int(size)])
        rest = rest[int(size) + 1 :]
    if {*values, "plan"} != {entry.name for entry in fields(Proposal)}:
        raise ValueError("This proposal lacks fields, or has fields this gateway does not know.")
    proposal = Proposal(**{**values, "names": tuple(values["names"])})
    if canonical(proposal) != stored:
        raise ValueError("These bytes are not the one text that stands for their proposal.")
    return proposal


def digest(stored: bytes) -> str:
    """Return the proposal digest: what every vote and every execution must name."""
    return wire.digest(stored)


def plan_digest(plan: str, members: Sequence[str]) -> str:
    """Return the digest of a plan: of its id and its members' proposal digests, in their order.

    A vote names it, so that no member can be swapped, added, left out or moved after it was shown.
    """
    out = [_PLAN_VERSION, f"{plan} {len(members)}\n".encode()]
    out += (f"{len(member)}\n{member}\n".encode() for member in members)
    return wire.digest(b"".join(out))


def plan_state(states: Sequence[ApprovalState]) -> str:
    """Return where a plan is: the state that all its members share, or `mixed`."""
    return states[0].value if len(set(states)) == 1 else MIXED


MIXED = "mixed"
"""Of a plan whose members are in different states."""


@dataclass(frozen=True, slots=True)
class Ballot:
    """The state of one approval as far as a new vote is concerned.

    `plan` is the plan with which alone it can be voted on, where there is one.
    `web_only` says that its rule counts an approval only with a fresh login in the browser.
    """

    state: ApprovalState
    digest: str
    requester: str
    expires_at: datetime
    voted: frozenset[str]
    eligible: frozenset[str]
    plan: str = ""
    approval: str = ""
    web_only: bool = False


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a vote or an execution is refused: a code of `interlock.errors` and a sentence."""

    code: str
    message: str


class Freshness(StrEnum):
    """Where, and how long ago, somebody proved who they are."""

    ELSEWHERE = "elsewhere"
    STALE = "stale"
    FRESH = "fresh"


def login_at(logged_in_at: datetime | None, now: datetime) -> Freshness:
    """Return how fresh a login is; one that lies in the future, as clocks differ, is not.

    Args:
        logged_in_at: when this session of a browser began; None for a key, a chat or a run.
        now: the moment at which it counts.
    """
    if logged_in_at is None:
        return Freshness.ELSEWHERE
    return Freshness.FRESH if now - FRESH_LOGIN < logged_in_at <= now else Freshness.STALE


def refuse_login(login: Freshness, approval: str) -> Refusal | None:
    """Return why something that takes a fresh login in the browser is refused, or None."""
    match login:
        case Freshness.FRESH:
            return None
        case Freshness.STALE:
            minutes = int(FRESH_LOGIN.total_seconds() // 60)
            message = f"This takes a login of the last {minutes} minutes; yours is older."
            return Refusal("login-not-fresh", message)
        case Freshness.ELSEWHERE:
            message = f"This is taken in the browser alone, on the page /approvals/{approval}."
            return Refusal("confirm-in-web", message)
        case _:
            assert_never(login)


def refuse_vote(
    ballot: Ballot, person: str, *, seen: str, prompted: bool, now: datetime
) -> Refusal | None:
    """Return why `person` may not vote now, or None when the vote counts.

    Args:
        ballot: the approval's state, and who may vote on it.
        person: who votes.
        seen: the proposal digest that the vote names.
        prompted: whether the prompt digest it names was really shown for this approval.
        now: the moment of the vote.
    """
    checks = (
        (
            bool(ballot.plan),
            Refusal("in-a-plan", f"This is part of {ballot.plan}, which is voted on as a whole."),
        ),
        (
            ballot.state is not ApprovalState.PENDING,
            Refusal("approval-decided", f"This approval is {ballot.state.value} already."),
        ),
        (now >= ballot.expires_at, Refusal("approval-expired", "The time to decide has passed.")),
        (
            seen != ballot.digest or not prompted,
            Refusal("approval-changed", "The vote names another text than the one proposed."),
        ),
        (
            person == ballot.requester,
            Refusal("self-approval", "You asked for this; your own vote cannot count."),
        ),
        (person in ballot.voted, Refusal("already-voted", "You have voted on this already.")),
        (
            person not in ballot.eligible,
            Refusal("not-eligible", "The approval rule gives you no vote here."),
        ),
    )
    return next((refusal for refused, refusal in checks if refused), None)


def refuse_approving(ballot: Ballot, login: Freshness) -> Refusal | None:
    """Return why an approval, and only that, is not taken here: a denial is safe anywhere."""
    return refuse_login(login, ballot.approval) if ballot.web_only else None


def refuse_use(
    state: ApprovalState, grant_expires_at: datetime | None, now: datetime
) -> Refusal | None:
    """Return why a grant cannot be used now, or None when it can."""
    if state is not ApprovalState.APPROVED:
        return _UNUSABLE.get(
            state, Refusal("approval-used", f"This approval was used already: {state.value}.")
        )
    if grant_expires_at is None or now >= grant_expires_at:
        return Refusal("approval-expired", "The time to use this approval has passed.")
    return None


_UNUSABLE = {
    ApprovalState.PENDING: Refusal("approval-not-granted", "Nobody has decided on this yet."),
    ApprovalState.DENIED: Refusal("approval-denied", "This was denied."),
    ApprovalState.EXPIRED: Refusal("approval-expired", "This approval expired."),
    ApprovalState.WITHDRAWN: Refusal("approval-withdrawn", "This request was withdrawn."),
    ApprovalState.REVOKED: Refusal("approval-revoked", "This approval was revoked."),
    ApprovalState.INVALIDATED: Refusal("approval-invalidated", "This approval is void."),
    ApprovalState.OUTCOME_UNKNOWN: Refusal(
        "outcome-unknown", "It was used, and nobody knows yet what it did."
    ),
}
