"""What people kept account of, and a narrative view, as Markdown."""

from collections.abc import Iterator

from interlock.export.clock import Clock
from interlock.export.entries import Hypothesis, Link, Move
from interlock.export.markdown_text import cell, cited, prose
from interlock.export.model import GLYPHS, Moment, Postmortem
from interlock.export.text import offset
from interlock.export.views import picked_of


def links_of(moment: Moment) -> str:
    """Return what a moment has to do with others, to stand behind it; "" for nothing."""
    return "".join(_link(link) for link in moment.links)


def _link(link: Link) -> str:
    return f" → {cell(link.word)} {cited(link.events)}"


def _view(pm: Postmortem, when: Clock) -> Iterator[str]:
    """Tell an incident as its view does: its headings, its order, its author's words."""
    if pm.view is None:
        return
    moments = picked_of(pm)
    for item in pm.view.items:
        if item.heading:
            yield from (f"### {prose(item.heading, 200)}", "")
        elif found := moments.get(item.event):
            yield from (_told(found, when), "")
        else:
            yield from (f"- Event {cell(item.event)} is not in this export.", "")
        for paragraph in paragraphs(item.text):
            yield from (prose(paragraph, 10_000), "")


def _told(moment: Moment, when: Clock) -> str:
    at = when.stamp(moment.time) if moment.time else "without a usable time"
    since = f" ({offset(moment.offset_s)})" if moment.offset_s is not None else ""
    said = f"{prose(moment.who)}: {prose(moment.what)}"
    events = cited(moment.events)
    return f"- {GLYPHS[moment.tone]} **{at}**{since} {said} {events}{links_of(moment)}"


def paragraphs(text: str) -> list[str]:
    """Return an author's paragraphs, each as one line: its breaks are an editor's, not theirs."""
    return [" ".join(one.split("\n")) for one in text.split("\n\n") if one.strip()]


def _milestones(pm: Postmortem, when: Clock) -> Iterator[str]:
    if not pm.ledger.milestones:
        return
    yield from ("| Milestone | When | Marked by | Events |", "|---|---|---|---|")
    for one in pm.ledger.milestones:
        at = when.stamp(one.time) + ("" if one.counts else " (a later one counts)")
        why = f"{one.who}: “{one.text}”" if one.text else one.who
        events = (one.marks, *one.events) if one.marks else one.events
        yield f"| {cell(one.title)} | {cell(at)} | {cell(why)} | {cited(events)} |"
    yield ""


def _pins(pm: Postmortem, _: Clock) -> Iterator[str]:
    if pm.ledger.pins:
        moments = picked_of(pm)
        for pin in pm.ledger.pins:
            found = moments.get(pin.event)
            what = prose(found.what) if found else "an event"
            why = f" — {prose(pin.who)}: “{prose(pin.text)}”" if pin.text else ""
            yield f"- {what} {cited((pin.event,))}{why} {cited(pin.events)}"
        yield ""


def _decisions(pm: Postmortem, when: Clock) -> Iterator[str]:
    for one in pm.ledger.decisions:
        events = cited(one.events)
        yield f"- **{prose(one.choice)}** — {prose(one.by)}, {when.stamp(one.time)} {events}"
        if one.options:
            yield f"  - Considered: {'; '.join(map(prose, one.options))}"
        if one.reason:
            yield f"  - Because: {prose(one.reason)}"
        if one.evidence:
            yield f"  - Rests on: {cited(one.evidence)}"
    yield ""


def _hypotheses(pm: Postmortem, when: Clock) -> Iterator[str]:
    for one in pm.ledger.hypotheses:
        yield f"### {prose(one.id)}: {prose(one.text or 'not in this export', 300)}"
        yield from ("", f"{prose(state_of(one))}.", "")
        yield from (_move(move, when) for move in one.moves)
        yield ""


def state_of(one: Hypothesis) -> str:
    """Return how a hypothesis stands, as a sentence without its stop."""
    by = f" by {one.superseded_by}" if one.superseded_by else ""
    sure = f", confidence {one.confidence}" if one.confidence else ""
    return f"{one.state.capitalize()}{by}{sure}"


def _move(move: Move, when: Clock) -> str:
    at = when.time(move.time) if move.time else "—"
    said = f": {prose(move.text)}" if move.text else ""
    sure = f" (confidence {prose(move.confidence)})" if move.confidence else ""
    speaks_for = f" — for {cited(move.speaks_for)}" if move.speaks_for else ""
    against = f" — against {cited(move.against)}" if move.against else ""
    head = f"- {at} {prose(move.who)} {prose(move.what)}{sure}{said}"
    return f"{head}{speaks_for}{against} {cited((move.event,))}"


def _questions(pm: Postmortem, _: Clock) -> Iterator[str]:
    if pm.ledger.questions:
        for one in pm.ledger.questions:
            yield f"- {prose(one.text)} — {prose(one.who)} {cited(one.events[:1])}"
            for text, who, event in one.answers:
                yield f"  - {prose(text)} — {prose(who)} {cited((event,))}"
            if not one.answers:
                yield "  - Nobody answered."
        yield ""


SECTIONS = {
    "view": _view,
    "milestones": _milestones,
    "pins": _pins,
    "decisions": _decisions,
    "hypotheses": _hypotheses,
    "questions": _questions,
}
"""What writes each of these sections."""
