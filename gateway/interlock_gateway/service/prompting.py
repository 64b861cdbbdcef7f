"""Renderings of proposals, written down before anybody can vote on what they show."""

from interlock_gateway.core.timeline import Draft, text_part
from interlock_gateway.service.ports import Transaction
from interlock_gateway.service.records import ApprovalRow, PlanRow, PromptRow


def prompted(
    tx: Transaction, row: ApprovalRow | PlanRow, authid: str, channel: str, text: str, digest: str
) -> None:
    """Record a rendering the first time it is shown.

    Args:
        tx: the unit of work.
        row: the approval, or the plan.
        authid: who has it shown.
        channel: where: `web`, `cli`, `slack`, …
        text: exactly what is shown.
        digest: its prompt digest, which a vote on it names.
    """
    if tx.get(PromptRow, row.id, digest) is not None:
        return
    of = "plan" if isinstance(row, PlanRow) else "proposal"
    tx.add(PromptRow(row.id, digest, channel, tx.now))
    tx.append(
        Draft(
            "approval.prompted",
            authid,
            {
                "plan" if isinstance(row, PlanRow) else "approval": row.id,
                "channel": channel,
                "prompt_digest": digest,
                f"{of}_digest": row.digest,
            },
            {"prompt": text_part(text)},
            incident=row.incident,
            subject=row.id,
            correlationid=row.id,
            causationid=row.event,
        )
    )
