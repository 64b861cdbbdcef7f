"""What a request for approval writes down: the intent, its end, the question and its row."""

from dataclasses import replace
from datetime import datetime

from interlock.errors import InterlockError

from interlock_gateway.core.approval import ApprovalState, Proposal, canonical, digest
from interlock_gateway.core.timeline import Draft, text_part
from interlock_gateway.service.drafting import Ready, parts_of
from interlock_gateway.service.identity import Principal
from interlock_gateway.service.ports import Seal, Transaction
from interlock_gateway.service.records import ApprovalRow


def intended(tx: Transaction, who: Principal, ready: Ready) -> str:
    """Write that this is asked for, and how it was decided; return the event."""
    wish, step = ready.wish, ready.found.step
    data = {
        **wish.site.data,
        **ready.told,
        **wish.asked.data,
        "effect": ready.design.effect.value,
        "tier": ready.target.tier,
        "line": ready.decision.line,
        "policy": ready.decision.policy,
        **ready.basis.data,
    }
    return tx.append(
        Draft(
            "action.requested",
            who.authid,
            data,
            wish.asked.parts,
            incident=ready.found.run.incident,
            subject=wish.site.name,
            correlationid=wish.site.run,
            causationid=step.event if step else "",
        )
    )


def given_up(
    tx: Transaction, who: Principal, ready: Ready, event: str, error: InterlockError
) -> None:
    """Write that what was asked for is refused, once more was known about it."""
    wish = ready.wish
    told = {**wish.site.data, **ready.told, **wish.asked.data}
    tx.append(
        Draft(
            "action.denied",
            who.authid,
            {**told, "code": error.code, "line": error.line},
            {"message": text_part(error.message)},
            incident=ready.found.run.incident,
            subject=wish.site.name,
            correlationid=wish.site.run,
            causationid=event,
        )
    )


def row_of(ready: Ready, proposal: Proposal, seal: Seal, number: int, event: str) -> ApprovalRow:
    """Return the row of a request that waits, with the proposal in it sealed."""
    content = canonical(proposal)
    return ApprovalRow(
        id=f"A-{number}",
        incident=proposal.incident,
        run=proposal.run,
        step=proposal.step,
        attempt=proposal.attempt,
        ordinal=proposal.ordinal,
        requester=proposal.requester,
        target=proposal.target,
        operation=proposal.operation,
        effect=proposal.effect,
        rule=ready.decision.rule.name,
        line=ready.decision.line,
        state=ApprovalState.PENDING.value,
        version=1,
        digest=digest(content),
        sealed=seal.close(content, f"A-{number}"),
        idempotency_key=ready.design.key,
        requested_at=moment(proposal.requested_at),
        expires_at=moment(proposal.expires_at),
        event=event,
        plan=str(proposal.plan.get("id", "")),
        place=int(proposal.plan.get("place", 0)),
        wish=str(proposal.plan.get("wish", "")),
    )


def write(
    tx: Transaction, who: Principal, ready: Ready, proposal: Proposal, row: ApprovalRow
) -> str:
    """Write a request down and tell it in the timeline; return the event."""
    rule = ready.decision.rule
    data = {
        "approval": row.id,
        **row.in_plan,
        **ready.wish.site.data,
        **ready.told,
        "proposal_digest": row.digest,
        "rule": rule.name,
        "needs": rule.needs,
        "line": row.line,
        "target": row.target,
        "tier": proposal.tier,
        "operation": row.operation,
        "effect": row.effect,
        "max_rows": proposal.max_rows,
        "requester": row.requester,
        "expires_at": proposal.expires_at,
    }
    event = tx.append(
        Draft(
            "approval.requested",
            who.authid,
            data,
            parts_of(proposal),
            incident=row.incident,
            subject=row.id,
            correlationid=row.id,
            causationid=row.event,
        )
    )
    tx.add(replace(row, event=event))
    return event


def moment(text: str) -> datetime:
    """Return the moment that `core.timeline.stamp` wrote."""
    return datetime.fromisoformat(text)
