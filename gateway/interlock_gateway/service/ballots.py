"""What a vote, or a broken glass, is checked against, and how each is written down."""

from collections.abc import Sequence
from datetime import datetime

from interlock_gateway.core.approval import ApprovalState, Ballot, Freshness, Refusal
from interlock_gateway.core.approval_rule import WEB
from interlock_gateway.core.glass import DAY, Glass
from interlock_gateway.core.policy import Policy
from interlock_gateway.core.timeline import Draft, text_part
from interlock_gateway.service.identity import Principal, login_of
from interlock_gateway.service.incidents import book_of, incident_of
from interlock_gateway.service.ports import Reading, Transaction
from interlock_gateway.service.records import (
    ApprovalRow,
    BreakRow,
    IncidentRow,
    VoteRow,
)

_REFUSALS_RECORDED = 10


def ballot_of(tx: Reading, row: ApprovalRow, votes: Sequence[VoteRow], policy: Policy) -> Ballot:
    """Return the state of an approval as far as a new vote is concerned."""
    rule = policy.rules.get(row.rule)
    found = incident_of(tx, row.incident)
    parts = found.roles if found else {}
    may = policy.eligible(rule, parts, row.requester) if rule else frozenset()
    return Ballot(
        state=ApprovalState(row.state),
        digest=row.digest,
        requester=row.requester,
        expires_at=row.expires_at,
        voted=frozenset(vote.person for vote in votes),
        eligible=may if is_open(tx, row) else frozenset(),
        approval=row.id,
        web_only=rule is not None and rule.confirm_in == WEB,
    )


def glass_of(
    tx: Reading, row: ApprovalRow, policy: Policy, who: Principal, now: datetime
) -> Glass:
    """Return what breaking the glass of an approval is checked against, for one person."""
    broken = tx.rows(BreakRow, person=who.person.id, order="-at", limit=100)
    return Glass(
        approval=row.id,
        state=ApprovalState(row.state),
        expires_at=row.expires_at,
        incident_open=is_open(tx, row),
        rule=policy.rules.get(row.rule),
        standing=policy.roles_of(who.person.id),
        before=tuple(one.at for one in broken if one.at > now - DAY),
        login=login_of(who, now),
    )


def is_open(tx: Reading, row: ApprovalRow) -> bool:
    """Tell whether the incident of an approval is open."""
    incident = tx.get(IncidentRow, row.incident)
    return incident is not None and incident.state == "open"


def cast(tx: Transaction, who: Principal, row: ApprovalRow, vote: VoteRow, channel: str) -> None:
    """Write down a vote that counts."""
    tx.add(vote)
    confirmed = {"confirmed_in": vote.confirmed_in} if vote.confirmed_in else {}
    tx.append(
        Draft(
            "approval.voted",
            who.authid,
            {
                "approval": row.id,
                "person": vote.person,
                "vote": vote.vote,
                "channel": channel,
                "proposal_digest": vote.proposal_digest,
                "prompt_digest": vote.prompt_digest,
                **confirmed,
            },
            {"reason": text_part(vote.reason)} if vote.reason else {},
            incident=row.incident,
            subject=row.id,
            correlationid=row.id,
            causationid=row.event,
        )
    )


def confirmed_in(who: Principal, now: datetime) -> str:
    """Return "web" for somebody with a fresh login in a browser, else ""."""
    return WEB if login_of(who, now) is Freshness.FRESH else ""


def note_refusal(
    tx: Transaction, who: Principal, row: ApprovalRow, refused: Refusal, kind: str
) -> None:
    """Record a refused vote or break; a person who goes on and on cannot fill the journal.

    Args:
        tx: the unit of work.
        who: whom it was refused.
        row: the approval.
        refused: why.
        kind: `vote` or `glass`.
    """
    if tx.number(f"refused {kind}s of {who.person.id} on {row.id}") > _REFUSALS_RECORDED:
        return
    tx.append(
        Draft(
            f"approval.{kind}_refused",
            who.authid,
            {"approval": row.id, "person": who.person.id, "code": refused.code},
            {"message": text_part(refused.message)},
            incident=book_of(tx, row.incident),
            subject=row.id,
            correlationid=row.id,
            causationid=row.event,
        )
    )
