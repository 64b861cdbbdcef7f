"""How long it took, from which event to which; and no number where the record has none."""

from datetime import timedelta

from interlock.export import build, markdown
from interlock.export.account import Metric
from sample_incident import INCIDENT, Story, sample


def metric(story: Story, name: str, **incident: object) -> Metric:
    found = build({**INCIDENT, **incident}, story.entries).metrics
    return next(one for one in found if one.name == name)


def marked(story: Story, name: str, at: float, on: int = 0) -> Story:
    """Mark a moment; `time` is the marked one, the mark itself is recorded much later."""
    return story.tell(f"milestone.{name}", at, {"sequence": on} if on else {}, late_s=3_600)


def opened() -> Story:
    return Story().tell("incident.declared", 0, {})


def test_nobody_marked_impact_so_there_is_no_time_to_detect() -> None:
    found = metric(Story(sample()), "TTD")
    assert found.seconds is None
    assert found.value == "not known: nobody marked when impact started (“interlock mark”)"
    assert found.events == ()


def test_time_to_detect_is_from_the_marked_start_to_the_first_alert() -> None:
    story = Story().tell("external.alert_fired", -20, {}, by="system")
    story.tell("incident.declared", 0, {})
    marked(story, "impact_started", -200)
    found = metric(story, "TTD")
    assert (found.seconds, found.value) == (180.0, "3 min")
    assert found.events == ("3", "1")
    assert found.read == "from impact start (marked by you) to the first alert"


def test_a_mark_wins_over_what_is_derived_and_a_later_mark_over_an_earlier() -> None:
    story = Story().tell("external.alert_fired", -20, {})
    marked(marked(story, "impact_started", -200), "impact_started", -100)
    marked(story, "detected", -70, on=1)
    found = metric(story, "TTD")
    assert (found.seconds, found.events) == (30.0, ("3", "4", "1"))


def test_marks_that_contradict_each_other_are_no_number() -> None:
    story = marked(marked(opened(), "impact_started", 60), "detected", 0)
    found = metric(story, "TTD")
    assert found.seconds is None
    assert "is before impact start" in found.value


def test_acknowledged_is_what_a_person_did_first_and_not_the_role_they_got_by_declaring() -> None:
    story = opened().tell("incident.role_assigned", 0, {"person": "you", "role": "commander"})
    story.tell("external.message", 5, {})
    story.tell("step.completed", 6, {"run": "R-1"}, by="run:R-1")
    story.tell("note.observation", 9, {}, by="person:ann")
    found = metric(story, "TTA")
    assert (found.seconds, found.events) == (9.0, ("1", "5"))
    assert "ann: note.observation" in found.read


def test_after_an_alert_declaring_is_the_acknowledgement() -> None:
    story = Story().tell("external.alert_fired", -40, {}, by="system")
    assert metric(story.tell("incident.declared", 0, {}), "TTA").events == ("1", "2")


def test_nobody_did_anything_after_it_was_detected() -> None:
    found = metric(opened(), "TTA")
    assert found.value == "not known: no person did anything after it was detected"


def test_mitigated_is_the_last_verified_action_unless_somebody_marked_it() -> None:
    story = opened()
    story.tell("action.succeeded", 50, {"approval": "A-1", "verified": True}, by="system")
    story.tell("action.succeeded", 70, {"approval": "A-2", "verified": False}, by="system")
    assert metric(story, "TTM").events == ("1", "2")
    assert metric(marked(story, "mitigated", 65), "TTM").seconds == 65.0


def test_an_open_incident_is_not_resolved_yet() -> None:
    story = opened()
    for name in ("TTM", "TTR"):
        found = metric(story, name, state="open", closed_at=None)
        assert found.value == "not known yet: the incident is open"
    story.tell("incident.closed", 30, {}).tell("incident.reopened", 40, {})
    assert metric(story, "TTR", state="open", closed_at=None).seconds is None


def test_without_an_impact_start_the_rest_counts_from_detection_and_says_so() -> None:
    found = metric(Story(sample()), "TTR")
    assert found.seconds == 171.0
    assert found.read.startswith("from the declaration (no alert, no mark) to the closing")
    assert metric(marked(Story(sample()), "impact_started", -29), "TTR").seconds == 200.0


def test_nothing_is_known_of_an_empty_timeline() -> None:
    assert all(one.seconds is None and one.events == () for one in build({}, []).metrics)


def test_a_wait_nobody_ended_is_said_to_be_that() -> None:
    story = opened().tell("approval.requested", 10, {"approval": "A-1"})
    found = metric(story, "A-1")
    assert (found.seconds, found.value, found.events) == (None, "not decided", ("2",))


def test_every_figure_of_the_sample_cites_two_events_and_stands_in_the_markdown() -> None:
    postmortem = build(INCIDENT, sample())
    text = markdown(postmortem)
    for one in postmortem.metrics:
        assert one.label in text
        if one.seconds is not None:
            assert len(one.events) == 2
            assert timedelta(seconds=one.seconds) > timedelta(0)
