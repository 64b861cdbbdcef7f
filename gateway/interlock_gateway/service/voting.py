"""Votes as they are written down: one that counts, one that does not, the grant of enough."""

from datetime import datetime, timedelta

from interlock_gateway.core.approval import ApprovalState, Freshness, Refusal
from interlock_gateway.core.approval_rule import WEB, ApprovalRule
from interlock_gateway.core.drill import OPERATION as DRILL
from interlock_gateway.core.glass import DAY, Glass
from interlock_gateway.core.policy import Policy
from interlock_gateway.core.timeline import Draft, text_part
from interlock_gateway.service.ballots import is_open
from interlock_gateway.service.closing import tell_of
from interlock_gateway.service.identity import Principal, login_of
from interlock_gateway.service.incidents import book_of
from interlock_gateway.service.ports import Reading, Transaction
from interlock_gateway.service.records import ApprovalRow, BreakRow, PlanRow, VoteRow

APPROVE, DENY = "approve", "deny"
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
        plan=row.plan,
        drill=row.operation == DRILL,
    )


def confirmed_in(who: Principal, now: datetime) -> str:
    """Return "web" for somebody with a fresh login in a browser, else ""."""
    return WEB if login_of(who, now) is Freshness.FRESH else ""


def counting(tx: Reading, row: ApprovalRow, rule: ApprovalRule) -> list[VoteRow]:
    """Return the approving votes that count under a rule, oldest first."""
    votes = tx.rows(VoteRow, approval=row.id, vote=APPROVE, order="at")
    return [vote for vote in votes if rule.confirm_in in ("", vote.confirmed_in)]


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
    confirmed = {"confirmed_in": vote.confirmed_in} if vote.confirmed_in else {}
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
                **confirmed,
            },
            {"reason": text_part(vote.reason)} if vote.reason else {},
            incident=row.incident,
            subject=row.id,
            correlationid=row.id,
            causationid=row.event,
        )
    )


def note_refused(
    tx: Transaction,
    who: Principal,
    row: ApprovalRow | PlanRow,
    refused: Refusal,
    kind: str = "vote",
) -> None:
    """Record a refused vote or break; a person who goes on and on cannot fill the journal.

    Args:
        tx: the unit of work.
        who: whom it was refused.
        row: the approval, or the plan.
        refused: why.
        kind: `vote` or `glass`.
    """
    if tx.number(f"refused {kind}s of {who.person.id} on {row.id}") > _REFUSALS_RECORDED:
        return
    about = "plan" if isinstance(row, PlanRow) else "approval"
    tx.append(
        Draft(
            f"approval.{kind}_refused",
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
    people = [vote.person for vote in counting(tx, row, rule)]
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
