"""Where an incident stands: what whoever takes command must know, computed from the record.

Nobody types it, so that nothing is forgotten at three in the morning. It is small on purpose:
lists are cut, and say how much they leave out.
"""

import json
from typing import Any

from interlock_gateway.core.ledger import Belief
from interlock_gateway.core.timeline import stamp
from interlock_gateway.service.citing import NOTHING_TOLD, texts_of
from interlock_gateway.service.entry_records import HypothesisRow, QuestionRow
from interlock_gateway.service.ports import Reading
from interlock_gateway.service.records import ApprovalRow, FollowUpRow, RunRow, StepRow

Sheet = dict[str, Any]
"""Lists of what is open, each item with the number of its event where it is known."""

MOST = 20
"""Items of one list."""
_MOST_FINDINGS = 5
_WORDS = 300


def sheet_of(tx: Reading, incident: str) -> Sheet:
    """Return where an incident stands at this moment."""
    lists = {
        "hypotheses": _hypotheses(tx, incident),
        "questions": _questions(tx, incident),
        "waiting": _approvals(tx, incident, "pending", "approved", "executing"),
        "unknown": _approvals(tx, incident, "outcome_unknown"),
        "follow_ups": _follow_ups(tx, incident),
        "findings": _findings(tx, incident),
    }
    left_out = {name: len(items) - MOST for name, items in lists.items() if len(items) > MOST}
    return {name: items[:MOST] for name, items in lists.items()} | {"left_out": left_out}


def _hypotheses(tx: Reading, incident: str) -> list[Sheet]:
    rows = tx.rows(HypothesisRow, incident=incident, state=Belief.OPEN.value, order="opened_at")
    known = texts_of(tx, (row.event for row in rows[:MOST]))
    items = []
    for row in rows:
        told = known.get(row.event, NOTHING_TOLD)
        named = {"hypothesis": row.id, "confidence": row.confidence, "by": row.opened_by}
        items.append({**named, "text": _cut(told.text()), "sequence": told.sequence})
    return items


def _questions(tx: Reading, incident: str) -> list[Sheet]:
    rows = tx.rows(QuestionRow, incident=incident, answer="", order="asked_at")
    known = texts_of(tx, (row.event for row in rows[:MOST]))
    told = (known.get(row.event, NOTHING_TOLD) for row in rows)
    return [{"text": _cut(one.text()), "sequence": one.sequence} for one in told]


def _approvals(tx: Reading, incident: str, *states: str) -> list[Sheet]:
    rows = tx.rows(ApprovalRow, incident=incident, state=states, order="requested_at")
    return [
        {
            "approval": row.id,
            "state": row.state,
            "operation": row.operation,
            "target": row.target,
            "requester": row.requester,
            "until": stamp(row.grant_expires_at or row.expires_at),
        }
        for row in rows
    ]


def _follow_ups(tx: Reading, incident: str) -> list[Sheet]:
    rows = tx.rows(FollowUpRow, incident=incident, state="open", order="opened_at")
    known = texts_of(tx, (row.event for row in rows[:MOST]))
    items = []
    for row in rows:
        told = known.get(row.event, NOTHING_TOLD)
        named = {"follow_up": row.id, "owner": row.owner, "due": row.due}
        items.append({**named, "text": _cut(row.text or told.text()), "sequence": told.sequence})
    return items


def _findings(tx: Reading, incident: str) -> list[Sheet]:
    """Return what the latest steps concluded, the last one first."""
    runs = tuple(
        row.id for row in tx.rows(RunRow, incident=incident, order="-started_at", limit=20)
    )
    steps = tx.rows(StepRow, run=runs, order="-ended_at", limit=100) if runs else ()
    found = [step for step in steps if step.finding and step.ended_at][:_MOST_FINDINGS]
    known = texts_of(tx, (step.event for step in found))
    return [_finding(step, known[step.event].sequence) for step in found if step.event in known]


def _finding(step: StepRow, sequence: int) -> Sheet:
    finding = json.loads(step.finding)
    return {
        "run": step.run,
        "step": step.step,
        "status": str(finding.get("status", "")),
        "text": _cut(str(finding.get("text", ""))),
        "sequence": sequence,
    }


def _cut(text: str) -> str:
    return text if len(text) <= _WORDS else text[: _WORDS - 1] + "…"
