"""How votes and refusals are written down, and what breaking a glass is checked against."""

from datetime import datetime

from interlock_gateway.core.approval import ApprovalState, Freshness, Refusal
from interlock_gateway.core.approval_rule import WEB
from interlock_gateway.core.glass import DAY, Glass
from interlock_gateway.core.policy import Policy
from interlock_gateway.core.timeline import Draft, text_part
from interlock_gateway.service.ballots import is_open
from interlock_gateway.service.identity import Principal, login_of
from interlock_gateway.service.incidents import book_of
from interlock_gateway.service.ports import Reading, Transaction
from interlock_gateway.service.records import (
    ApprovalRow,
    BreakRow,
    VoteRow,
)

_REFUSALS_RECORDED = 10


def glass_of(
    tx: Reading, row: ApprovalRow, policy: Policy, who: Principal, now: datetime
) -> Glass:
    """Return what breaking the glass of an approval is checked against, for one person."""
    broken = tx.rows(BreakRow, person=who.person.id, order="-at", limit=100)
    return Glass(
        approval=row.id,
        state=ApprovalState(row.state),
        expires_at=row.expires_at,
        incident_open=is_open(tx, row.incident),
        rule=policy.rules.get(row.rule),
        standing=policy.roles_of(who.person.id),
        before=tuple(one.at for one in broken if one.at > now - DAY),
        login=login_of(who, now),
    )


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
