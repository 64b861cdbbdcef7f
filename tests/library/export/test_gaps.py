"""What a timeline does not say, or not for certain, is said at its top."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from interlock.export import Anchored, build, markdown
from interlock.export.account import Gaps, Remark
from sample_incident import INCIDENT, START, Story, sample

OPEN: Mapping[str, Any] = {**INCIDENT, "state": "open", "closed_at": None}


def gaps(story: Story, incident: Mapping[str, Any] = INCIDENT, **given: Any) -> Gaps:
    return build(incident, story.entries, **given).record.gaps


def quiet(*minutes: float) -> Story:
    """Tell an incident with a note at each of these minutes, closed at the last."""
    story = Story().tell("incident.declared", 0, {})
    for at in minutes[:-1]:
        story.tell("note.observation", at * 60, {})
    return story.tell("incident.closed", minutes[-1] * 60, {})


def test_a_silence_names_when_it_was_and_between_which_events() -> None:
    found = gaps(quiet(1, 9, 10))
    assert found.silent == (
        Remark("8 min from 2026-03-02 23:59 to 2026-03-03 00:07 UTC", ("2", "3")),
    )
    assert found.silent_over_s == 300
    assert "Silent for over 5 min" in markdown(build(INCIDENT, quiet(1, 9, 10).entries))


def test_a_long_incident_is_held_to_a_twentieth_of_its_length() -> None:
    assert gaps(quiet(29, 299, 300)).silent_over_s == 900
    assert gaps(quiet(14_400, 28_800)).silent_over_s == 4 * 3_600


def test_a_silence_in_which_an_approval_waited_says_so() -> None:
    story = Story().tell("incident.declared", 0, {})
    story.tell("approval.requested", 60, {"approval": "A-1"})
    story.tell("approval.approved", 900, {"approval": "A-1"})
    [found] = gaps(story.tell("incident.closed", 960, {})).silent
    assert found.text.endswith("while A-1 waited")


def test_nothing_is_expected_while_it_is_closed() -> None:
    story = quiet(1, 2).tell("incident.reopened", 7_200, {})
    assert gaps(story.tell("incident.closed", 7_260, {})).silent == ()


def test_an_open_incident_is_silent_until_the_export() -> None:
    story = Story().tell("incident.declared", 0, {})
    now = START + timedelta(minutes=11)
    [found] = gaps(story, OPEN, exported_at=now).silent
    assert found.events == ("1",)
    assert gaps(story, OPEN).silent == ()


def test_writing_about_an_incident_is_not_something_that_happened_in_it() -> None:
    story = Story().tell("incident.declared", 0, {})
    story.tell("milestone.detected", 240, {}).tell("log.checkpoint", 250, {}, by="system")
    assert len(gaps(story.tell("incident.closed", 480, {})).silent) == 1


def test_what_was_recorded_late_or_too_early_is_listed() -> None:
    story = Story().tell("note.observation", 0, {}, late_s=3_600)
    story.tell("external.deploy", 10, {}, late_s=-90).tell("note.observation", 20, {}, late_s=30)
    assert [(r.text, r.events) for r in gaps(story).late] == [
        ("note.observation 1 h after it happened", ("1",)),
        ("external.deploy 1 min 30 s before it happened", ("2",)),
    ]


def test_each_clock_is_named_with_its_worst_skew() -> None:
    story = Story()
    for offset in (0.2, -3.25, 1.0):
        data = {"source": "postgres:orders", "offset_s": offset, "uncertainty_s": 0.04}
        story.tell("log.clock_skew", 0, data, by="system")
    story.tell("log.clock_skew", 0, {"source": "slack", "offset_s": "soon"}, by="system")
    assert gaps(story).skews == (
        Remark("postgres:orders: -3.250 s ± 0.04 s from the gateway's clock", ("2",)),
    )


def test_events_after_the_last_anchor_are_named_and_no_anchor_is_not_hidden() -> None:
    anchored = Anchored(34, START + timedelta(seconds=120), "the incident's Slack thread")
    postmortem = build(INCIDENT, sample(), anchored=anchored)
    text = markdown(postmortem)
    assert "up to event 34 at 2026-03-03 00:00:12 UTC, the incident's Slack thread" in text
    assert "3 events after it, which nothing outside the store proves yet" in text
    assert postmortem.record.gaps.unanchored[0].events == ("35", "37")
    whole = Anchored(37, START, "a file")
    assert build(INCIDENT, sample(), anchored=whole).record.gaps.unanchored == ()
    assert "not anchored outside the store yet" in markdown(build(INCIDENT, sample()))


def test_a_timeline_without_gaps_says_only_how_long_a_silence_would_be_named() -> None:
    assert gaps(quiet(1, 2)) == Gaps(silent_over_s=300)
