"""How long it took: to detect, to acknowledge, to mitigate, to resolve, and to decide.

What people marked (“interlock mark”) wins over what can be read from the record, and a figure
that rests on neither is not given: it says what is missing instead. TTD, TTM and TTR count from
the start of impact, not from the first alert; where nobody marked it, TTM and TTR count from
detection and say so.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from interlock.export.account import Metric
from interlock.export.model import ApprovalStory
from interlock.export.reading import Reading
from interlock.export.text import duration


@dataclass(frozen=True, slots=True)
class Point:
    """A moment that a metric starts or ends at, and what it was read from."""

    time: datetime
    read: str
    events: tuple[str, ...]


Find = Callable[[Sequence[Reading]], Point | None]


def metrics_of(
    readings: Sequence[Reading], approvals: Sequence[ApprovalStory], *, closed: bool
) -> tuple[Metric, ...]:
    """Return the four times and the wait for each approval, each with the events it is from.

    Args:
        readings: the events in order of their sequence.
        approvals: the requests among them.
        closed: whether the incident is over, so that what is not known will not come by itself.
    """
    impact, detected = _marked(readings, "impact_started"), _detected(readings)
    begun = impact or detected
    rows = (
        ("TTD", "Time to detect (TTD)", impact, detected, "impact_started"),
        ("TTA", "Time to acknowledge (TTA)", detected, _acknowledged(readings, detected), ""),
        ("TTM", "Time to mitigate (TTM)", begun, _mitigated(readings), "mitigated"),
        ("TTR", "Time to resolve (TTR)", begun, _resolved(readings, closed=closed), "resolved"),
    )
    return (*(_metric(*row, closed=closed) for row in rows), *_waits(approvals))


def _metric(
    name: str, label: str, start: Point | None, end: Point | None, mark: str, *, closed: bool
) -> Metric:
    if start is None or end is None:
        return Metric(name, label, None, _unknown(mark, start, closed=closed))
    seconds = (end.time - start.time).total_seconds()
    events = tuple(dict.fromkeys((*start.events, *end.events)))
    read = f"from {start.read} to {end.read}"
    if seconds < 0:
        value = f"not known: {end.read} is before {start.read}; mark them again"
        return Metric(name, label, None, value, read, events)
    return Metric(name, label, seconds, duration(seconds), read, events)


_MISSING = {
    "impact_started": "nobody marked when impact started (“interlock mark”)",
    "mitigated": "nobody marked when impact ended (“interlock mark”), and no action did it",
    "resolved": "nobody marked it resolved (“interlock mark”), and it was not closed",
    "": "no person did anything after it was detected",
}


def _unknown(mark: str, start: Point | None, *, closed: bool) -> str:
    if mark != "impact_started" and start is None:
        return "not known: nothing says when it was detected"
    if mark not in ("impact_started", "") and not closed:
        return "not known yet: the incident is open"
    return f"not known: {_MISSING[mark]}"


# --- the four points ---------------------------------------------------------------------------


def _marked(readings: Sequence[Reading], name: str) -> Point | None:
    """Return what a person marked last; earlier marks stay in the timeline."""
    found = [r for r in readings if r.type == f"milestone.{name}" and r.time]
    if not found or not found[-1].time:
        return None
    mark = found[-1]
    marked = mark.word("sequence")
    on = (marked,) if any(r.cite == marked for r in readings) else ()
    words = name.replace("_", " ").replace("impact started", "impact start")
    return Point(found[-1].time, f"{words} (marked by {_person(mark)})", (mark.cite, *on))


def _detected(readings: Sequence[Reading]) -> Point | None:
    alert = _earliest(readings, "external.alert_fired")
    declared = _earliest(readings, "incident.declared")
    return (
        _marked(readings, "detected")
        or _point(alert, "the first alert")
        or _point(declared, "the declaration (no alert, no mark)")
    )


def _acknowledged(readings: Sequence[Reading], detected: Point | None) -> Point | None:
    marked = _marked(readings, "acknowledged")
    if marked or detected is None:
        return marked
    acts = [r for r in readings if _is_act(r) and r.time and r.time >= detected.time]
    found = min(
        (r for r in acts if r.cite not in detected.events),
        key=lambda r: (r.time or detected.time, r.order),
        default=None,
    )
    who = _person(found) if found else ""
    return _point(found, f"what a person did first ({who}: {found.type})" if found else "")


def _is_act(reading: Reading) -> bool:
    """Tell whether a person did something; to be given a role by declaring is not doing."""
    if not _person(reading) or reading.type == "incident.role_assigned":
        return False
    return reading.type.partition(".")[0] in _ACTS


_ACTS = frozenset({"incident", "run", "note", "approval", "action", "plan", "followup"})


def _mitigated(readings: Sequence[Reading]) -> Point | None:
    done = [r for r in readings if r.type == "action.succeeded" and r.data.get("verified") is True]
    last = max((r for r in done if r.time), key=lambda r: (r.time, r.order), default=None)
    return _marked(readings, "mitigated") or _point(
        last, "the last action that was verified (no mark)"
    )


def _resolved(readings: Sequence[Reading], *, closed: bool) -> Point | None:
    marked = _marked(readings, "resolved")
    if marked or not closed:
        return marked
    ends = [r for r in readings if r.type == "incident.closed" and r.time]
    return _point(ends[-1] if ends else None, "the closing of the incident")


def _earliest(readings: Iterable[Reading], kind: str) -> Reading | None:
    found = [r for r in readings if r.type == kind and r.time]
    return min(found, key=lambda r: (r.time, r.order), default=None)


def _point(reading: Reading | None, read: str) -> Point | None:
    if reading is None or reading.time is None:
        return None
    return Point(reading.time, read, (reading.cite,))


def _person(reading: Reading) -> str:
    authid = reading.event.get("authid")
    kind, _, name = (authid if isinstance(authid, str) else "").partition(":")
    return name if kind == "person" else ""


# --- waits -------------------------------------------------------------------------------------


def _waits(approvals: Sequence[ApprovalStory]) -> list[Metric]:
    waits: dict[str, Metric] = {}
    for story in approvals:
        name = story.plan or story.id  # who decides on a plan decides on all of it at once
        waits.setdefault(name, _wait(name, story))
    return list(waits.values())


def _wait(name: str, story: ApprovalStory) -> Metric:
    label = f"Waited for {name}"
    if story.waited_s is None or story.waited_s < 0:
        return Metric(name, label, None, "not decided", "", story.waited_on)
    end = "somebody broke the glass" if story.broken else "it was decided"
    read = f"from the request until {end}"
    return Metric(name, label, story.waited_s, duration(story.waited_s), read, story.waited_on)
