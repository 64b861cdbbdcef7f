"""Approvals, runs and follow-ups of an exported page, each on a card of its own."""

from interlock.export.clock import Clock
from interlock.export.html_exhibits import exhibits_html
from interlock.export.html_parts import anchor, cited, sign
from interlock.export.markup import Html, tag
from interlock.export.model import ApprovalStory, Postmortem, RunStory
from interlock.export.text import line
from interlock.export.to_markdown import approval_facts, owed_line, run_line


def approval_html(story: ApprovalStory, when: Clock) -> Html:
    """Return everything about one approval."""
    asked = story.operation or story.effect or "?"
    target = f" on {story.target}" if story.target else ""
    title = tag("h3", sign(story.tone), f"{story.id}: {asked}{target} — {story.ending}")
    facts = [[tag("dt", k), tag("dd", line(v, 2_000))] for k, v in approval_facts(story, when)]
    return tag(
        "article",
        title,
        tag("dl", facts, class_="facts"),
        exhibits_html(story.exhibits, unfolded=True),
        tag("p", cited(story.events)),
        class_="card",
        id=anchor(story.id),
        data_unit=f"approval {story.id}",
    )


def run_html(run: RunStory, when: Clock) -> Html:
    """Return a run with what each of its steps found."""
    title = f"{run.id}: {f'{run.runbook} {run.version}'.strip() or '?'}"
    steps = [
        tag("li", sign(m.tone), tag("span", line(m.what, 300), " ", cited(m.events)))
        for m in run.moments
    ]
    return tag(
        "article",
        tag("h3", title),
        tag("p", run_line(run, when), " ", cited(run.events)),
        exhibits_html(run.exhibits),
        tag("ol", steps, class_="steps") if steps else None,
        class_="card",
        data_unit=f"run {run.id}",
    )


def follow_ups_html(pm: Postmortem) -> Html | None:
    """Return what was opened in the incident, and what the record suggests."""
    owed = [tag("li", line(owed_line(one), 4_000), " ", cited(one.events)) for one in pm.owed]
    items = [tag("li", remark.text, " ", cited(remark.events)) for remark in pm.follow_ups]
    if not owed and not items:
        return None
    both = [
        [tag("p", "Opened in the incident:"), tag("ul", owed)] if owed else None,
        [tag("p", "Suggested by the record:"), tag("ul", items)] if items else None,
    ]
    return tag("div", both, data_unit="follow-ups")
