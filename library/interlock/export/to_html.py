"""A postmortem as one HTML file: offline, without scripts, in light and dark, on paper.

Its policy allows one style sheet, named by its digest, and images inside the file; nothing in
the data can load, run or send anything (CSP level 3, sections 4.2 and 6).
"""

import base64
import hashlib
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from itertools import groupby

from interlock.export.about import about_lines
from interlock.export.clock import Clock, clock
from interlock.export.html_exhibits import exhibits_html, scrolling
from interlock.export.html_ledger import ledger_html, links_html, view_html
from interlock.export.markup import Child, Html, style, tag
from interlock.export.model import (
    GLYPHS,
    ApprovalStory,
    Moment,
    Number,
    Phase,
    Postmortem,
    RunStory,
    Tone,
)
from interlock.export.text import capped, duration, line, offset
from interlock.export.to_markdown import approval_facts, owed_line, run_line


@cache
def stylesheet() -> str:
    """The style sheet of an exported page."""
    return files("interlock.export").joinpath("export.css").read_text(encoding="utf-8")


@cache
def content_policy() -> str:
    """The content security policy of an exported page; the digest is that of its one style."""
    digest = base64.b64encode(hashlib.sha256(stylesheet().encode()).digest()).decode()
    return (
        f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def html(postmortem: Postmortem, *, zone: str = "UTC") -> str:
    """Return the postmortem as one self-contained HTML page.

    Args:
        postmortem: what `build` returned.
        zone: an IANA time zone shown beside UTC.

    Raises:
        UsageError: the zone is not known.
    """
    when = clock(zone)
    page = tag("html", _head(postmortem), tag("body", _body(postmortem, when)), lang="en")
    return f"<!doctype html>\n{page.source}\n"


def _head(pm: Postmortem) -> Html:
    return tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=content_policy()),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="referrer", content="no-referrer"),
        tag("title", f"{pm.id} {capped(pm.title, 200)}"),
        style(stylesheet()),
    )


def _body(pm: Postmortem, when: Clock) -> Child:
    return [
        tag("a", "Skip to the timeline", href="#timeline", class_="skip"),
        tag("header", _title(pm), _figures(pm, when)),
        tag(
            "main",
            _about(pm, when),
            _summary(pm, when),
            view_html(pm, when, cited),
            ledger_html(pm, when, cited),
            _timeline(pm, when),
            _approvals(pm, when),
            _runs(pm, when),
            _follow_ups(pm),
        ),
    ]


def _section(name: str, title: str, *children: Child) -> Html:
    heading = tag("h2", title, id=f"{name}-title")
    return tag("section", heading, *children, id=name, aria_labelledby=f"{name}-title")


# --- the top -----------------------------------------------------------------------------------


def _title(pm: Postmortem) -> Child:
    badges = [
        tag("span", text, class_=f"badge {kind}")
        for text, kind in ((pm.severity, "severity"), (pm.state, "state"))
        if text
    ]
    eyebrow = tag("p", tag("b", pm.id), " ", badges, class_="eyebrow")
    return [eyebrow, tag("h1", tag("span", capped(pm.title or "untitled", 300), class_="data"))]


def _figures(pm: Postmortem, when: Clock) -> Html:
    lasted = duration((pm.end - pm.start).total_seconds()) if pm.start and pm.end else ""
    facts = [
        ("Declared", when.stamp(pm.start)),
        ("Closed", when.stamp(pm.end) if pm.end else "not closed"),
        ("Lasted", lasted),
        ("Commander", pm.commander),
    ]
    return tag("dl", [[tag("dt", k), tag("dd", v)] for k, v in facts if v], class_="facts")


def _about(pm: Postmortem, when: Clock) -> Html:
    items = [
        tag("li", tag("b", f"{label}: "), text, " ", cited(events))
        for label, text, events in about_lines(pm, when)
    ]
    return tag("section", tag("h2", "About this record"), tag("ul", items), class_="about")


def _summary(pm: Postmortem, when: Clock) -> Html:
    numbers = tag("dl", [_number(number) for number in pm.numbers], class_="numbers")
    phases = [_phase(phase, when) for phase in pm.phases]
    head = tag(
        "tr", [tag("th", t, scope="col") for t in ("Phase", "From", "To", "Took", "Events")]
    )
    table = tag("table", tag("thead", head), tag("tbody", phases)) if phases else None
    people = [
        tag("li", tag("b", p.id), f" ({', '.join(p.roles)})" if p.roles else "",
            f": {', '.join(p.did)}" if p.did else "")
        for p in pm.people
    ]  # fmt: skip
    return _section(
        "summary",
        "Summary",
        numbers,
        scrolling(table, "Phases") if table else None,
        [tag("h3", "People"), tag("ul", people)] if people else None,
    )


def _number(number: Number) -> Html:
    return tag("div", tag("dt", number.label), tag("dd", number.value), cited(number.events))


def _phase(phase: Phase, when: Clock) -> Html:
    cells = (phase.name, when.time(phase.start), when.time(phase.end), duration(phase.seconds))
    return tag("tr", [tag("td", cell) for cell in cells], tag("td", cited(phase.events)))


def cited(events: Sequence[str]) -> Child:
    """Return citations that lead to their place in the timeline."""
    links = [tag("a", f"[#{event}]", href=f"#{_place(event)}") for event in events]
    return tag("span", links, class_="cited") if events else None


def _place(event: str) -> str:
    return f"e{event.replace('?', 'x')}"


# --- the timeline ------------------------------------------------------------------------------


def _timeline(pm: Postmortem, when: Clock) -> Html:
    days = []
    for day, moments in groupby(pm.moments, lambda m: when.day(m.time) if m.time else ""):
        items = [_moment(moment, when) for moment in moments]
        days.append(
            [tag("h3", day or "Without a usable time"), tag("ol", items, class_="moments")]
        )
    zone = "Times are UTC" if when.is_utc else f"Times are UTC, then {when.name}"
    return _section(
        "timeline",
        "Timeline",
        tag("p", f"{zone}; T± counts from the declaration.", class_="told"),
        days or tag("p", "Nothing was recorded."),
    )


def _moment(moment: Moment, when: Clock) -> Html:
    at = moment.time
    times = tag(
        "p",
        [tag("span", id=_place(event), class_="place") for event in moment.events],
        tag("time", when.time(at), datetime=at.isoformat()) if at else "—",
        tag("span", when.local(at), class_="local") if at and not when.is_utc else None,
        tag("span", offset(moment.offset_s), class_="offset")
        if moment.offset_s is not None
        else None,
        class_="when",
    )
    late = when.late(moment.time, moment.recorded)
    said = tag(
        "p",
        tag("b", moment.who, class_="who"),
        " ",
        tag("span", line(moment.what, 2_000), class_="data"),
        tag("span", f" ({late})", class_="told") if late else None,
        " ",
        cited(moment.events),
        class_="what",
    )
    title = moment.fact("title") if moment.type.startswith("step.") else ""
    asked = tag("p", line(title, 400), class_="told") if title else None
    return tag(
        "li",
        times,
        _sign(moment.tone),
        tag("div", said, links_html(moment, cited), asked, _backing(moment), class_="body"),
        class_=f"moment {moment.tone}{' corrected' if moment.corrected else ''}",
    )


def _sign(tone: Tone) -> Html:
    word = "" if tone is Tone.PLAIN else str(tone)
    return tag(
        "p",
        tag("span", GLYPHS[tone], aria_hidden="true", class_="glyph"),
        tag("span", word, class_="word") if word else None,
        class_=f"sign {tone}",
    )


def _backing(moment: Moment) -> Child:
    name = moment.subject.approval
    if name and moment.exhibits:
        return tag(
            "p", tag("a", f"Everything about {name}", href=f"#{_anchor(name)}"), class_="told"
        )
    return exhibits_html(moment.exhibits)


def _anchor(name: str) -> str:
    return "approval-" + "".join(c if c.isascii() and c.isalnum() else "-" for c in name)[:80]


# --- approvals, runs, follow-ups ---------------------------------------------------------------


def _approvals(pm: Postmortem, when: Clock) -> Child:
    if not pm.approvals:
        return None
    return _section("approvals", "Approvals", [_approval(story, when) for story in pm.approvals])


def _approval(story: ApprovalStory, when: Clock) -> Html:
    asked = story.operation or story.effect or "?"
    target = f" on {story.target}" if story.target else ""
    title = tag("h3", _sign(story.tone), f"{story.id}: {asked}{target} — {story.ending}")
    facts = [[tag("dt", k), tag("dd", line(v, 2_000))] for k, v in approval_facts(story, when)]
    return tag(
        "article",
        title,
        tag("dl", facts, class_="facts"),
        exhibits_html(story.exhibits, unfolded=True),
        tag("p", cited(story.events)),
        class_="card",
        id=_anchor(story.id),
    )


def _runs(pm: Postmortem, when: Clock) -> Child:
    if not pm.runs:
        return None
    return _section("runs", "Runs", [_run(run, when) for run in pm.runs])


def _run(run: RunStory, when: Clock) -> Html:
    title = f"{run.id}: {f'{run.runbook} {run.version}'.strip() or '?'}"
    steps = [
        tag("li", _sign(m.tone), tag("span", line(m.what, 300), " ", cited(m.events)))
        for m in run.moments
    ]
    return tag(
        "article",
        tag("h3", title),
        tag("p", run_line(run, when), " ", cited(run.events)),
        exhibits_html(run.exhibits),
        tag("ol", steps, class_="steps") if steps else None,
        class_="card",
    )


def _follow_ups(pm: Postmortem) -> Child:
    owed = [tag("li", line(owed_line(one), 4_000), " ", cited(one.events)) for one in pm.owed]
    items = [tag("li", remark.text, " ", cited(remark.events)) for remark in pm.follow_ups]
    both = [
        [tag("p", "Opened in the incident:"), tag("ul", owed)] if owed else None,
        [tag("p", "Suggested by the record:"), tag("ul", items)] if items else None,
    ]
    return _section("follow-ups", "Follow-ups", both) if owed or items else None
