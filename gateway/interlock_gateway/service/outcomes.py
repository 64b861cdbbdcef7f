"""What became of a deed: as a value, as an event, and as the answer that a retry gets."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from interlock.errors import InterlockError, refusal

from interlock_gateway.core.approval import ApprovalState
from interlock_gateway.core.model import Rows
from interlock_gateway.core.timeline import Draft, Part, json_part, text_part
from interlock_gateway.service.calls import COMPLETED, FAILED, Site, delivered, end_call
from interlock_gateway.service.closing import tell_of
from interlock_gateway.service.ports import Reading, Transaction
from interlock_gateway.service.records import ApprovalRow, CallRow
from interlock_gateway.service.targets import Expect

GONE = json.dumps(
    {"error": {"code": "evidence-redacted", "message": "What came of it was redacted."}}
).encode()
"""An outcome that was destroyed, as whoever asks for it again is told."""


def site_of(row: ApprovalRow) -> Site:
    """Return the call that asked for an approval."""
    return Site(row.run, row.step, row.attempt, row.ordinal)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a deed: a state, what to tell, and the answer a retry gets."""

    state: ApprovalState
    data: Mapping[str, Any]
    parts: Mapping[str, Part]
    answer: Mapping[str, Any] | None = None
    error: InterlockError | None = None


def as_expected(rows: Rows, expect: str) -> bool:
    """Tell whether an answer is what a check or a deed expects; one that was cut never is."""
    if rows.truncated:
        return False
    match Expect(expect):
        case Expect.NO_ROWS:
            return not rows.rows
        case Expect.ONE_ROW:
            return len(rows.rows) == 1
        case Expect.ONE_TRUE:
            return len(rows.rows) == 1 and rows.rows[0][0] is True
        case Expect.ALL_TRUE | Expect.ROW_COUNT | Expect.ALONE:
            return False  # of a deed alone, and its adapter looks


def recorded_outcome(row: ApprovalRow) -> dict[str, Any]:
    """Return the recorded outcome of an approval that was used already, or raise its error."""
    stored: dict[str, Any] = json.loads(row.outcome)
    if "error" in stored:
        problem = stored["error"]
        raise refusal(problem["code"], problem["message"])
    return {**stored["answer"], "replayed": True}


@dataclass(frozen=True, slots=True)
class Kept:
    """What was kept of a deed before its COMMIT.

    Attributes:
        event: the id of `action.prepared`; "" where there is no such moment.
        undo: the statements that bring its rows back, or "".
    """

    event: str = ""
    undo: str = ""


@dataclass(frozen=True, slots=True)
class Proven:
    """What is proven of a deed whose outcome was unknown.

    Attributes:
        committed: whether it lasts.
        words: how that is known.
        affected: rows changed, where they were counted.
        prepared: the id of `action.prepared`; "" if it never came so far.
        undo: the statements that bring its rows back, or "".
    """

    committed: bool
    words: str
    affected: int | None
    prepared: str
    undo: str


def succeeded(
    row: ApprovalRow,
    rows: Rows,
    elapsed_ms: float,
    verify: Mapping[str, Any],
    kept: Kept,
) -> Outcome:
    """Return the outcome of a deed that took effect, with what its verify query said."""
    result = delivered(rows)
    answer = {
        "approval": row.id,
        "state": ApprovalState.SUCCEEDED.value,
        **result,
        "affected": rows.affected,
        "verify": dict(verify),
        "elapsed_ms": elapsed_ms,
    }
    data = {
        "elapsed_ms": elapsed_ms,
        "affected": rows.affected,
        "verified": verify["verified"],
    }
    if kept.event:
        data["prepared"] = kept.event
    parts = {"result": json_part(result), "verify": json_part(dict(verify))}
    if kept.undo:
        parts["undo_sql"] = text_part(kept.undo)
        answer["undo_sql"] = kept.undo
    return Outcome(ApprovalState.SUCCEEDED, data, parts, answer)


def failed(error: InterlockError) -> Outcome:
    """Return the outcome of a deed that is proven to have had no effect."""
    parts = {"message": text_part(error.message)}
    return Outcome(ApprovalState.FAILED, {"code": error.code}, parts, error=error)


def unknown(message: str) -> Outcome:
    """Return the outcome of a deed of which nobody knows whether it happened."""
    parts = {"message": text_part(message)}
    error = refusal("outcome-unknown", message)
    return Outcome(ApprovalState.OUTCOME_UNKNOWN, {"code": error.code}, parts, error=error)


def event_of(
    row: ApprovalRow,
    authid: str,
    word: str,
    data: Mapping[str, Any],
    parts: Mapping[str, Part],
) -> Draft:
    """Return the event `action.WORD` about an approval."""
    site = site_of(row)
    named = {
        "approval": row.id,
        **row.in_plan,
        **site.data,
        "target": row.target,
        "operation": row.operation,
    }
    return Draft(
        f"action.{word}",
        authid,
        {**named, **data},
        parts,
        incident=row.incident,
        subject=row.id,
        correlationid=row.id,
        causationid=row.event,
    )


def record(tx: Transaction, row: ApprovalRow, authid: str, outcome: Outcome) -> str:
    """Write an outcome down: state, event, the answer a retry gets, and what is told outside."""
    return _record(tx, row, authid, outcome, outcome.state.value)


def record_proven(tx: Transaction, row: ApprovalRow, proven: Proven) -> str:
    """Write down what is proven of an unknown outcome; a retry gets that from now on."""
    done = "succeeded" if proven.committed else "failed"
    data = {"outcome": done, "prepared": proven.prepared, "affected": proven.affected}
    parts = {"reason": text_part(proven.words)}
    if not proven.committed:
        error = refusal("target-failed", f"It is proven that nothing changed. {proven.words}")
        outcome = Outcome(ApprovalState.RESOLVED, data, parts, error=error)
        return _record(tx, row, "system", outcome, "proven")
    answer = {
        "approval": row.id,
        "state": ApprovalState.SUCCEEDED.value,
        **delivered(Rows((), ())),
        "affected": proven.affected,
        "verify": {"verified": None, "message": proven.words},
        "elapsed_ms": 0.0,
    }
    if proven.undo:
        parts["undo_sql"] = text_part(proven.undo)
        answer["undo_sql"] = proven.undo
    outcome = Outcome(ApprovalState.RESOLVED, data, parts, answer)
    return _record(tx, row, "system", outcome, "proven")


def _end_calls(tx: Transaction, row: ApprovalRow, state: str, answer: Mapping[str, Any]) -> None:
    """Write how the call ended that asked; for a plan's member, each that took it up."""
    sites = taken_up_at(tx, row) if row.plan else [site_of(row)]
    for site in sites:
        end_call(tx, site, state, answer)


def taken_up_at(tx: Reading, row: ApprovalRow) -> list[Site]:
    """Return the calls that took up a grant which a plan had asked for, in their order."""
    calls = tx.rows(CallRow, run=row.run, approval=row.id, order="asked_at")
    return [Site(call.run, call.step, call.attempt, call.ordinal) for call in calls]


def _record(tx: Transaction, row: ApprovalRow, authid: str, outcome: Outcome, word: str) -> str:
    error = outcome.error
    stored = (
        {"error": {"code": error.code, "message": error.message}}
        if error
        else {"answer": dict(outcome.answer or {})}
    )
    tx.change(
        row,
        state=outcome.state.value,
        version=row.version + 1,
        ended_at=tx.now,
        outcome=json.dumps(stored).encode(),
    )
    event = tx.append(event_of(row, authid, word, outcome.data, outcome.parts))
    if error is None:
        _end_calls(tx, row, COMPLETED, {**stored["answer"], "event": event})
    else:
        problem = {"code": error.code, "detail": error.message, "line": "", "help": error.help}
        _end_calls(tx, row, FAILED, problem)
    tell_of(tx, f"action.{word}", row)
    return event
