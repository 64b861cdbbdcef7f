"""The short sections of a Markdown export: what the record is, and the incident at a glance."""

from collections.abc import Iterator, Mapping, Sequence

from interlock.export.about import about_lines
from interlock.export.account import Participant
from interlock.export.clock import Clock
from interlock.export.markdown_metrics import metric_rows
from interlock.export.markdown_text import cell, cited, prose
from interlock.export.model import GLYPHS, Moment, Postmortem, RunStory, Tone
from interlock.export.text import count, duration

_FEW = 6
"""More events than this are counted and not listed."""
_SHORTER = (
    "rows, outputs and long texts are cut and say so; the cells around statements, what they "
    "displayed of their rows, and the approvals' prompts stand in the HTML and JSON exports"
)


def _about(pm: Postmortem, when: Clock) -> Iterator[str]:
    yield from ("> **About this record**", ">")
    for label, text, events in about_lines(pm, when):
        yield f"> - **{label}:** {prose(text)} {cited(events)}".rstrip()
    if pm.profile != "external":  # whose other forms hold no more
        yield f"> - **In this form:** {_SHORTER}"


# --- in a few sentences ------------------------------------------------------------------------


def _glance(pm: Postmortem, when: Clock) -> Iterator[str]:
    kind = f"A {pm.severity} incident" if pm.severity else "An incident"
    opened = f"declared {when.stamp(pm.start)}" if pm.start else "declared at an unknown time"
    yield f"- {prose(kind)}, {opened}{_closed(pm, when)}. {cited(_bounds(pm))}".rstrip()
    yield from map(_run, pm.runs)
    for story in pm.approvals:
        target = f" on {story.target}" if story.target else ""
        asked = f"{story.id}: {story.operation or story.effect or '?'}{target}"
        ends = (story.events[0], story.events[-1]) if len(story.events) > 1 else story.events
        yield f"- {prose(asked)} — {prose(story.ending)}{_asked_by(story.requester)} {cited(ends)}"


def _run(run: RunStory) -> str:
    title = f"{run.id} ({run.runbook})" if run.runbook else run.id
    bad = next((m for m in run.moments if m.type.startswith("step.") and m.tone is Tone.BAD), None)
    found = f"; it found {prose(bad.what, 300)}" if bad else ""
    events = (*run.events, *(bad.events[-1:] if bad else ()))
    return f"- {prose(title)}: {prose(run.outcome)}{found} {cited(events)}".rstrip()


def _asked_by(requester: str) -> str:
    return f", asked by {prose(requester)}" if requester else ""


def _closed(pm: Postmortem, when: Clock) -> str:
    if not pm.end:
        return ", not closed yet"
    lasted = (pm.end - pm.start).total_seconds() if pm.start else -1
    after = f" after {duration(lasted)}" if lasted >= 0 else f" {when.stamp(pm.end)}"
    return f", closed{after}"


def _bounds(pm: Postmortem) -> tuple[str, ...]:
    return (*_last(pm, "incident.declared"), *_last(pm, "incident.closed"))


# --- tables ------------------------------------------------------------------------------------


def _facts(pm: Postmortem, when: Clock) -> Iterator[str]:
    lasted = duration((pm.end - pm.start).total_seconds()) if pm.start and pm.end else "—"
    ended = ("incident.closed", "incident.reopened", "incident.sealed")
    led = tuple(
        m.events[-1]
        for m in pm.moments
        if m.type == "incident.handover" or (m.type == "incident.role_assigned" and _leads(m))
    )
    rows = (
        ("Severity", pm.severity, _last(pm, "incident.declared", "incident.severity_changed")),
        ("State", pm.state, _last(pm, "incident.declared", *ended)),
        ("Commander", pm.commander, led[-1:]),
        ("Declared", when.stamp(pm.start), _last(pm, "incident.declared")),
        ("Closed", when.stamp(pm.end) if pm.end else "not closed", _last(pm, "incident.closed")),
        ("Lasted", lasted, _bounds(pm) if pm.end else ()),
    )
    yield from ("| | | Events |", "|---|---|---|")
    for label, value, events in rows:
        yield f"| {label} | {cell(value or '—')} | {cited(events)} |"


def _leads(moment: Moment) -> bool:
    return moment.fact("role") == "commander"


def _last(pm: Postmortem, *kinds: str) -> tuple[str, ...]:
    return tuple(m.events[-1] for m in pm.moments if m.type in kinds)[-1:]


def _numbers(pm: Postmortem, _: Clock) -> Iterator[str]:
    if pm.numbers or pm.metrics:
        yield from ("| | | Events |", "|---|---|---|")
    for label, value, events in metric_rows(pm):
        yield f"| {label} | {value} | {cited(events)} |"
    for number in pm.numbers:
        yield f"| {cell(number.label)} | {cell(number.value)} | {cited(number.events)} |"


def _phases(pm: Postmortem, when: Clock) -> Iterator[str]:
    if pm.phases:
        head = "| Phase | From (UTC) | To (UTC) | Took | Events |"
        yield from (head, "|---|---|---|---|---|")
    for phase in pm.phases:
        span = f"{when.time(phase.start)} | {when.time(phase.end)} | {duration(phase.seconds)}"
        yield f"| {cell(phase.name)} | {span} | {cited(phase.events)} |"


def _people(pm: Postmortem, _: Clock) -> Iterator[str]:
    if pm.people:
        yield from ("| Who | Role | Did | Events |", "|---|---|---|---|")
    by_person = _events_of(pm)
    for person in pm.people:
        yield _person(person, by_person.get(f"person:{person.id}", []))


def _person(person: Participant, events: Sequence[str]) -> str:
    more = f" and {len(events) - _FEW} more" if len(events) > _FEW else ""
    told = f"{cited(events[:_FEW])}{more}"
    return (
        f"| {cell(person.id)} | {cell(', '.join(person.roles) or '—')} "
        f"| {cell(', '.join(person.did) or '—')} | {told} |"
    )


def _events_of(pm: Postmortem) -> Mapping[str, list[str]]:
    found: dict[str, list[str]] = {}
    for moment in pm.moments:
        for source in moment.sources:
            found.setdefault(source.authid, []).append(source.event)
    return {who: sorted(events, key=lambda e: (len(e), e)) for who, events in found.items()}


# --- one line each -----------------------------------------------------------------------------


def _findings(pm: Postmortem, _: Clock) -> Iterator[str]:
    steps = (m for m in pm.moments if m.type.startswith("step."))
    yield from (bullet(m) for m in steps if m.tone is Tone.BAD)


_RESOLVING = frozenset({"action.succeeded", "action.resolved", "action.proven", "incident.closed"})


def _resolution(pm: Postmortem, _: Clock) -> Iterator[str]:
    yield from (bullet(m) for m in pm.moments if m.type in _RESOLVING)


def bullet(moment: Moment) -> str:
    """Return a moment as a line of a list, without the time."""
    said = f"{prose(moment.who)}: {prose(moment.what)}"
    return f"- {GLYPHS[moment.tone]} {said} {cited(moment.events)}"


def told_shortly(pm: Postmortem) -> str:
    """Return in one line what a part of a record is a part of."""
    record = pm.record
    gaps = [f"events {', '.join(record.missing)} are missing"] if record.missing else []
    gaps += [f"{count(record.redacted, 'part')} redacted"] if record.redacted else []
    gaps += [f"{count(record.absent, 'part')} not delivered"] if record.absent else []
    gaps += list(record.withheld)
    return f"From {count(record.events, 'event')} of {pm.id or 'one incident'}, {pm.profile}; " + (
        ", ".join(gaps) or "nothing was redacted or omitted"
    )


SECTIONS = {
    "about": _about,
    "glance": _glance,
    "facts": _facts,
    "numbers": _numbers,
    "phases": _phases,
    "people": _people,
    "findings": _findings,
    "resolution": _resolution,
}
"""What writes each of these sections."""
