"""What people kept account of, and a narrative view, as HTML."""

from collections.abc import Callable, Sequence

from interlock.export.clock import Clock
from interlock.export.entries import Decided, Hypothesis, Marked, Move, ViewItem
from interlock.export.markdown_ledger import paragraphs, state_of
from interlock.export.markup import Child, Html, tag
from interlock.export.model import GLYPHS, Moment, Postmortem
from interlock.export.text import line, offset
from interlock.export.views import picked_of

Cited = Callable[[Sequence[str]], Child]
"""Writes citations as the page does: as links to their place in its timeline."""


def links_html(moment: Moment, cited: Cited) -> Child:
    """Return what a moment has to do with others; nothing where it has nothing."""
    found = [[f"{link.word} ", cited(link.events), " "] for link in moment.links]
    return tag("p", "→ ", found, class_="told") if found else None


def view_html(pm: Postmortem, when: Clock, cited: Cited) -> Child:
    """Tell an incident as its view does: its headings, its order, its author's words."""
    if pm.view is None:
        return None
    moments = picked_of(pm)
    told = [_item(item, moments.get(item.event), when, cited) for item in pm.view.items]
    return _section("view", "What happened", told)


def ledger_html(pm: Postmortem, when: Clock, cited: Cited) -> list[Child]:
    """Return milestones, pins, decisions, hypotheses, questions; nothing for what is not there."""
    return [
        _milestones(pm, when, cited),
        _pins(pm, cited),
        _decisions(pm, when, cited),
        _hypotheses(pm, when, cited),
        _questions(pm, cited),
    ]


def _section(name: str, title: str, *children: Child) -> Html:
    heading = tag("h2", title, id=f"{name}-title")
    return tag("section", heading, *children, id=name, aria_labelledby=f"{name}-title")


def _item(item: ViewItem, moment: Moment | None, when: Clock, cited: Cited) -> Child:
    words = [
        tag("p", tag("span", line(paragraph, 10_000), class_="data"))
        for paragraph in paragraphs(item.text)
    ]
    if item.heading:
        return [tag("h3", tag("span", item.heading, class_="data")), words]
    if moment is None:
        return [tag("p", f"Event {item.event} is not in this export.", class_="told"), words]
    at = when.stamp(moment.time) if moment.time else "without a usable time"
    since = f" {offset(moment.offset_s)}" if moment.offset_s is not None else ""
    said = tag("span", line(moment.what, 2_000), class_="data")
    head = tag("span", f"{GLYPHS[moment.tone]} {at}{since} ", class_="told")
    return [tag("p", head, tag("b", moment.who), " ", said, " ", cited(moment.events)), words]


def _milestones(pm: Postmortem, when: Clock, cited: Cited) -> Child:
    if not pm.ledger.milestones:
        return None
    items = [tag("li", _marked(one, when, cited)) for one in pm.ledger.milestones]
    return _section("milestones", "Milestones", tag("ul", items))


def _marked(one: Marked, when: Clock, cited: Cited) -> Child:
    why: Child = None
    if one.text:
        why = [": ", tag("span", f"“{line(one.text, 2_000)}”", class_="data")]
    later = None if one.counts else tag("span", " (a later one counts)", class_="told")
    events = (one.marks, *one.events) if one.marks else one.events
    said = f" {when.stamp(one.time)}, marked by {one.who}"
    return [tag("b", one.title), said, why, later, " ", cited(events)]


def _pins(pm: Postmortem, cited: Cited) -> Child:
    if not pm.ledger.pins:
        return None
    moments = picked_of(pm)
    items = []
    for pin in pm.ledger.pins:
        found = moments.get(pin.event)
        what = tag("span", line(found.what, 2_000) if found else "an event", class_="data")
        why = f" — {pin.who}: “{line(pin.text, 2_000)}” " if pin.text else f" — {pin.who} "
        items.append(tag("li", what, " ", cited((pin.event,)), why, cited(pin.events)))
    return _section("pinned", "Pinned", tag("ul", items))


def _decisions(pm: Postmortem, when: Clock, cited: Cited) -> Child:
    if not pm.ledger.decisions:
        return None
    items = [tag("li", _decided(one, when, cited)) for one in pm.ledger.decisions]
    return _section("decisions", "Decisions", tag("ul", items))


def _decided(one: Decided, when: Clock, cited: Cited) -> Child:
    facts = [
        ("Considered", "; ".join(line(option, 500) for option in one.options)),
        ("Because", line(one.reason, 4_000)),
    ]
    told = [[tag("dt", name), tag("dd", text)] for name, text in facts if text]
    rests = [tag("dt", "Rests on"), tag("dd", cited(one.evidence))] if one.evidence else None
    choice = tag("b", tag("span", line(one.choice, 2_000), class_="data"))
    by = tag("span", f" — {one.by}, {when.stamp(one.time)} ", class_="told")
    return [choice, by, cited(one.events), tag("dl", told, rests, class_="facts")]


def _hypotheses(pm: Postmortem, when: Clock, cited: Cited) -> Child:
    if not pm.ledger.hypotheses:
        return None
    told = [_hypothesis(one, when, cited) for one in pm.ledger.hypotheses]
    return _section("hypotheses", "Hypotheses", told)


def _hypothesis(one: Hypothesis, when: Clock, cited: Cited) -> Html:
    text = tag("span", line(one.text or "not in this export", 300), class_="data")
    moves = [tag("li", _move(move, when, cited)) for move in one.moves]
    return tag(
        "article",
        tag("h3", f"{one.id}: ", text),
        tag("p", f"{state_of(one)}.", class_="told"),
        tag("ul", moves),
        class_="card",
    )


def _move(move: Move, when: Clock, cited: Cited) -> Child:
    at = when.time(move.time) if move.time else "—"
    sure = f" (confidence {move.confidence})" if move.confidence else ""
    said: Child = None
    if move.text:
        said = [": ", tag("span", line(move.text, 4_000), class_="data")]
    speaks_for = [" — for ", cited(move.speaks_for)] if move.speaks_for else None
    against = [" — against ", cited(move.against)] if move.against else None
    head = f"{at} {move.who} {move.what}{sure}"
    return [head, said, speaks_for, against, " ", cited((move.event,))]


def _questions(pm: Postmortem, cited: Cited) -> Child:
    if not pm.ledger.questions:
        return None
    items = []
    for one in pm.ledger.questions:
        answers = [
            tag("li", tag("span", line(text, 4_000), class_="data"), f" — {who} ", cited((event,)))
            for text, who, event in one.answers
        ]
        none = tag("p", "Nobody answered.", class_="told")
        text = tag("span", line(one.text, 4_000), class_="data")
        below = tag("ul", answers) if answers else none
        items.append(tag("li", text, f" — {one.who} ", cited(one.events[:1]), below))
    return _section("questions", "Questions", tag("ul", items))
