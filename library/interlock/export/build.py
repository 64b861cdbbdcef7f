"""From an incident and its entries to a postmortem: facts in, frozen values out."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import pairwise
from typing import Any

from interlock.export.account import Anchored, Number, Remark
from interlock.export.entries import Ledger
from interlock.export.fold import STEP_ENDS, fold
from interlock.export.gaps import gaps_of
from interlock.export.known import earlier_of, incident_then, known_by, since
from interlock.export.ledger import ledger_of, open_questions
from interlock.export.metrics import metrics_of
from interlock.export.model import ApprovalStory, Entry, Moment, Phase, Postmortem, Tone
from interlock.export.narrate import narrate, scene_of
from interlock.export.order import Place, overlaps, places
from interlock.export.reading import Reading, moment
from interlock.export.record import record_of
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
from interlock.export.views import views_of


def build(
    incident: Mapping[str, Any],
    entries: Sequence[Entry],
    *,
    exported_at: datetime | None = None,
    anchored: Anchored | None = None,
    known_at: datetime | int | None = None,
) -> Postmortem:
    """Return everything an incident's timeline says, ready for a renderer.

    Never raises on what the entries hold: unknown kinds are told by name, missing and redacted
    parts are named where they would stand, and every event is cited by at least one moment.

    Args:
        incident: as `GET /v1/incidents/{id}` gives it; what it lacks is read from the events.
        entries: the timeline, in any order.
        exported_at: when this export is made; said in the header.
        anchored: how far the record is anchored outside the store; None for not at all.
        known_at: tell it as it was known when this event, or at this moment, was recorded; what
            was recorded later is left out, and the header says so.
    """
    every = sorted(
        (Reading(entry, place) for place, entry in enumerate(entries)), key=lambda r: r.order
    )
    if known_at is None:
        return _told(incident, every, exported_at, anchored)
    readings, known = known_by(every, known_at)
    then = incident_then(incident, readings)
    return replace(_told(then, readings, exported_at, anchored, until=known.at), known=known)


def _told(
    incident: Mapping[str, Any],
    readings: Sequence[Reading],
    exported_at: datetime | None,
    anchored: Anchored | None,
    until: datetime | None = None,
) -> Postmortem:
    start, end = _start(incident, readings), _end(incident, readings)
    scene = scene_of(readings, start)
    folded = fold([narrate(reading, scene) for reading in readings])
    ranks = places(readings, folded)
    moments = _placed(folded, ranks, overlaps(readings, folded), scene)
    approvals = approvals_of(readings, moments)
    declared = first(readings, "incident.declared")
    record = record_of(readings, anchored)
    until = until or exported_at
    gaps = gaps_of(readings, moments, approvals, anchored=anchored, until=until)
    roles, ledger = incident.get("roles"), ledger_of(readings)
    return Postmortem(
        id=_named(incident, "id")
        or (shown(readings[0].event.get("incident")) if readings else ""),
        title=_named(incident, "title") or (declared.said("title") if declared else ""),
        severity=_named(incident, "severity"),
        state=_named(incident, "state"),
        commander=_named(incident, "commander"),
        start=start,
        end=end,
        record=replace(record, gaps=gaps),
        numbers=_numbers(readings),
        people=people_of(readings, roles if isinstance(roles, Mapping) else {}),
        phases=_phases(readings),
        moments=moments,
        runs=runs_of(readings, moments),
        approvals=approvals,
        follow_ups=_follow_ups(readings, moments, approvals, ledger),
        exported_at=exported_at,
        owed=owed_of(readings),
        metrics=metrics_of(readings, approvals, closed=end is not None),
        earlier=earlier_of(readings, moments, scene, ranks),
        ledger=ledger,
        views=views_of(readings),
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


def _placed(
    folded: Sequence[Moment],
    ranks: Mapping[str, Place],
    near: Mapping[str, tuple[str, ...]],
    scene: Scene,
) -> tuple[Moment, ...]:
    """Return the moments in the order shown; undated ones last, as they were recorded."""
    found = [
        replace(
            moment,
            place=ranks[moment.event].rank,
            after=ranks[moment.event].after,
            unsure=near.get(moment.event, ()),
            since=since(moment, scene),
        )
        for moment in folded
    ]
    dated = sorted((m for m in found if m.time is not None), key=lambda m: m.place)
    return (*dated, *(m for m in found if m.time is None))


# --- figures -----------------------------------------------------------------------------------


def _numbers(readings: Sequence[Reading]) -> tuple[Number, ...]:
    declared = first(readings, "incident.declared")
    spans = (
        ("Time to first finding", declared, _first_finding(readings)),
        ("Time to first action", declared, first(readings, "action.succeeded")),
    )
    figures = [_span(*span) for span in spans]
    counts = [_count(readings, *row) for row in _COUNTS]
    return tuple(number for number in (*figures, *counts) if number)


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
    readings: Sequence[Reading],
    moments: Sequence[Moment],
    approvals: Sequence[ApprovalStory],
    ledger: Ledger,
) -> tuple[Remark, ...]:
    ends = {"action.resolved", "action.proven"}
    resolved = {r.subject.approval for r in readings if r.type in ends}
    found = [
        *(("Find out and record what came of it", m) for m in moments if _is_open(m, resolved)),
        *(("Never answered", m) for m in _last_attempts(moments) if m.tone is Tone.UNKNOWN),
    ]
    late = "Nobody decided {} in time: who could have, and were they told?"
    expired = (story for story in approvals if story.state == "expired")
    return (
        *(Remark(f"{what}: {m.what}", m.events) for what, m in found),
        *(Remark(f"Still open: question: “{q.text}”", q.events) for q in open_questions(ledger)),
        *(Remark(late.format(story.id), story.events[:1]) for story in expired),
    )


def _is_open(moment: Moment, resolved: set[str]) -> bool:
    kinds = {"action.outcome_unknown", "action.started", "action.prepared"}
    return moment.type in kinds and moment.subject.approval not in resolved


def _last_attempts(moments: Sequence[Moment]) -> list[Moment]:
    ends = [m for m in moments if m.type in STEP_ENDS]
    return list({(m.subject.run, m.subject.step): m for m in ends}.values())
