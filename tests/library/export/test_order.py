"""A cause stands before its effect, whatever the clocks say; and what is uncertain is marked."""

from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from interlock.export import Entry, build, html, markdown
from sample_incident import INCIDENT, Story, sample


def linked(story: Story, effect: int, cause: int) -> Story:
    """Note that event `cause` led to event `effect`; both by their sequence."""
    told = story.entries[effect - 1]
    event = {**told.event, "causationid": story.entries[cause - 1].event["id"]}
    story.entries[effect - 1] = Entry(event, told.parts)
    return story


def rough(story: Story, sequence: int, accuracy: str) -> Story:
    told = story.entries[sequence - 1]
    event = {**told.event, "timesource": "claimed", "timeaccuracy": accuracy}
    story.entries[sequence - 1] = Entry(event, told.parts)
    return story


def order(story: Story) -> list[str]:
    return [moment.event for moment in build(INCIDENT, story.entries).moments]


def notes(*times: float) -> Story:
    story = Story()
    for at in times:
        story.tell("note.observation", at, {})
    return story


def test_without_causes_time_decides_then_sequence() -> None:
    assert order(notes(5, 3, 5, 1)) == ["4", "2", "1", "3"]


def test_an_effect_whose_clock_is_behind_stands_after_its_cause_and_says_so() -> None:
    story = linked(notes(0, 10, 4, 7), effect=3, cause=2)
    assert order(story) == ["1", "4", "2", "3"]
    postmortem = build(INCIDENT, story.entries)
    assert postmortem.moments[3].after == "2"
    assert [r.text for r in postmortem.record.gaps.moved] == [
        "event 3 stands after its cause, though its own time is earlier"
    ]
    assert "Clocks disagree" in markdown(postmortem)
    assert "after its cause #2" in html(postmortem)


def test_what_follows_from_it_stands_after_it_too() -> None:
    story = linked(linked(notes(10, 2, 1, 5), effect=2, cause=1), effect=3, cause=2)
    assert order(story) == ["4", "1", "2", "3"]


def test_an_answer_stands_after_its_call_even_if_its_clock_is_behind() -> None:
    call = {"run": "R-1", "step": "s", "attempt": 1, "ordinal": 0}
    story = Story().tell("query.started", 10, call)
    story.tell("note.observation", 9, {})
    story.tell("query.completed", 8, call)
    assert order(story) == ["2", "3"]


def test_causes_in_a_circle_lose_nothing() -> None:
    story = notes(3, 2, 1)
    for effect, cause in ((1, 2), (2, 3), (3, 1)):
        linked(story, effect, cause)
    assert sorted(order(story)) == ["1", "2", "3"]


def test_an_event_that_is_its_own_cause_is_told() -> None:
    assert order(linked(notes(1), 1, 1)) == ["1"]


@given(
    st.lists(st.integers(-50, 50), min_size=2, max_size=25),
    st.lists(st.tuples(st.integers(0, 24), st.integers(0, 24)), max_size=25),
)
def test_no_effect_ever_stands_before_its_cause(
    times: list[int], pairs: list[tuple[int, int]]
) -> None:
    story = notes(*times)
    told = {}
    for one, other in pairs:
        cause, effect = sorted((one % len(times) + 1, other % len(times) + 1))
        if cause != effect:
            told[effect] = cause
            linked(story, effect, cause)
    found = order(story)
    assert sorted(found, key=int) == [str(n + 1) for n in range(len(times))]
    assert all(found.index(str(c)) < found.index(str(e)) for e, c in told.items())


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 5)), min_size=1, max_size=20))
def test_the_order_of_what_was_known_is_that_of_the_whole_without_the_rest(
    drawn: list[tuple[int, int]],
) -> None:
    story = notes(*(time for time, _ in drawn))
    for effect, (_, back) in enumerate(drawn, start=1):
        if 0 < back < effect:
            linked(story, effect, effect - back)
    whole = order(story)
    for last in range(1, len(drawn) + 1):
        known = [moment.event for moment in build(INCIDENT, story.entries, known_at=last).moments]
        assert known == [event for event in whole if int(event) <= last]


# --- uncertain order ---------------------------------------------------------------------------


def unsure(story: Story) -> dict[str, tuple[str, ...]]:
    moments = build(INCIDENT, story.entries).moments
    return {moment.event: moment.unsure for moment in moments if moment.unsure}


def test_a_rough_time_names_what_it_may_have_come_before_or_after() -> None:
    story = rough(notes(0, 100, 200, 900), 3, "PT3M")
    assert unsure(story) == {"3": ("2",)}
    postmortem = build(INCIDENT, story.entries)
    assert "± 3 min: before or after event 2" in markdown(postmortem)
    assert "± 3 min" in html(postmortem)


def test_two_rough_times_overlap_when_their_accuracies_do() -> None:
    story = rough(rough(notes(0, 100), 1, "PT60S"), 2, "PT50S")
    assert unsure(story) == {"1": ("2",), "2": ("1",)}
    assert unsure(rough(story, 2, "PT39S")) == {}


def test_what_led_to_what_is_never_uncertain() -> None:
    story = rough(notes(0, 1, 2), 3, "PT1H")
    linked(linked(story, 2, 1), 3, 2)
    assert unsure(story) == {}


def test_events_that_the_gateway_clocked_are_in_the_order_of_their_recording() -> None:
    clocked = [replace(entry, event={**entry.event, "timeaccuracy": "PT1S"}) for entry in sample()]
    assert all(not moment.unsure for moment in build(INCIDENT, clocked).moments)


def test_an_accuracy_that_is_no_length_of_time_is_none() -> None:
    for wrong in ("PT", "P1Y", "5", "PT-1S", "P" + "9" * 400 + "D", 7, None):
        story = notes(0, 1)
        accuracy: Any = wrong
        assert unsure(rough(story, 1, accuracy)) == {}
