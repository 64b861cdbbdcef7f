"""Votes as they are written down: a vote, one that does not count, and the grant of enough."""

from datetime import timedelta

from interlock_gateway.core.approval import ApprovalState, Refusal
from interlock_gateway.core.approval_rule import ApprovalRule
from interlock_gateway.core.timeline import Draft, text_part
from interlock_gateway.service.closing import tell_of
from interlock_gateway.service.identity import Principal
from interlock_gateway.service.incidents import book_of
from interlock_gateway.service.ports import Transaction
from interlock_gateway.service.records import ApprovalRow, PlanRow, VoteRow

APPROVE, DENY = "approve", "deny"
_REFUSED_VOTES_RECORDED = 10


def cast(
    tx: Transaction,
    who: Principal,
    row: ApprovalRow,
    vote: VoteRow,
    channel: str,
    *,
    plan_digest: str = "",
) -> None:
    """Write a vote on an approval, and tell it.

    `channel` is where that person read the prompt; `plan_digest` is of the plan, if it was one.
    """
    tx.add(vote)
    tx.append(
        Draft(
            "approval.voted",
            who.authid,
            {
                "approval": row.id,
                **row.in_plan,
                "person": vote.person,
                "vote": vote.vote,
                "channel": channel,
                "proposal_digest": vote.proposal_digest,
                "prompt_digest": vote.prompt_digest,
                **({"plan_digest": plan_digest} if plan_digest else {}),
            },
            {"reason": text_part(vote.reason)} if vote.reason else {},
            incident=row.incident,
            subject=row.id,
            correlationid=row.id,
            causationid=row.event,
        )
    )


def note_refused(
    tx: Transaction, who: Principal, row: ApprovalRow | PlanRow, refused: Refusal
) -> None:
    """Record a refused vote; a person who goes on and on cannot fill the journal."""
    if tx.number(f"refused votes of {who.person.id} on {row.id}") > _REFUSED_VOTES_RECORDED:
        return
    about = "plan" if isinstance(row, PlanRow) else "approval"
    tx.append(
        Draft(
            "approval.vote_refused",
            who.authid,
            {about: row.id, "person": who.person.id, "code": refused.code},
            {"message": text_part(refused.message)},
            incident=book_of(tx, row.incident),
            subject=row.id,
            correlationid=row.id,
            causationid=row.event,
        )
    )


def grant(tx: Transaction, row: ApprovalRow, rule: ApprovalRule) -> ApprovalRow:
    """Turn a satisfied request into a grant, which works once and not for long."""
    expires = tx.now + timedelta(seconds=rule.use_within_s)
    people = [vote.person for vote in tx.rows(VoteRow, approval=row.id, vote=APPROVE, order="at")]
    changed = tx.change(
        row,
        state=ApprovalState.APPROVED.value,
        version=row.version + 1,
        decided_at=tx.now,
        grant_expires_at=expires,
    )
    tx.append(
        Draft(
            "approval.approved",
            "system",
            {
                "approval": row.id,
                **row.in_plan,
                "by": people,
                "after_s": round((tx.now - row.requested_at).total_seconds(), 3),
                "use_within_s": rule.use_within_s,
            },
            incident=row.incident,
            subject=row.id,
            correlationid=row.id,
            causationid=row.event,
        )
    )
    tell_of(tx, "approval.approved", row)
    return changed
