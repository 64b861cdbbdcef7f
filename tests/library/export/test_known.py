"""An incident as it was known then: only what was recorded by then, and nothing of later."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from interlock.errors import UsageError
from interlock.export import FORMS, Entry, Postmortem, build, markdown, read_known_at, render
from interlock.export.account import Known
from sample_incident import INCIDENT, START, Part, Story, sample

WHOLE = range(len(sample()) + 1)


def at(known_at: datetime | int, entries: list[Entry] | None = None) -> Postmortem:
    return build(INCIDENT, sample() if entries is None else entries, known_at=known_at)


def test_a_back_dated_note_appears_only_once_it_was_recorded() -> None:
    story = Story().tell("incident.declared", 0, {}).tell("note.observation", 60, {})
    story.tell("note.observation", -30, {"text": Part("deployed at 23:57")}, late_s=200)
    told = [m.event for m in at(START + timedelta(seconds=100), story.entries).moments]
    assert told == ["1", "2"]
    assert [m.event for m in at(3, story.entries).moments] == ["3", "1", "2"]


def test_a_correction_made_later_is_not_known_yet() -> None:
    story = Story().tell("note.observation", 0, {"text": Part("it is the pool")})
    story.tell("note.correction", 60, {"text": Part("it was the lock"), "corrects": 1})
    assert "it was the lock" not in markdown(at(1, story.entries))


def test_what_ended_later_is_open_and_what_was_decided_later_waits() -> None:
    then = at(21)
    assert then.approvals[0].state == "pending"
    assert then.approvals[0].votes == ()
    assert then.metrics[-1].value == "not decided"
    assert {m.what for m in then.moments if "no end recorded yet" in m.what} == {
        "terminate-root (End the blocking backend) started; no end recorded yet"
    }


def test_severity_state_and_roles_are_those_of_then() -> None:
    then = at(2)
    assert (then.severity, then.state, then.commander) == ("sev3", "open", "you")
    assert (then.end, then.title) == (None, INCIDENT["title"])
    assert [person.id for person in then.people] == ["you"]
    assert at(36).state == "closed"
    assert at(36).severity == "sev2"


def test_the_header_says_as_of_when_and_how_much_is_left_out() -> None:
    then = at(START + timedelta(seconds=30))
    assert then.known == Known(13, START + timedelta(seconds=30), 24, 0)
    head = markdown(then)
    assert "**As known:** at 2026-03-02 23:58:42 UTC, when event 13 was the last" in head
    assert "left out: 24 events recorded later" in head
    assert "As known" not in markdown(build(INCIDENT, sample()))


def test_before_everything_nothing_was_known() -> None:
    then = at(0)
    assert (then.moments, then.title, then.severity) == ((), "", "")
    assert then.known == Known(0, None, 37, 0)


def test_an_event_without_a_place_is_left_out_and_counted() -> None:
    lost = Entry({"type": "note.observation", "recordedtime": START.isoformat()}, {})
    entries = [*sample(), lost]
    assert at(37, entries).known == Known(37, START + timedelta(seconds=180, milliseconds=2), 0, 1)
    known = at(START + timedelta(hours=1), entries)
    assert known.known is not None
    assert known.known.unplaced == 0
    assert len(known.moments) == len(build(INCIDENT, entries).moments)


@pytest.mark.parametrize("form", sorted(FORMS))
def test_no_form_tells_of_what_came_later(form: str) -> None:
    secret = "WHAT-CAME-LATER"
    for last in WHOLE:
        later = Story(sample()[:last])
        for kind in ("note.correction", "step.completed", "approval.denied", "run.ended",
                     "incident.closed", "milestone.detected"):  # fmt: skip
            data: dict[str, Any] = {
                "run": "R-1",
                "step": secret,
                "approval": "A-1",
                "code": secret,
            }
            later.tell(kind, 500, data | {"text": Part(secret), "reason": Part(secret)})
        if last in (5, 14, 21, 28, 37):
            incident = {**INCIDENT, "state": secret, "title": secret, "severity": secret}
            then = build(incident, later.entries, known_at=last)
            assert secret not in render(form, then)


def shown_by_page(whole: Postmortem, last: int) -> list[tuple[str, str, str]]:
    """Return what the page's script shows of the whole story for a moment: see `export.js`."""
    told = [
        (m.time is None, m.place, (m.event, m.who, m.what))
        for m in whole.moments
        if int(m.since) <= last
    ]
    told += [
        (e.time is None, e.place, (e.event, e.who, e.what))
        for e in whole.earlier
        if int(e.event) <= last < int(e.until)
    ]
    return [words for *_, words in sorted(told)]


@pytest.mark.parametrize("last", WHOLE)
def test_the_whole_story_holds_what_a_page_needs_to_tell_any_earlier_one(last: int) -> None:
    whole = build(INCIDENT, sample())
    then = [(m.event, m.who, m.what) for m in at(last).moments]
    assert shown_by_page(whole, last) == then


def test_a_start_whose_run_ended_without_it_was_waiting_until_then() -> None:
    story = Story().tell("run.started", 0, {"run": "R-1"})
    story.tell("step.started", 1, {"run": "R-1", "step": "s"}, by="run:R-1")
    story.tell("note.observation", 2, {})
    story.tell("run.ended", 3, {"run": "R-1"}, by="run:R-1")
    whole = build(INCIDENT, story.entries)
    for last in range(5):
        then = build(INCIDENT, story.entries, known_at=last)
        assert shown_by_page(whole, last) == [(m.event, m.who, m.what) for m in then.moments]


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("17", 17),
        ("#17", 17),
        ("2026-03-02T23:59:00Z", datetime(2026, 3, 2, 23, 59, tzinfo=UTC)),
        ("2026-03-03T00:59:00+01:00", datetime(2026, 3, 2, 23, 59, tzinfo=UTC)),
    ],
)
def test_a_moment_is_given_as_an_event_or_a_time(text: str, meant: datetime | int) -> None:
    assert read_known_at(text) == meant


@pytest.mark.parametrize("text", ["", "-1", "soon", "10:42", "2026-03-02T23:59:00", "9" * 20, "٣"])
def test_what_is_neither_is_refused_with_what_to_give(text: str) -> None:
    with pytest.raises(UsageError, match="no moment") as refused:
        read_known_at(text)
    assert "a time with its zone" in str(refused.value.help)
