"""Calls of a run: where they stand, what is known about them, and how a retry is answered.

A call is keyed by (run, step, attempt, ordinal, request digest). A transport retry of a completed
call gets the recorded answer; the same place with another digest has diverged; a read without an
outcome runs again. A re-run is a new attempt and asks the target afresh.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from interlock.errors import InterlockError, error_from_problem, problem_from_error, refusal

from interlock_gateway.core.decision import Deny, Facts
from interlock_gateway.core.limits import MAX_CALLS_PER_RUN, MAX_RUN_S, deeper, narrowed
from interlock_gateway.core.model import (
    Classification,
    Incident,
    Limits,
    Rows,
    Statement,
    Target,
)
from interlock_gateway.core.timeline import Draft, Part, json_part, text_part
from interlock_gateway.service.identity import Principal
from interlock_gateway.service.incidents import book_of, incident_of
from interlock_gateway.service.ports import Meter, Reading, Transaction
from interlock_gateway.service.records import ApprovalRow, CallRow, RunRow, StepRow
from interlock_gateway.service.runs import RUNNING, as_authority, manifest_of, run_of

STARTED, COMPLETED, FAILED, DENIED, AWAITING = (
    *("started", "completed", "failed", "denied"),
    "awaiting",
)
REDACTED = "redacted"
"""The state of a call of which something was destroyed; it is not answered from the record."""


@dataclass(frozen=True, slots=True)
class Site:
    """Where a call is made: stamped by the runner's broker on receipt, never by the kernel."""

    run: str
    step: str
    attempt: int
    ordinal: int

    @property
    def name(self) -> str:
        """The call as the timeline cites it: `R-1/blockers/1/0`."""
        return f"{self.run}/{self.step}/{self.attempt}/{self.ordinal}"

    @property
    def data(self) -> dict[str, Any]:
        """The call as every event about it names it."""
        return {
            "run": self.run,
            "step": self.step,
            "attempt": self.attempt,
            "ordinal": self.ordinal,
        }


@dataclass(frozen=True, slots=True)
class Scene:
    """Everything the store knows that bears on a call, read at one moment."""

    run: RunRow
    incident: Incident | None
    step: StepRow | None
    call: CallRow | None
    calls: int
    busy_s: float

    @property
    def max_calls(self) -> int:
        """How many calls this run may make."""
        manifest = manifest_of(self.run)
        return manifest.limits.calls if manifest else MAX_CALLS_PER_RUN

    def limits(self, target: Target, *, rows: int | None = None) -> Limits:
        """Return what one call may cost: the narrowest of target, runbook and request."""
        manifest = manifest_of(self.run)
        if manifest is None:
            return narrowed(target.limits, rows=rows)
        allowed = narrowed(target.limits, rows=manifest.limits.rows, size=manifest.limits.bytes)
        return narrowed(allowed, rows=rows)

    def facts(self, target: Target | None, *, in_manifest: bool) -> Facts:
        """Return the scene as the decision sees it."""
        manifest = manifest_of(self.run)
        return Facts(
            incident=self.incident,
            run=as_authority(self.run),
            target=target,
            step_running=self.step is not None and self.step.state == RUNNING,
            in_manifest=in_manifest,
            calls=self.calls,
            max_calls=self.max_calls,
            busy_s=self.busy_s,
            max_s=manifest.limits.run_s if manifest else MAX_RUN_S,
        )


def scene(tx: Reading, site: Site, now: datetime) -> Scene:
    """Read what bears on the call at `site`."""
    run = run_of(tx, site.run)
    call = tx.get(CallRow, site.run, site.step, site.attempt, site.ordinal)
    made = tx.count(CallRow, run=site.run)
    return Scene(
        run=run,
        incident=incident_of(tx, run.incident),
        step=tx.get(StepRow, site.run, site.step, site.attempt),
        call=call,
        calls=made - (call is not None),
        busy_s=(now - run.started_at).total_seconds() - _waited_s(tx, run.id, now),
    )


def _waited_s(tx: Reading, run: str, now: datetime) -> float:
    """Return the seconds that a run has waited for approvals; for those of one plan once."""
    waits: dict[str, float] = {}
    for row in tx.rows(ApprovalRow, run=run):
        waited = ((row.decided_at or now) - row.requested_at).total_seconds()
        name = row.plan or row.id
        waits[name] = max(waited, waits.get(name, 0.0))
    return sum(waits.values())


def must_own(who: Principal, site: Site) -> None:
    """Refuse a call that names another run than the token it comes with."""
    if who.run != site.run:
        raise refusal(
            "run-token-mismatch", f"This token is not {site.run}'s, so it cannot call for it."
        )


def recorded(call: CallRow | None, digest: str) -> CallRow | None:
    """Return the call to answer from, or None when the target is to be asked.

    Raises:
        InterlockError: `diverged`, `evidence-redacted`, or the refusal that was recorded.
    """
    if call is None:
        return None
    if call.state == REDACTED:
        message = "What was recorded of this call was redacted, so it cannot be answered again."
        raise refusal("evidence-redacted", message, help="Re-run the step: it asks afresh.")
    if call.digest != digest:
        raise refusal(
            "diverged", "Another request was recorded at this place of this attempt already."
        )
    if call.state in (FAILED, DENIED):
        raise error_from_problem(json.loads(call.answer))
    return call if call.state in (COMPLETED, AWAITING) else None


def open_call(
    tx: Transaction, site: Site, digest: str, operation: str, *, state: str, event: str
) -> CallRow:
    """Write that a call is made; a dangling one from before a crash is taken over."""
    known = tx.get(CallRow, site.run, site.step, site.attempt, site.ordinal)
    if known is not None:
        if known.digest != digest or known.state != STARTED:
            raise refusal("call-in-progress", f"{site.name} is being answered already.")
        return tx.change(known, event=event, asked_at=tx.now, state=state)
    row = CallRow(
        site.run,
        site.step,
        site.attempt,
        site.ordinal,
        digest,
        operation,
        state,
        event,
        tx.now,
    )
    tx.add(row)
    return row


def end_call(
    tx: Transaction, site: Site, state: str, answer: Mapping[str, Any], *, opened: str = ""
) -> None:
    """Write how a call ended, with the answer that a retry gets.

    `opened` is the event with which whoever ends it had opened it: a call that was asked again
    while it was under way belongs to the last who asked, so that it has one answer.
    """
    row = tx.get(CallRow, site.run, site.step, site.attempt, site.ordinal)
    if row is None:
        raise refusal("internal", f"{site.name} was never opened.")
    if opened and (row.state, row.event) != (STARTED, opened):
        raise refusal("call-in-progress", f"{site.name} was asked again; that answer counts.")
    tx.change(row, state=state, answer=json.dumps(answer).encode())


def deny(
    tx: Transaction,
    who: Principal,
    found: Scene,
    site: Site,
    error: InterlockError,
    asked: "Asked",
) -> None:
    """Record a refusal: nothing ran, and the timeline says what was asked and why not.

    The first call beyond a run's limit is recorded and no further one: a kernel that asks and
    asks cannot fill the journal.
    """
    if tx.count(CallRow, run=site.run) > found.max_calls:
        return
    row = open_call(tx, site, asked.digest, asked.operation, state=DENIED, event="")
    parts: dict[str, Part] = {"message": text_part(error.message), **asked.parts}
    data = {**site.data, **asked.data, "code": error.code, "line": error.line}
    event = tx.append(
        Draft(
            "query.denied" if asked.operation.startswith("query") else "action.denied",
            who.authid,
            data,
            parts,
            incident=book_of(tx, found.run.incident),
            subject=site.name,
            correlationid=site.run,
            causationid=found.step.event if found.step else "",
        )
    )
    tx.change(row, event=event, answer=json.dumps(problem_from_error(error)).encode())


@dataclass(frozen=True, slots=True)
class Asked:
    """What a call asks, as events tell it: plain data, and sensitive parts."""

    operation: str
    digest: str
    data: Mapping[str, Any]
    parts: Mapping[str, Part]


def denial(decision: Deny, meter: Meter) -> InterlockError:
    """Return the exception for a denial; a policy that broke is an alarm as well."""
    if decision.code == "policy-fault":
        meter.count("alarms", kind="policy")
    return refusal(decision.code, decision.message, line=decision.line)


def classified(statement: Statement, found: Classification) -> dict[str, Any]:
    """Return what events say of a classified statement, beside its text."""
    return {
        "dialect": statement.dialect.value,
        "effect": found.effect.value,
        "kind": found.kind,
        "parsers": dict(found.parsers),
    }


def statement_parts(
    source: str, values: Mapping[str, Any], found: Classification | None
) -> dict[str, Part]:
    """Return the statement, its parameters and the reasons for its effect as parts."""
    parts = {"statement": text_part(source), "params": json_part(dict(values))}
    if found is not None and found.reasons:
        reasons = [
            {
                "effect": reason.effect.value,
                "what": reason.what,
                "detail": reason.detail,
                "position": reason.position,
            }
            for reason in found.reasons
        ]
        parts["reasons"] = json_part(reasons)
    return parts


def delivered(rows: Rows) -> dict[str, Any]:
    """Return an answer as it is delivered and kept: a cell too deep to be read back is text."""
    columns = [
        {"name": one.name, "type": one.type, **({"masked": one.masked} if one.masked else {})}
        for one in rows.columns
    ]
    return {"columns": columns, "rows": [list(map(_shallow, row)) for row in rows.rows]}


def _shallow(cell: Any) -> Any:
    return json.dumps(cell, ensure_ascii=False) if deeper(cell) else cell
