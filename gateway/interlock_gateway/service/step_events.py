"""Steps as events tell them: what a runner saw from outside the kernel."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from interlock import wire
from interlock.errors import refusal

from interlock_gateway.core.timeline import Draft, json_part, text_part
from interlock_gateway.service.charts import with_charts
from interlock_gateway.service.identity import Principal
from interlock_gateway.service.ports import Transaction
from interlock_gateway.service.records import RunRow, StepRow

ENDS = {
    "ok": "completed",
    "info": "completed",
    "warn": "completed",
    "bad": "completed",
    "unknown": "completed",
    "failed": "failed",
    "timed_out": "timed_out",
    "cancelled": "cancelled",
    "skipped": "skipped",
}
"""How an attempt may end, and the word of its event."""

_FINDINGS = ("ok", "info", "warn", "bad", "unknown")


@dataclass(frozen=True, slots=True)
class StepEnd:
    """How an attempt at a step ended, as the runner saw it from outside the kernel."""

    state: str
    elapsed_ms: float = 0.0
    finding: Mapping[str, Any] | None = None
    error: Mapping[str, Any] | None = None
    outputs: Sequence[Mapping[str, Any]] = ()
    output_truncated: str = ""


@dataclass(frozen=True, slots=True)
class Cell:
    """One attempt at executing a cell's exact text."""

    step: str
    attempt: int
    source: str


def step_started(
    tx: Transaction, who: Principal, run: RunRow, cell: Cell, data: Mapping[str, str]
) -> str:
    """Record that an attempt is about to be executed and return the event."""
    return tx.append(
        Draft(
            "step.started",
            who.authid,
            {
                "run": run.id,
                "step": cell.step,
                "attempt": cell.attempt,
                "source_digest": wire.digest(cell.source.encode()),
                **data,
            },
            {"source": text_part(cell.source)},
            incident=run.incident,
            subject=f"{run.id}/{cell.step}/{cell.attempt}",
            correlationid=run.id,
        )
    )


def step_ended(
    run: RunRow,
    step: StepRow,
    who: Principal,
    end: StepEnd,
    finding: Mapping[str, Any] | None,
) -> Draft:
    """Return the event of an attempt's end."""
    data: dict[str, Any] = {
        "run": run.id,
        "step": step.step,
        "attempt": step.attempt,
        "state": end.state,
        "elapsed_ms": round(end.elapsed_ms, 3),
    }
    if end.output_truncated:
        data["output_truncated"] = end.output_truncated[:500]
    outputs, charts = with_charts(end.outputs)
    parts = {
        name: json_part(value)
        for name, value in (("finding", finding), ("error", end.error), ("outputs", outputs))
        if value
    } | charts
    return Draft(
        f"step.{ENDS[end.state]}",
        who.authid,
        data,
        parts,
        incident=run.incident,
        subject=f"{run.id}/{step.step}/{step.attempt}",
        correlationid=run.id,
        causationid=step.event,
    )


def checked_finding(finding: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """Return what is kept of a finding, or refuse one without a status that is known."""
    if finding is None:
        return None
    if finding.get("status") not in _FINDINGS:
        raise refusal("bad-request", f"A finding is one of {', '.join(_FINDINGS)}.")
    return {name: finding[name] for name in ("status", "text", "next", "data") if name in finding}
