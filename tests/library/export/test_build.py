"""What a postmortem says about a timeline, and what it says about the record itself."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from interlock.errors import UsageError
from interlock.export import Entry, Postmortem, Tone, build, markdown, render
from sample_incident import INCIDENT, START, Part, Story, call, found, query, sample, step


def told(story: Story) -> Postmortem:
    return build(INCIDENT, story.entries)


def said(story: Story) -> list[str]:
    return [moment.what for moment in told(story).moments]


def number(postmortem: Postmortem, label: str) -> str:
    values = {n.label: n.value for n in postmortem.numbers}
    return (values | {m.label: m.value for m in postmortem.metrics})[label]


def test_every_event_of_the_sample_is_cited_by_exactly_one_moment() -> None:
    cited = [event for moment in build(INCIDENT, sample()).moments for event in moment.events]
    assert sorted(cited, key=int) == [str(n) for n in range(1, len(sample()) + 1)]


def test_a_step_its_queries_and_its_finding_are_one_moment() -> None:
    blockers = next(m for m in build(INCIDENT, sample()).moments if m.what.startswith("blockers"))
    assert blockers.tone is Tone.BAD
    assert "pid 28073 (checkout-worker) blocks 5 sessions" in blockers.what
    assert [source.type for source in blockers.sources] == [
        "step.started", "query.started", "query.completed", "step.completed"
    ]  # fmt: skip


def test_an_approval_tells_who_asked_who_voted_and_how_long_it_took() -> None:
    [approval] = build(INCIDENT, sample()).approvals
    assert (approval.state, approval.requester, approval.waited_s) == ("succeeded", "you", 41.0)
    assert [(v.person, v.vote, v.reason) for v in approval.votes] == [
        ("colleague", "approve", "Same pid and start as in the finding")
    ]
    assert [remark.text for remark in approval.refused] == ["you: self-approval"]
    assert [exhibit.label for exhibit in approval.exhibits] == [
        "Arguments",
        "Reason",
        "Preview",
        "Undo",
        "Shown on cli: prompt",
        "Shown on web: prompt",
        "Result",
        "Verification",
    ]


def test_waits_and_times_are_computed_from_named_events() -> None:
    postmortem = build(INCIDENT, sample())
    assert number(postmortem, "Waited for A-1") == "41 s"
    assert number(postmortem, "Time to first action") == "1 min 46 s"
    assert number(postmortem, "Refused") == "2"
    assert [phase.name for phase in postmortem.phases] == [
        "Diagnosis", "Decision", "Approval", "Repair", "Verification"
    ]  # fmt: skip


def test_a_refusal_names_its_code_and_the_line_that_refused() -> None:
    refused = next(m for m in build(INCIDENT, sample()).moments if m.type == "query.denied")
    assert refused.tone is Tone.REFUSED
    assert "not-read-only (permissions.csv:9)" in refused.what


def test_a_refused_action_is_a_refusal_too() -> None:
    refused = call("terminate") | {"code": "outside-limits", "line": "actions/x.toml: cooldown_s"}
    story = Story().tell("action.requested", 0, call("terminate") | {"operation": "x"})
    story.tell("action.denied", 1, refused | {"operation": "x", "message": Part("too soon")})
    what = "x on orders refused: outside-limits (actions/x.toml: cooldown_s): “too soon”"
    assert said(story)[1] == what
    assert number(told(story), "Refused") == "1"
    assert "## Refused" in markdown(told(story))
    assert told(story).record.unfinished == ()


def test_an_action_that_could_not_be_verified_is_not_told_as_well() -> None:
    ended = {"approval": "A-1", "verified": False, "verify": Part({"message": "still there"})}
    [moment] = told(Story().tell("action.succeeded", 0, ended)).moments
    assert "but not verified" in moment.what
    assert moment.tone is Tone.WARN


def test_markdown_leaves_out_what_a_cell_displayed_of_rows_that_are_shown_and_says_so() -> None:
    text = markdown(build(INCIDENT, sample()))
    assert "**In this form:**" in text
    activity = text.split("#### Step activity")[1].split("#### Step")[0]
    assert "Output" not in activity
    assert "```python" not in activity
    terminate = text.split("#### Step terminate-root")[1].split("#### Step")[0]
    assert "also as HTML of 8 characters, not shown" in terminate
    assert "```python" in terminate


def test_a_back_dated_note_stands_where_it_happened_and_says_when_it_was_recorded() -> None:
    postmortem = build(INCIDENT, sample())
    assert postmortem.moments[0].offset_s == -30
    assert "(recorded 23:58:53)" in markdown(postmortem)


def test_the_date_is_said_whenever_the_day_changes() -> None:
    text = markdown(build(INCIDENT, sample()))
    assert text.index("### Monday 2026-03-02") < text.index("### Tuesday 2026-03-03")


@pytest.mark.parametrize("over", [True, False])
def test_a_start_without_an_end_is_told_as_such(*, over: bool) -> None:
    """While the run goes on an end may follow; once it is over, none ever will."""
    story = Story().tell("run.started", 0, {"run": "R-1"})
    step(story, 1, "activity", "What?")
    story.tell("query.started", 2, call("activity"))
    story.tell("action.started", 3, {"approval": "A-1"})
    if over:
        story.tell("run.ended", 4, {"run": "R-1", "outcome": "kernel_died"})
    yet = "" if over else " yet"
    assert [s for s in said(story) if "no end recorded" in s] == [
        f"activity (What?) started; no end recorded{yet}",
        f"query on orders started; no end recorded{yet}",
        "A-1 started; no end recorded: it may or may not have happened",
    ]
    unfinished = [remark.text for remark in told(story).record.unfinished]
    assert unfinished == [
        *([] if over else ["run R-1: no end recorded"]),
        "step R-1 activity 1: no end recorded",
        "query R-1 activity 1 0: no end recorded",
        "action A-1: no end recorded",
    ]


def test_an_end_without_a_start_is_told_too() -> None:
    story = Story()
    found(story, 1, "activity", "ok", "fine")
    assert told(story).record.unfinished[0].text == "step R-1 activity 1: no start recorded"


def test_a_proven_outcome_is_told_with_how_it_is_known_and_ends_the_follow_up() -> None:
    story = Story()
    story.tell("action.started", 8, {"approval": "A-1"})
    story.tell("action.prepared", 9, {"approval": "A-1", "affected": 3})
    story.tell("action.outcome_unknown", 10, {"approval": "A-1", "message": Part("cut off")})
    words = "pg_xact_status says that transaction 7 is committed."
    proven = {"approval": "A-1", "outcome": "succeeded", "affected": 3, "reason": Part(words)}
    story.tell("action.proven", 11, proven)
    postmortem = told(story)

    unknown, known = postmortem.moments
    assert [source.type for source in unknown.sources] == [
        *("action.started", "action.prepared", "action.outcome_unknown"),
    ]
    assert known.what == f"It is proven that A-1 succeeded: “{words}”"
    assert known.tone is Tone.OK
    assert postmortem.follow_ups == ()


def test_an_unknown_outcome_becomes_a_follow_up_until_it_is_resolved() -> None:
    story = Story().tell("action.started", 0, {"approval": "A-1"})
    story.tell(
        "action.outcome_unknown", 9, {"approval": "A-1", "message": Part("connection lost")}
    )
    assert "outcome unknown" in said(story)[0]
    assert len(told(story).follow_ups) == 1
    resolved = {"approval": "A-1", "outcome": "failed", "person": "you", "reason": Part("seen")}
    story.tell("action.resolved", 20, resolved)
    assert told(story).follow_ups == ()


def test_an_expired_approval_is_not_called_denied() -> None:
    asked = {"approval": "A-1", "operation": "pg.cancel_backend", "target": "orders"}
    story = Story().tell("approval.requested", 0, asked)
    story.tell("approval.expired", 900, {"approval": "A-1", "by": [], "after_s": 900})
    assert said(story)[1] == (
        "A-1 (pg.cancel_backend on orders) expired undecided or unused after 15 min"
    )
    assert told(story).approvals[0].state == "expired"
    assert "denied" not in markdown(told(story))


@pytest.mark.parametrize(
    ("outcome", "sentence"),
    [
        ("kernel_died", "run R-1 ended because its kernel died"),
        ("cancelled", "run R-1 was cancelled"),
        ("vanished", "run R-1 ended: vanished"),
    ],
)
def test_how_a_run_ended_is_said_as_what_it_was(outcome: str, sentence: str) -> None:
    assert said(Story().tell("run.ended", 0, {"run": "R-1", "outcome": outcome})) == [sentence]


@pytest.mark.parametrize("kind", ["failed", "timed_out", "cancelled", "skipped"])
def test_a_step_that_did_not_complete_is_never_told_as_ok(kind: str) -> None:
    error = Part({"name": "ValueError", "message": "no", "traceback": ["line 1", "line 2"]})
    data = {"run": "R-1", "step": "decide", "attempt": 2, "state": kind, "error": error}
    [moment] = told(Story().tell(f"step.{kind}", 0, data)).moments
    assert moment.what.startswith("decide (attempt 2)")
    assert "ValueError: no" in moment.what
    assert moment.tone is not Tone.OK


def test_truncation_is_said_at_the_result_and_at_the_top() -> None:
    story = Story()
    step(story, 0, "activity", "?")
    columns = [{"name": "n", "type": "integer"}]
    query(story, 1, "activity", "SELECT n", {"columns": columns, "rows": [[n] for n in range(60)]})
    event = dict(story.entries[-1].event)
    event["data"] = {**event["data"], "rows": 60, "truncated": "rows (60)"}
    story.entries[-1] = replace(story.entries[-1], event=event)
    text = markdown(told(story))
    assert "60 rows, the first 20 are shown, cut at rows (60) when it was asked" in text
    assert "**Cut at a limit:** result of R-1, activity cut at rows (60)" in text


def test_redacted_and_missing_parts_are_named_where_they_would_stand() -> None:
    story = Story().tell("note.observation", 0, {"text": Part("a secret")})
    story.tell("note.observation", 1, {"text": Part("lost")})
    [redacted] = story.entries[0].parts
    story.entries[0] = replace(story.entries[0], parts={redacted: {"redacted": "customer data"}})
    story.entries[1] = replace(story.entries[1], parts={})
    assert said(story) == [
        "observation: “[redacted: customer data]”",
        "observation: “[not in this export]”",
    ]
    assert "1 part redacted, 1 part not delivered" in markdown(told(story))


def test_gaps_in_the_sequence_are_confessed() -> None:
    story = Story()
    for second in range(6):
        story.tell("note.observation", second, {"text": Part("x")})
    kept = [story.entries[n] for n in (1, 5)]
    assert build(INCIDENT, kept).record.missing == ("1", "3–5")  # noqa: RUF001  a range


def test_events_without_a_usable_time_stand_apart_at_the_end() -> None:
    story = Story().tell("note.observation", 0, {"text": Part("dated")})
    undated = {"type": "note.surprise", "sequence": "2", "time": "soon", "data": {"text": "when?"}}
    text = markdown(build(INCIDENT, [Entry(undated, {}), *story.entries]))
    assert text.index("dated") < text.index("### Without a usable time") < text.index("when?")
    assert "1 event without a usable time stand apart" in text


def test_an_unknown_kind_of_event_is_listed_with_everything_it_holds() -> None:
    odd = {"speed": 12, "text": Part("long"), "nested": {"a": [1, {"b": 2}]}}
    postmortem = told(Story().tell("weather.changed", 0, odd))
    assert postmortem.moments[0].what == "weather.changed (a kind this version does not know)"
    for form in ("md", "html", "json"):
        text = render(form, postmortem).lower()
        assert all(piece in text for piece in ("weather.changed", "speed", "12", "long", "nested"))


def test_who_recorded_and_what_is_not_proven_stands_at_the_top() -> None:
    head = markdown(build(INCIDENT, sample())).split("## Summary")[0]
    assert "self-hosted runner on laptop, unconfined (R-1, R-2)" in head
    assert "this record is not anchored outside the store yet" in head


def test_another_zone_is_shown_beside_utc_with_its_date_when_it_differs() -> None:
    text = markdown(build(INCIDENT, sample()), zone="Europe/Berlin")
    assert "| UTC | Europe/Berlin | T± | Who | What | Events |" in text
    assert "| 23:58:12 | 2026-03-03 00:58:12 | T+00:00 |" in text


def test_an_unknown_zone_or_form_says_what_to_give_instead() -> None:
    postmortem = build(INCIDENT, [])
    with pytest.raises(UsageError, match="not a time zone"):
        markdown(postmortem, zone="../etc/passwd")
    with pytest.raises(UsageError, match="md, html, ipynb, json"):
        render("pdf", postmortem)


def test_the_export_says_when_it_was_made() -> None:
    made = build(INCIDENT, sample(), exported_at=datetime(2026, 3, 3, 8, tzinfo=UTC))
    assert "exported 2026-03-03 08:00:00 UTC" in markdown(made)


def test_an_incident_without_events_still_renders() -> None:
    empty: dict[str, Any] = {}
    for form in ("md", "html", "json"):
        assert render(form, build(empty, []))
    assert build(empty, sample()).start == START
