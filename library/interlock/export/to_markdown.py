"""A postmortem as Markdown: the facts filled in, the judgement left to its author.

The order of sections follows the example postmortem of the SRE book (Beyer et al., 2016,
appendix D). No HTML and no links are used, so that GitHub, Notion and Confluence show the same.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby

from interlock.export.about import about_lines
from interlock.export.clock import Clock, clock
from interlock.export.fold import REFUSALS
from interlock.export.markdown_exhibits import exhibit_lines
from interlock.export.markdown_ledger import cited, ledger_lines, links_of, view_lines
from interlock.export.markdown_text import cell, prose
from interlock.export.model import (
    GLYPHS,
    ApprovalStory,
    Exhibit,
    FollowUp,
    Grid,
    Moment,
    Postmortem,
    RunStory,
    Tone,
    Vote,
)
from interlock.export.text import duration, offset

TO_WRITE = "✎ **To write:**"
"""Marks what the author must fill in; searching for it finds every open place."""


def markdown(postmortem: Postmortem, *, zone: str = "UTC") -> str:
    """Return the postmortem as Markdown that is safe to paste.

    Args:
        postmortem: what `build` returned.
        zone: an IANA time zone shown beside UTC.

    Raises:
        UsageError: the zone is not known.
    """
    when = clock(zone)
    sections = (
        *(_header, _summary, view_lines, _to_write, ledger_lines, _timeline),
        *(_approvals, _refusals, _runs, _rest, _end),
    )
    lines = [text for section in sections for text in section(postmortem, when)]
    return "\n".join(lines).rstrip() + "\n"


# --- the top -----------------------------------------------------------------------------------


def _header(pm: Postmortem, when: Clock) -> Iterator[str]:
    yield f"# Postmortem {prose(pm.id)}: {prose(pm.title or 'untitled', 300)}"
    yield ""
    yield "> **About this record**"
    yield ">"
    for label, text, events in about_lines(pm, when):
        yield f"> - **{label}:** {prose(text)} {cited(events)}".rstrip()
    yield f"> - **In this form:** {_SHORTER}"
    yield ""


_SHORTER = (
    "rows, outputs and long texts are cut and say so; the cells around statements, what they "
    "displayed of their rows, and the approvals' prompts stand in the HTML and JSON exports"
)


def _summary(pm: Postmortem, when: Clock) -> Iterator[str]:
    lasted = duration((pm.end - pm.start).total_seconds()) if pm.start and pm.end else "—"
    people = "; ".join(_person(p.id, p.roles, p.did) for p in pm.people)
    yield from ("## Summary", "", "| | | Events |", "|---|---|---|")
    rows = (
        ("Severity", pm.severity or "—"),
        ("State", pm.state or "—"),
        ("Commander", pm.commander or "—"),
        ("Declared", when.stamp(pm.start)),
        ("Closed", when.stamp(pm.end) if pm.end else "not closed"),
        ("Lasted", lasted),
        ("People", people or "—"),
    )
    for label, value in rows:
        yield f"| {label} | {cell(value)} | |"
    for number in pm.numbers:
        yield f"| {cell(number.label)} | {cell(number.value)} | {cited(number.events)} |"
    yield ""
    yield from _phases(pm, when)


def _person(name: str, roles: Sequence[str], did: Sequence[str]) -> str:
    held = f" ({', '.join(roles)})" if roles else ""
    return f"{name}{held}" + (f": {', '.join(did)}" if did else "")


def _phases(pm: Postmortem, when: Clock) -> Iterator[str]:
    if not pm.phases:
        return
    yield from ("| Phase | From (UTC) | To (UTC) | Took | Events |", "|---|---|---|---|---|")
    for phase in pm.phases:
        span = f"{when.time(phase.start)} | {when.time(phase.end)} | {duration(phase.seconds)}"
        yield f"| {cell(phase.name)} | {span} | {cited(phase.events)} |"
    yield ""


def _to_write(pm: Postmortem, _: Clock) -> Iterator[str]:
    yield from ("## Impact", "", f"{TO_WRITE} who was affected, how, for how long.", "")
    yield from ("## Detection", "", f"{TO_WRITE} which alert or person noticed, and when.", "")
    yield from ("## Cause and trigger", "", f"{TO_WRITE} the root cause and what set it off.", "")
    found = [m for m in pm.moments if m.type.startswith("step.") and m.tone is Tone.BAD]
    if found:
        yield from ("What the runs found:", "", *map(_bullet, found), "")
    yield from ("## Resolution", "")
    done = [m for m in pm.moments if m.type in _RESOLVING]
    yield from (*map(_bullet, done), "") if done else (f"{TO_WRITE} what ended it.", "")


_RESOLVING = frozenset({"action.succeeded", "action.resolved", "action.proven", "incident.closed"})


def _bullet(moment: Moment) -> str:
    said = f"{prose(moment.who)}: {prose(moment.what)}"
    return f"- {GLYPHS[moment.tone]} {said} {cited(moment.events)}"


# --- the timeline ------------------------------------------------------------------------------


def _timeline(pm: Postmortem, when: Clock) -> Iterator[str]:
    yield from ("## Timeline", "")
    if not pm.moments:
        yield from ("Nothing was recorded.", "")
    for day, moments in groupby(pm.moments, lambda m: when.day(m.time) if m.time else ""):
        zone = "" if when.is_utc else f" {cell(when.name)} |"
        yield from (f"### {day or 'Without a usable time'}", "")
        yield f"| UTC |{zone} T± | Who | What | Events |"
        yield "|---|---|---|---|---|" + ("" if when.is_utc else "---|")
        yield from (_row(moment, when) for moment in moments)
        yield ""


def _row(moment: Moment, when: Clock) -> str:
    at = when.time(moment.time) if moment.time else "—"
    local = "" if when.is_utc else f" {when.local(moment.time) if moment.time else '—'} |"
    since = offset(moment.offset_s) if moment.offset_s is not None else "—"
    late = when.late(moment.time, moment.recorded)
    what = f"{GLYPHS[moment.tone]} {cell(moment.what)}" + (f" ({late})" if late else "")
    what += links_of(moment)
    return f"| {at} |{local} {since} | {cell(moment.who)} | {what} | {cited(moment.events)} |"


# --- approvals, refusals, runs -----------------------------------------------------------------


def _approvals(pm: Postmortem, when: Clock) -> Iterator[str]:
    if pm.approvals:
        yield from ("## Approvals", "")
    for story in pm.approvals:
        yield f"### {prose(story.id)}: {prose(_asked(story))} — {prose(story.ending)}"
        yield from ("", "| | |", "|---|---|")
        yield from (f"| {label} | {cell(value)} |" for label, value in approval_facts(story, when))
        yield from (f"| Events | {cited(story.events)} |", "")
        for exhibit in brief(story.exhibits):
            yield from exhibit_lines(exhibit)


def _asked(story: ApprovalStory) -> str:
    operation = story.operation or story.effect or "?"
    return f"{operation} on {story.target}" if story.target else operation


def approval_facts(story: ApprovalStory, when: Clock) -> list[tuple[str, str]]:
    """Return what a reader wants to know of an approval, as label and text, in order."""
    waited = f"after {duration(story.waited_s)}" if story.waited_s is not None else "not decided"
    facts = [
        ("Asked", f"{story.requester or '?'}, {when.stamp(story.asked_at)}"),
        ("Part of", f"{story.plan}, {story.place}" if story.place else story.plan),
        ("Effect", story.effect),
        ("Rule", f"{story.rule} by {story.line}" if story.line else story.rule),
        ("Needed", story.needs),
        ("Who could approve", ", ".join(story.eligible)),
        ("Votes", "; ".join(_vote(vote) for vote in story.votes) or "none"),
        ("Glass broken", _broken(story)),
        ("Votes refused", "; ".join(remark.text for remark in story.refused)),
        ("Decided", f"{when.stamp(story.decided_at)}, {waited}" if story.decided_at else waited),
        ("Time limit", when.stamp(story.expires_at) if story.expires_at else ""),
        ("Outcome", story.outcome or "nothing was run"),
    ]
    return [(label, text) for label, text in facts if text]


def _broken(story: ApprovalStory) -> str:
    """Return who did without the approvers, and why; "" where nobody did."""
    if story.broken is None:
        return ""
    own = ", their own request" if story.broken.person == story.requester else ""
    return f"{_vote(story.broken)}{own}; no approver decided"


def _vote(vote: Vote) -> str:
    after = f" after {duration(vote.after_s)}" if vote.after_s is not None else ""
    reason = f" (“{vote.reason}”)" if vote.reason else ""
    return f"{vote.person or '?'}: {vote.vote or '?'}{after}{reason}"


def _refusals(pm: Postmortem, _: Clock) -> Iterator[str]:
    refused = [m for m in pm.moments if m.type in REFUSALS]
    if not refused:
        return
    yield from ("## Refused", "", "Nothing ran. Each refusal with the line that refused:", "")
    for moment in refused:
        yield from (_bullet(moment), "")
        for exhibit in moment.exhibits:
            yield from exhibit_lines(exhibit)


def _runs(pm: Postmortem, when: Clock) -> Iterator[str]:
    if pm.runs:
        yield from ("## Runs", "")
    for run in pm.runs:
        yield f"### {prose(run.id)}: {prose(f'{run.runbook} {run.version}'.strip() or '?')}"
        yield from ("", f"{prose(run_line(run, when))} {cited(run.events)}".rstrip(), "")
        for exhibit in run.exhibits:
            yield from exhibit_lines(exhibit)
        for moment in run.moments:
            yield from _step(moment)


def run_line(run: RunStory, when: Clock) -> str:
    """Return who ran what, in which mode, from when to when, and how it ended."""
    lasted = (run.ended - run.started).total_seconds() if run.ended and run.started else None
    took = f" after {duration(lasted)}" if lasted is not None and lasted >= 0 else ""
    digest = f", {run.digest[:19]}…" if run.digest else ""
    mode = {"adhoc": "ad hoc"}.get(run.mode, run.mode or "?")
    started = f"started {when.stamp(run.started)}"
    return f"{run.requester or '?'}, {mode}{digest}, {started}, {run.outcome}{took}."


def _step(moment: Moment) -> Iterator[str]:
    if not moment.type.startswith("step.") or not moment.exhibits:
        yield from (_bullet(moment), "")
    else:
        title = prose(moment.fact("title"))
        yield f"#### Step {prose(moment.subject.step) or '?'}{f': {title}' if title else ''}"
        yield ""
        yield from (f"{GLYPHS[moment.tone]} {prose(moment.what)} {cited(moment.events)}", "")
    if moment.subject.approval or moment.type in REFUSALS:
        return  # backed up in a section of their own
    for exhibit in brief(moment.exhibits):
        yield from exhibit_lines(exhibit)


def brief(exhibits: Sequence[Exhibit]) -> list[Exhibit]:
    """Leave out what adds length and no fact; the top of the document says so.

    Where the exact statement stands, that is the cell around it; where the rows stand, what the
    cell displayed of them; and the prompts of an approval, whose parts all stand by themselves.
    """
    kinds = {getattr(exhibit, "kind", "") for exhibit in exhibits}
    needless = {"prompt"} | ({"python"} if "sql" in kinds else set())
    if any(isinstance(exhibit, Grid) for exhibit in exhibits):
        needless.add("display")
    return [exhibit for exhibit in exhibits if getattr(exhibit, "kind", "") not in needless]


def _rest(pm: Postmortem, _: Clock) -> Iterator[str]:
    """Whatever backs moments that no section above has shown."""
    rest = [m for m in pm.moments if m.exhibits and not told_elsewhere(m)]
    if rest:
        yield from ("## Other entries in full", "")
    for moment in rest:
        yield f"### {prose(moment.what)}"
        yield from ("", f"{prose(moment.who)} {cited(moment.events)}", "")
        for exhibit in moment.exhibits:
            yield from exhibit_lines(exhibit)


def told_elsewhere(moment: Moment) -> bool:
    """Tell whether a moment's exhibits stand with its run, its approval or the refusals."""
    about = moment.subject
    if about.approval or moment.type in REFUSALS:
        return True
    return bool(about.run)


# --- the end -----------------------------------------------------------------------------------


def _end(pm: Postmortem, _: Clock) -> Iterator[str]:
    yield from ("## Lessons", "")
    for question in ("What went well", "What went wrong", "Where we were lucky"):
        yield from (f"### {question}", "", f"{TO_WRITE} …", "")
    yield from ("## Follow-ups", "")
    for owed in pm.owed:
        mark = "x" if owed.closed_by else " "
        yield f"- [{mark}] {prose(owed_line(owed))} {cited(owed.events)}"
    for remark in pm.follow_ups:
        yield f"- [ ] {prose(remark.text)} {cited(remark.events)} — suggested by the record"
    yield f"- [ ] {TO_WRITE} what will be done, by whom, until when."


def owed_line(owed: FollowUp) -> str:
    """Return what the postmortem owes, to whom it falls, and the answer once there is one."""
    owner = f" Owner: {owed.owner}." if owed.owner else ""
    answer = f" Closed by {owed.closed_by}: “{owed.answer}”" if owed.closed_by else " Open."
    about = f", about {owed.about}" if owed.about else ""
    due = f" Due: {owed.due}." if owed.due else ""
    return f"{owed.id}{about}: {owed.text}{owner}{due}{answer}"
