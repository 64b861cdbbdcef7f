"""Sentences about runs, steps and queries."""

from collections.abc import Mapping

from interlock.export.exhibits import HEADLINE
from interlock.export.model import Tone
from interlock.export.reading import Reading
from interlock.export.telling import (
    Said,
    Scene,
    Teller,
    because,
    elapsed_of,
    operation_of,
    unended,
)
from interlock.export.text import capped, count

_OUTCOMES = {
    "completed": ("completed", Tone.OK),
    "failed": ("failed", Tone.BAD),
    "cancelled": ("was cancelled", Tone.WARN),
    "kernel_died": ("ended because its kernel died", Tone.BAD),
}


def _run_started(r: Reading, _: Scene) -> Said:
    mode = {"adhoc": "ad hoc"}.get(r.word("mode"), r.word("mode"))
    runbook = f"{r.word('runbook')} {r.word('version')}".strip()
    title = because(r, "title")
    dry = ", dry run" if r.data.get("dry_run") is True else ""
    what = f"started run {r.word('run')}: {runbook or '?'} ({mode or '?'}{dry}){title}"
    return Said(what, told=("title",))


def _run_ended(r: Reading, _: Scene) -> Said:
    outcome = r.word("outcome")
    words, tone = _OUTCOMES.get(outcome, (f"ended: {outcome or '?'}", Tone.UNKNOWN))
    return Said(f"run {r.word('run')} {words}{because(r, 'summary')}", tone, told=("summary",))


def _step_name(r: Reading) -> str:
    attempt = r.word("attempt")
    again = f" (attempt {attempt})" if attempt not in {"", "1"} else ""
    return f"{r.word('step') or 'a step'}{again}"


def _step_started(r: Reading, scene: Scene) -> Said:
    title = f" ({r.word('title')})" if r.word("title") else ""
    return unended(r, scene, f"{_step_name(r)}{title}")


_STATES = {
    "ok": Tone.OK,
    "info": Tone.INFO,
    "warn": Tone.WARN,
    "bad": Tone.BAD,
    "unknown": Tone.UNKNOWN,
    "skipped": Tone.PLAIN,
    "cancelled": Tone.WARN,
}


def _step_completed(r: Reading, _: Scene) -> Said:
    finding = r.object("finding")
    status = finding.get("status")
    state = r.word("state") or (status if isinstance(status, str) else "") or "completed"
    text = _finding_text(r)
    took = f" ({elapsed_of(r)})" if elapsed_of(r) else ""
    tone = _STATES.get(state, Tone.UNKNOWN)
    return Said(f"{_step_name(r)}: {state}{text}{took}{_cut(r)}", tone)


def _finding_text(r: Reading) -> str:
    finding = r.object("finding")
    text, following = (finding.get(key) for key in ("text", "next"))
    told = f" — {capped(text.strip(), HEADLINE)}" if isinstance(text, str) and text.strip() else ""
    named = isinstance(following, str) and following.strip()
    return f"{told} → next: {capped(str(following).strip(), HEADLINE)}" if named else told


def _cut(r: Reading) -> str:
    cut = r.word("output_truncated")
    return f"; output cut: {cut}" if cut else ""


def _step_ended(words: str, tone: Tone) -> Teller:
    def tell(r: Reading, _: Scene) -> Said:
        error = r.object("error")
        name, message = (error.get(key) for key in ("name", "message"))
        named = name if name not in {"skipped", "cancelled"} else ""
        told = ": ".join(x for x in (named, message) if isinstance(x, str) and x)
        told = told.strip().partition("\n")[0] or r.word("cause")
        why = f": {capped(told, HEADLINE)}" if told else ""
        took = f" after {elapsed_of(r)}" if r.number("elapsed_ms") else ""
        return Said(f"{_step_name(r)} {words}{took}{why}{_finding_text(r)}{_cut(r)}", tone)

    return tell


def _step_remark(words: str) -> Teller:
    def tell(r: Reading, _: Scene) -> Said:
        return Said(f"{_step_name(r)} {words}", Tone.INFO)

    return tell


# --- queries -----------------------------------------------------------------------------------


def _asked(r: Reading) -> str:
    effect = r.word("effect")
    return f"query on {r.word('target') or '?'}" + (f" ({effect})" if effect else "")


def _query_started(r: Reading, scene: Scene) -> Said:
    return unended(r, scene, _asked(r))


def _query_completed(r: Reading, _: Scene) -> Said:
    rows = r.number("rows")
    answer = count(int(rows), "row") if rows is not None else "answered"
    cut = f", cut at {r.word('truncated')}" if r.word("truncated") else ""
    took = f" in {elapsed_of(r)}" if elapsed_of(r) else ""
    return Said(f"{_asked(r)}: {answer}{took}{cut}", Tone.OK)


def _query_failed(r: Reading, _: Scene) -> Said:
    return Said(
        f"{_asked(r)} failed: {r.word('code')}{because(r, 'message')}",
        Tone.BAD,
        told=("message",),
    )


def _denied(r: Reading, _: Scene) -> Said:
    asked = _asked(r) if r.type == "query.denied" else operation_of(r)
    line = f" ({r.word('line')})" if r.word("line") else ""
    refused = f"{asked} refused: {r.word('code') or '?'}{line}"
    return Said(refused + because(r, "message"), Tone.REFUSED, told=("message",))


RUN_TELLERS: Mapping[str, Teller] = {
    "run.started": _run_started,
    "run.ended": _run_ended,
    "step.started": _step_started,
    "step.completed": _step_completed,
    "step.failed": _step_ended("failed", Tone.BAD),
    "step.timed_out": _step_ended("timed out", Tone.BAD),
    "step.cancelled": _step_ended("was cancelled", Tone.WARN),
    "step.skipped": _step_ended("was skipped", Tone.PLAIN),
    "step.out_of_order": _step_remark("ran out of order"),
    "step.reran": _step_remark("ran again"),
    "query.started": _query_started,
    "query.completed": _query_completed,
    "query.failed": _query_failed,
    "query.denied": _denied,
    "action.denied": _denied,
}
