"""A plan in a postmortem: told once as a whole, and each of its members on its own."""

from typing import Any

from interlock.export import build, markdown
from sample_incident import INCIDENT, Part, Story

CALL = {"run": "R-1", "step": "pool", "attempt": 1, "ordinal": 0}
WHAT = ("pg.terminate_backend", "execute")


def planned() -> Story:
    """Tell of a plan of two that is asked for, shown, approved, and of which one is used."""
    story = Story()
    for place in (1, 2):
        asked = {**CALL, "plan_place": place, "plan_size": 2, "target": "orders"}
        story.tell("action.requested", place, {**asked, **_said(place)}, by="run:R-1")
    whole = {**CALL, "plan": "P-1", "plan_size": 2, "approvals": ["A-1", "A-2"]}
    story.tell("plan.requested", 3, {**whole, "reason": Part("free, then feed")}, by="run:R-1")
    for place in (1, 2):
        asked = {**CALL, **_member(place), "plan_size": 2, "target": "orders", **_said(place)}
        story.tell("approval.requested", 3 + place, asked, by="run:R-1")
    shown = {"plan": "P-1", "channel": "web", "prompt": Part("P-1 · INC-1")}
    story.tell("approval.prompted", 6, shown)
    for place in (1, 2):
        vote = {**_member(place), "person": "colleague", "vote": "approve"}
        story.tell("approval.voted", 40, vote, by="person:colleague")
    for place in (1, 2):
        story.tell("approval.approved", 41, {**_member(place), "after_s": 37}, by="system")
    used = {**_member(2), **CALL, "step": "feed", "target": "orders", "operation": "execute"}
    story.tell("approval.taken_up", 50, used, by="run:R-1")
    refused = {"plan": "P-1", "person": "you", "code": "self-approval"}
    return story.tell("approval.vote_refused", 51, refused)


def _member(place: int) -> dict[str, Any]:
    return {"approval": f"A-{place}", "plan": "P-1", "plan_place": place}


def _said(place: int) -> dict[str, Any]:
    what = Part({"pid": place}) if place == 1 else Part({})
    return {"operation": WHAT[place - 1], "args": what, "reason": Part(f"reason {place}")}


def test_every_event_is_cited_once_and_each_request_has_its_own_intent() -> None:
    postmortem = build(INCIDENT, planned().entries)
    cited = [event for moment in postmortem.moments for event in moment.events]
    assert sorted(cited, key=int) == [str(n) for n in range(1, len(cited) + 1)]
    requests = [m for m in postmortem.moments if m.type == "approval.requested"]
    assert [request.events for request in requests] == [("1", "4"), ("2", "5")]


def test_the_plan_is_one_moment_with_what_was_shown_of_it() -> None:
    postmortem = build(INCIDENT, planned().entries)
    (plan,) = [m for m in postmortem.moments if m.type == "plan.requested"]
    assert plan.what.startswith("P-1 asks for approval of a plan of 2: A-1, A-2")
    assert "free, then feed" in plan.what
    assert plan.events == ("3", "6")


def test_a_vote_on_it_is_told_of_each_member_and_a_refused_one_of_the_whole() -> None:
    postmortem = build(INCIDENT, planned().entries)
    assert [[v.person for v in one.votes] for one in postmortem.approvals] == [["colleague"]] * 2
    said = [moment.what for moment in postmortem.moments]
    assert "a vote by you on P-1 was refused: self-approval" in said
    assert "A-2 (execute on orders) of P-1 was taken up by feed" in said


def test_waiting_for_it_counts_once() -> None:
    metrics = build(INCIDENT, planned().entries).metrics
    waited = [metric.label for metric in metrics if metric.label.startswith("Waited")]
    assert waited == ["Waited for P-1"]


def test_each_approval_says_where_in_the_plan_it_stands() -> None:
    page = markdown(build(INCIDENT, planned().entries))
    assert "| Part of | P-1, 1 of 2 |" in page
    assert "| Part of | P-1, 2 of 2 |" in page
