"""From an incident and its entries to a postmortem: facts in, frozen values out."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import pairwise
from typing import Any

from interlock.export.fold import ACTION_ENDS, QUERY_ENDS, REFUSALS, STEP_ENDS, fold
from interlock.export.model import (
    ApprovalStory,
    Entry,
    Moment,
    Number,
    Phase,
    Postmortem,
    Record,
    Recorder,
    Remark,
    Tone,
)
from interlock.export.narrate import narrate, scene_of
from interlock.export.reading import Reading, moment
from interlock.export.stories import (
    approvals_of,
    between,
    cites,
    first,
    owed_of,
    people_of,
    runs_of,
)
from interlock.export.telling import Scene
from interlock.export.text import duration, shown

NOT_ANCHORED = "this record is not anchored outside the store yet"
"""What an export says until the log has an anchor; its absence is not hidden."""


def build(
    incident: Mapping[str, Any],
    entries: Sequence[Entry],
    *,
    exported_at: datetime | None = None,
    anchored: str = NOT_ANCHORED,
) -> Postmortem:
    """Return everything an incident's timeline says, ready for a renderer.

    Never raises on what the entries hold: unknown kinds are told by name, missing and redacted
    parts are named where they would stand, and every event is cited by at least one moment.

    Args:
        incident: as `GET /v1/incidents/{id}` gives it; what it lacks is read from the events.
        entries: the timeline, in any order.
        exported_at: when this export is made; said in the header.
        anchored: how far the record is anchored outside the store.
    """
    readings = sorted(
        (Reading(entry, place) for place, entry in enumerate(entries)), key=lambda r: r.order
    )
    start = _start(incident, readings)
    moments = _moments(readings, scene_of(readings, start))
    declared = first(readings, "incident.declared")
    approvals = approvals_of(readings, moments)
    roles = incident.get("roles")
    return Postmortem(
        id=_named(incident, "id")
        or (shown(readings[0].event.get("incident")) if readings else ""),
        title=_named(incident, "title") or (declared.said("title") if declared else ""),
        severity=_named(incident, "severity"),
        state=_named(incident, "state"),
        commander=_named(incident, "commander"),
        start=start,
        end=_end(incident, readings),
        record=_record(readings, anchored),
        numbers=_numbers(readings, approvals),
        people=people_of(readings, roles if isinstance(roles, Mapping) else {}),
        phases=_phases(readings),
        moments=moments,
        runs=runs_of(readings, moments),
        approvals=approvals,
        follow_ups=_follow_ups(readings, moments, approvals),
        exported_at=exported_at,
        owed=owed_of(readings),
    )


def _named(incident: Mapping[str, Any], key: str) -> str:
    value = incident.get(key)
    return shown(value) if value is not None else ""


def _start(incident: Mapping[str, Any], readings: Sequence[Reading]) -> datetime | None:
    declared = first(readings, "incident.declared")
    given = moment(incident.get("declared_at"))
    times = [r.time for r in readings if r.time]
    return (declared and declared.time) or given or min(times, default=None)


def _end(incident: Mapping[str, Any], readings: Sequence[Reading]) -> datetime | None:
    given = moment(incident.get("closed_at"))
    closed = [r.time for r in readings if r.type == "incident.closed"]
    reopened = _named(incident, "state") == "open"
    return None if reopened else given or (closed[-1] if closed else None)


def _moments(readings: Sequence[Reading], scene: Scene) -> tuple[Moment, ...]:
    folded = fold([narrate(reading, scene) for reading in readings])
    dated = [m for m in folded if m.time is not None]
    # Sorting is stable: events of one time keep the order of their sequence.
    dated.sort(key=lambda m: m.time.timestamp() if m.time else 0.0)
    return (*dated, *(m for m in folded if m.time is None))


# --- the record --------------------------------------------------------------------------------


def _record(readings: Sequence[Reading], anchored: str) -> Record:
    absences = [absence for reading in readings for absence in reading.absences()]
    redacted = sum(absence.redacted for absence in absences)
    return Record(
        events=len(readings),
        missing=_missing(readings),
        redacted=redacted,
        absent=len(absences) - redacted,
        truncated=_truncated(readings),
        unfinished=_unfinished(readings),
        undated=sum(reading.time is None for reading in readings),
        recorders=tuple(_recorder(r) for r in readings if r.type == "run.started"),
        anchored=anchored,
        masked=sum(map(_masked, readings)),
    )


def _masked(reading: Reading) -> int:
    """Return how many marks an event says it holds in place of secrets."""
    parts = reading.data.get("masked")
    rules = parts.values() if isinstance(parts, Mapping) else ()
    numbers = [n for rule in rules if isinstance(rule, Mapping) for n in rule.values()]
    return sum(number for number in numbers if isinstance(number, int))


def _missing(readings: Sequence[Reading]) -> tuple[str, ...]:
    numbered = {int(r.cite) for r in readings if not r.cite.startswith("?")}
    gaps = [
        (before + 1, after - 1)
        for before, after in pairwise([0, *sorted(numbered)])
        if after > before + 1
    ]
    return tuple(f"{low}" if low == high else f"{low}–{high}" for low, high in gaps)  # noqa: RUF001  a range


def _recorder(reading: Reading) -> Recorder:
    return Recorder(
        run=reading.word("run"),
        kind=reading.word("recorded_by") or "unknown",
        confinement=reading.word("confinement") or "unknown",
        host=reading.word("host"),
    )


def _truncated(readings: Sequence[Reading]) -> tuple[Remark, ...]:
    cuts = []
    for reading in readings:
        limit = reading.word("truncated") or reading.word("output_truncated")
        if limit:
            where = ", ".join(filter(None, (reading.subject.run, reading.subject.step)))
            what = "result" if reading.type.startswith("query.") else "output"
            cuts.append(
                Remark(f"{what} of {where or reading.type} cut at {limit}", (reading.cite,))
            )
    return tuple(cuts)


_PAIRS = (
    ("run.started", frozenset({"run.ended"}), "run"),
    ("step.started", STEP_ENDS, "step"),
    ("query.started", QUERY_ENDS, "query"),
    (
        "action.requested",
        frozenset({"approval.requested", "action.previewed", "action.denied"}),
        "request",
    ),
    ("action.started", ACTION_ENDS, "action"),
)


def _unfinished(readings: Sequence[Reading]) -> tuple[Remark, ...]:
    remarks = []
    for start, ends, noun in _PAIRS:
        started = {_key(r, noun) for r in readings if r.type == start}
        ended = {_key(r, noun) for r in readings if r.type in ends}
        for reading in readings:
            key = _key(reading, noun)
            if reading.type == start and key not in ended:
                remarks.append(Remark(f"{noun} {' '.join(key)}: no end recorded", (reading.cite,)))
            # A refusal needs no start: nothing ran. Nor does an approval: its request is one.
            alone = reading.type in REFUSALS or noun == "request"
            if reading.type in ends and key not in started and not alone:
                remarks.append(
                    Remark(f"{noun} {' '.join(key)}: no start recorded", (reading.cite,))
                )
    return tuple(remarks)


def _key(reading: Reading, noun: str) -> tuple[str, ...]:
    about = reading.subject
    return {
        "run": (about.run,),
        "step": (about.run, about.step, about.attempt),
        "query": (about.run, about.step, about.attempt, about.ordinal),
        "request": (about.run, about.step, about.attempt, about.ordinal),
        "action": (about.approval,),
    }[noun]


# --- figures -----------------------------------------------------------------------------------


def _numbers(
    readings: Sequence[Reading], approvals: Sequence[ApprovalStory]
) -> tuple[Number, ...]:
    declared = first(readings, "incident.declared")
    spans = (
        ("Time to first finding", declared, _first_finding(readings)),
        ("Time to first action", declared, first(readings, "action.succeeded")),
        ("Time to close", declared, first(readings, "incident.closed")),
    )
    figures = [_span(*span) for span in spans]
    counts = [_count(readings, *row) for row in _COUNTS]
    return tuple(number for number in (*figures, *_waits(approvals), *counts) if number)


def _span(label: str, start: Reading | None, end: Reading | None) -> Number | None:
    seconds = between(start, end)
    if seconds is None or seconds < 0 or not start or not end:
        return None
    return Number(label, duration(seconds), (start.cite, end.cite))


_COUNTS = (
    ("Runs", ("run.started",)),
    ("Steps", tuple(sorted(STEP_ENDS))),
    ("Queries answered", ("query.completed",)),
    ("Queries failed", ("query.failed",)),
    ("Refused", ("query.denied", "action.denied", "approval.vote_refused")),
    ("Glass broken", ("approval.glass_broken",)),
    ("Actions done", ("action.succeeded",)),
    ("Actions failed", ("action.failed",)),
    ("Outcomes unknown", ("action.outcome_unknown",)),
)


def _count(readings: Sequence[Reading], label: str, kinds: tuple[str, ...]) -> Number | None:
    found = [r for r in readings if r.type in kinds]
    few = cites(found) if len(found) <= _FEW else ()
    return Number(label, f"{len(found):,}", few) if found else None


_FEW = 6
"""More events than this are counted and not listed."""


def _waits(approvals: Sequence[ApprovalStory]) -> list[Number]:
    waits: dict[str, Number] = {}
    for story in approvals:
        name = story.plan or story.id  # who decides on a plan decides on all of it at once
        if story.waited_s is not None and story.waited_s >= 0:
            waited = Number(f"Waited for {name}", duration(story.waited_s), story.waited_on)
            waits.setdefault(name, waited)
    return list(waits.values())


def _first_finding(readings: Sequence[Reading]) -> Reading | None:
    """The first step that found something: a finding that is worth acting on."""
    ends = [r for r in readings if r.type in STEP_ENDS]
    return next((r for r in ends if r.word("state") in {"warn", "bad"}), None)


def _phases(readings: Sequence[Reading]) -> tuple[Phase, ...]:
    asked = first(readings, "approval.requested")
    done = first(readings, "action.succeeded", "action.failed", "action.outcome_unknown")
    stops = (
        ("Declared", first(readings, "incident.declared")),
        ("Diagnosis", _first_finding(readings)),
        ("Decision", asked),
        ("Approval", first(readings, "approval.approved", "approval.denied", "approval.expired")),
        ("Repair", done),
        ("Verification", first(readings, "incident.closed")),
    )
    reached = [(name, r) for name, r in stops if r and r.time]
    return tuple(
        Phase(name, before.time, after.time, (before.cite, after.cite))
        for (_, before), (name, after) in pairwise(reached)
        if before.time and after.time and after.time >= before.time
    )


# --- follow-ups --------------------------------------------------------------------------------


def _follow_ups(
    readings: Sequence[Reading], moments: Sequence[Moment], approvals: Sequence[ApprovalStory]
) -> tuple[Remark, ...]:
    ends = {"action.resolved", "action.proven"}
    resolved = {r.subject.approval for r in readings if r.type in ends}
    found = [
        *(("Find out and record what came of it", m) for m in moments if _is_open(m, resolved)),
        *(("Still open", m) for m in _questions(moments)),
        *(("Never answered", m) for m in _last_attempts(moments) if m.tone is Tone.UNKNOWN),
    ]
    late = "Nobody decided {} in time: who could have, and were they told?"
    expired = (story for story in approvals if story.state == "expired")
    return (
        *(Remark(f"{what}: {m.what}", m.events) for what, m in found),
        *(Remark(late.format(story.id), story.events[:1]) for story in expired),
    )


def _is_open(moment: Moment, resolved: set[str]) -> bool:
    kinds = {"action.outcome_unknown", "action.started", "action.prepared"}
    return moment.type in kinds and moment.subject.approval not in resolved


def _questions(moments: Sequence[Moment]) -> list[Moment]:
    """Return the questions after the last answer; which answer meets which is not recorded."""
    open_questions: list[Moment] = []
    for told in moments:
        if told.type == "note.answer":
            open_questions.clear()
        elif told.type == "note.question":
            open_questions.append(told)
    return open_questions


def _last_attempts(moments: Sequence[Moment]) -> list[Moment]:
    ends = [m for m in moments if m.type in STEP_ENDS]
    return list({(m.subject.run, m.subject.step): m for m in ends}.values())
