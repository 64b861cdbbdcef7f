"""A postmortem as Markdown: the facts filled in, the judgement left to its author.

A template says which sections stand where; the sections are those of `SECTIONS`. No HTML and no
links are used, so that GitHub, Notion and Confluence show the same.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import groupby

from interlock.errors import UsageError
from interlock.export import markdown_audit, markdown_ledger, markdown_top
from interlock.export.clock import Clock, clock
from interlock.export.fill import Page, fill, only
from interlock.export.fold import REFUSALS
from interlock.export.markdown_exhibits import exhibit_lines
from interlock.export.markdown_ledger import links_of
from interlock.export.markdown_text import cell, cited, prose
from interlock.export.markdown_top import bullet
from interlock.export.model import (
    GLYPHS,
    ApprovalStory,
    Exhibit,
    FollowUp,
    Grid,
    Moment,
    Postmortem,
    RunStory,
    Vote,
)
from interlock.export.templates import NAMES, SHIPPED, Template, shipped
from interlock.export.text import duration, offset

Writer = Callable[[Postmortem, Clock], Iterator[str]]
"""Writes one section, without a heading of its own; nothing when there is nothing to say."""


def markdown(
    postmortem: Postmortem,
    *,
    zone: str = "UTC",
    template: Template | None = None,
    sections: Sequence[str] = (),
    marked: bool = False,
) -> str:
    """Return the postmortem as Markdown that is safe to paste.

    Args:
        postmortem: what `build` returned.
        zone: an IANA time zone shown beside UTC.
        template: where each section stands; the first one shipped, when none is given.
        sections: these sections alone, in this order, and no template around them.
        marked: put marks around each section, by which a later export replaces it.

    Raises:
        UsageError: the zone or a section is not known.
    """
    when = clock(zone)
    unknown = [name for name in sections if name not in SECTIONS]
    if unknown:
        raise UsageError(
            f"There is no section {unknown[0]!r}.",
            code="bad-request",
            help=f"Choose of: {', '.join(NAMES)}.",
        )
    chosen = template or shipped(SHIPPED[0])
    wanted = {name: SECTIONS[name] for name in (sections or SECTIONS)}
    said = {name: _trimmed(write(postmortem, when)) for name, write in wanted.items()}
    page = Page(postmortem, when, said, chosen.name, marked=marked)
    lines = only(page, tuple(dict.fromkeys(sections))) if sections else fill(page, chosen)
    return "\n".join(lines).rstrip() + "\n"


def _trimmed(lines: Iterator[str]) -> tuple[str, ...]:
    found = list(lines)
    while found and not found[-1]:
        found.pop()
    return tuple(found)


# --- the timeline ------------------------------------------------------------------------------


def _timeline(pm: Postmortem, when: Clock) -> Iterator[str]:
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
    for story in pm.approvals:
        yield f"### {prose(story.id)}: {prose(_asked(story))} — {prose(story.ending)}"
        yield from ("", "| | | Events |", "|---|---|---|")
        for label, value in approval_facts(story, when):
            yield f"| {label} | {cell(value)} | {cited(_said_by(story, label))} |"
        yield from (f"| All of it | | {cited(story.events)} |", "")
        for exhibit in brief(story.exhibits):
            yield from exhibit_lines(exhibit)


def _said_by(story: ApprovalStory, label: str) -> tuple[str, ...]:
    """Return the events that say a fact of an approval."""
    match label:
        case "Votes":
            return tuple(event for vote in story.votes for event in vote.events)
        case "Votes refused":
            return tuple(event for remark in story.refused for event in remark.events)
        case "Glass broken":
            return story.broken.events if story.broken else ()
        case "Decided":
            return story.waited_on[1:]
        case "Outcome":
            return story.events[-1:]
        case _:
            return story.waited_on[:1] or story.events[:1]


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
    for moment in (m for m in pm.moments if m.type in REFUSALS):
        yield from (bullet(moment), "")
        for exhibit in moment.exhibits:
            yield from exhibit_lines(exhibit)


def _runs(pm: Postmortem, when: Clock) -> Iterator[str]:
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
        yield from (bullet(moment), "")
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
    for moment in (m for m in pm.moments if m.exhibits and not told_elsewhere(m)):
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


def _follow_ups(pm: Postmortem, _: Clock) -> Iterator[str]:
    for owed in pm.owed:
        mark = "x" if owed.closed_by else " "
        yield f"- [{mark}] {prose(owed_line(owed))} {cited(owed.events)}"
    for remark in pm.follow_ups:
        yield f"- [ ] {prose(remark.text)} {cited(remark.events)} — suggested by the record"


def owed_line(owed: FollowUp) -> str:
    """Return what the postmortem owes, to whom it falls, and the answer once there is one."""
    owner = f" Owner: {owed.owner}." if owed.owner else ""
    answer = f" Closed by {owed.closed_by}: “{owed.answer}”" if owed.closed_by else " Open."
    about = f", about {owed.about}" if owed.about else ""
    due = f" Due: {owed.due}." if owed.due else ""
    return f"{owed.id}{about}: {owed.text}{owner}{due}{answer}"


SECTIONS: Mapping[str, Writer] = {
    **markdown_top.SECTIONS,
    **markdown_ledger.SECTIONS,
    "timeline": _timeline,
    "approvals": _approvals,
    "refused": _refusals,
    "runs": _runs,
    "other": _rest,
    "followups": _follow_ups,
    "audit": markdown_audit.audit,
}
"""What writes each of `templates.NAMES`."""
