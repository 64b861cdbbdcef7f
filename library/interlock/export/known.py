"""An incident as it was known at a moment: only what was recorded by then counts.

What happened when is one question, and who could know it when is another. A note that was
written an hour later stands where it happened in the timeline, but nobody knew it then.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from interlock.errors import UsageError
from interlock.export.account import Known
from interlock.export.model import Earlier, Moment
from interlock.export.narrate import said_of, who_of
from interlock.export.order import Place
from interlock.export.reading import Reading, moment
from interlock.export.telling import Scene

_ZONED = re.compile(r"(?:[Zz]|[+-][0-9]{2}:?[0-9]{2})\Z", re.ASCII)
_SEQUENCE = re.compile(r"#?([0-9]{1,15})", re.ASCII)


def read_known_at(text: str) -> datetime | int:
    """Return what `--known-at` names: an event's number, or a time in RFC 3339.

    Raises:
        UsageError: it is neither, or a time without its zone.
    """
    number = _SEQUENCE.fullmatch(text.strip())
    if number:
        return int(number.group(1))
    found = moment(text.strip())
    if found is None or not re.search(
        r"(?:Z|[+-][0-9]{2}:?[0-9]{2})\Z", text.strip(), re.IGNORECASE
    ):
        raise UsageError(
            f"{text[:60]!r} is no moment that something can be known at.",
            code="bad-request",
            help="Give an event's number, such as 17, or a time with its zone, such as "
            "2026-03-02T23:59:00Z.",
        )
    return found


def known_by(readings: Sequence[Reading], known_at: datetime | int) -> tuple[list[Reading], Known]:
    """Return what had been recorded by then, in order of sequence, and what to say of the rest.

    Args:
        readings: all events in order of their sequence.
        known_at: the last event known, as a sequence, or a moment.
    """
    by_number = isinstance(known_at, int)
    unplaced = [r for r in readings if (r.cite.startswith("?") if by_number else not r.recorded)]
    kept = [r for r in readings if _is_known(r, known_at)]
    numbers = [int(r.cite) for r in kept if not r.cite.startswith("?")]
    recorded = [r.recorded for r in kept if r.recorded]
    at = max(recorded, default=None) if isinstance(known_at, int) else known_at
    later = len(readings) - len(kept) - len(unplaced)
    return kept, Known(max(numbers, default=0), at, later, len(unplaced))


def _is_known(reading: Reading, known_at: datetime | int) -> bool:
    if isinstance(known_at, int):
        return not reading.cite.startswith("?") and int(reading.cite) <= known_at
    return bool(reading.recorded and reading.recorded <= known_at)


def incident_then(incident: Mapping[str, Any], readings: Sequence[Reading]) -> dict[str, Any]:
    """Return the incident as these events tell it; nothing of what it became later."""
    then: dict[str, Any] = {"id": incident.get("id"), "severity": "", "roles": {}}
    for reading in readings:
        _apply(then, reading)
    roles: Mapping[str, str] = then["roles"]
    leads = [person for person, role in roles.items() if role == "commander"]
    return {key: value for key, value in then.items() if value is not None} | {
        "commander": leads[-1] if leads else ""
    }


def _apply(then: dict[str, Any], reading: Reading) -> None:
    match reading.type:
        case "incident.declared":
            then.update(severity=reading.word("severity"), state="open")
            then.update(title=reading.said("title"), declared_at=reading.event.get("time"))
        case "incident.severity_changed":
            then["severity"] = reading.word("to")
        case "incident.role_assigned" if reading.word("person"):
            then["roles"][reading.word("person")] = reading.word("role")
        case "incident.closed":
            then.update(state="closed", closed_at=reading.event.get("time"))
        case "incident.reopened":
            then.update(state="open", closed_at=None)
        case "incident.sealed":
            then["state"] = "sealed"
        case _:
            pass


# --- how things were told before ---------------------------------------------------------------


def earlier_of(
    readings: Iterable[Reading],
    moments: Iterable[Moment],
    scene: Scene,
    places: Mapping[str, Place],
) -> tuple[Earlier, ...]:
    """Return how each event was told before a later one took it in or said more.

    Args:
        readings: the events.
        moments: what they tell now.
        scene: what sentences need from the whole timeline.
        places: where each event stands in the order shown.
    """
    then = replace(scene, over={})
    by_cite = {reading.cite: reading for reading in readings}
    taken = [
        (source.event, source.until)
        for told in moments
        for source in told.sources
        if source.until and source.before(source.until)
    ]
    left = [(told.event, told.since) for told in moments if told.since != told.event]
    return tuple(
        _earlier(by_cite[event], until, then, places[event].rank)
        for event, until in (*taken, *left)
        if event in by_cite and event in places
    )


def _earlier(reading: Reading, until: str, scene: Scene, place: int) -> Earlier:
    said = said_of(reading, scene)
    who = who_of(reading, scene)
    return Earlier(reading.cite, until, reading.time, who, said.what, said.tone, place)


def since(told: Moment, scene: Scene) -> str:
    """Return the event since which a moment is told in its words."""
    waits = told.type in {"step.started", "query.started"} and told.subject.run in scene.over
    end = scene.over[told.subject.run] if waits else told.event
    return end if (len(end), end) > (len(told.event), told.event) else told.event
