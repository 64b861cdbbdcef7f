"""How runs and approvals end when something above them ends."""

import json
from typing import Any

from interlock_gateway.core.approval import ApprovalState
from interlock_gateway.core.timeline import Draft, text_part
from interlock_gateway.service.ports import Transaction
from interlock_gateway.service.records import ApprovalRow, OutboxRow, RunRow, StepRow

_WITHDRAWN = {
    ApprovalState.PENDING: ApprovalState.WITHDRAWN,
    ApprovalState.APPROVED: ApprovalState.INVALIDATED,
}


def close_approvals(tx: Transaction, authid: str, reason: str, **where: Any) -> None:
    """Withdraw undecided approvals and invalidate unused grants that match `where`."""
    for row in tx.rows(ApprovalRow, state=tuple(_WITHDRAWN), order="id", **where):
        settle(tx, row, _WITHDRAWN[ApprovalState(row.state)], authid, reason=reason)


def fall(tx: Transaction, member: ApprovalRow, authid: str) -> None:
    """Withdraw what waits beside a plan's member that is taken back: a plan is decided whole."""
    if not member.plan or member.state != ApprovalState.PENDING:
        return
    waiting = tx.rows(
        ApprovalRow, plan=member.plan, state=ApprovalState.PENDING.value, order="place"
    )
    for row in waiting:
        if row.id != member.id:
            why = f"{member.id}, of the same plan {member.plan}, was withdrawn"
            settle(tx, row, ApprovalState.WITHDRAWN, authid, reason=why)


def settle(
    tx: Transaction, row: ApprovalRow, state: ApprovalState, authid: str, *, reason: str = ""
) -> ApprovalRow:
    """Move an approval to `state`, with its event and what is told outside."""
    seconds = round((tx.now - row.requested_at).total_seconds(), 3)
    changed = tx.change(
        row,
        state=state.value,
        version=row.version + 1,
        decided_at=row.decided_at or tx.now,
        ended_at=tx.now,
        closing_reason=reason,
    )
    data = {"approval": row.id, **row.in_plan, "after_s": seconds}
    tx.append(
        Draft(
            f"approval.{state.value}",
            authid,
            data,
            {"reason": text_part(reason)} if reason else {},
            incident=row.incident,
            subject=row.id,
            correlationid=row.id,
            causationid=row.event,
        )
    )
    tell_of(tx, f"approval.{state.value}", row)
    return changed


def tell(tx: Transaction, kind: str, subject: str, payload: str = "{}") -> None:
    """Put something into the outbox; it is told outside after this unit is durable."""
    number = tx.number("outbox")
    tx.add(OutboxRow(f"{number:016d}", kind, subject, payload, tx.now))


def tell_of(tx: Transaction, kind: str, row: ApprovalRow) -> None:
    """Tell outside what became of an approval, and of which plan it is a part."""
    tell(tx, kind, row.id, json.dumps(row.in_plan))


def end_runs(tx: Transaction, authid: str, reason: str, **where: Any) -> None:
    """End every active run that matches `where`."""
    for run in tx.rows(RunRow, state="active", order="id", **where):
        end_run(tx, run, authid, "cancelled", reason)


def end_run(tx: Transaction, run: RunRow, authid: str, outcome: str, summary: str) -> None:
    """End a run: its running step has no end, its open approvals are withdrawn."""
    for step in tx.rows(StepRow, run=run.id, state="running"):
        lose_step(tx, run, step, authid)
    close_approvals(tx, authid, f"the run ended ({outcome})", run=run.id)
    tx.change(run, state="ended", outcome=outcome, ended_at=tx.now)
    tx.append(
        Draft(
            "run.ended",
            authid,
            {"run": run.id, "outcome": outcome},
            {"summary": text_part(summary)} if summary else {},
            incident=run.incident,
            subject=run.id,
            correlationid=run.id,
        )
    )


def lose_step(tx: Transaction, run: RunRow, step: StepRow, authid: str) -> None:
    """Record that a step's end was never seen; it is unknown, never a success."""
    tx.change(step, state="unknown", ended_at=tx.now)
    tx.append(
        Draft(
            "step.failed",
            authid,
            {
                "run": run.id,
                "step": step.step,
                "attempt": step.attempt,
                "state": "unknown",
                "cause": "no end was recorded",
            },
            incident=run.incident,
            subject=f"{run.id}/{step.step}/{step.attempt}",
            correlationid=run.id,
            causationid=step.event,
        )
    )
