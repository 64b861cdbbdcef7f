"""What people kept account of, as every form tells it: pairs by reference, dead ends kept."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest
from interlock.errors import UsageError
from interlock.export import Entry, Postmortem, build, html, markdown, render, told_by
from interlock.export.entries import Link
from interlock.export.ledger import open_questions

START = datetime(2026, 3, 2, 10, 40, tzinfo=UTC)
INCIDENT = {"id": "INC-1", "title": "Checkout stalls", "state": "closed"}


def entry(number: int, kind: str, /, *, who: str = "you", **data: Any) -> Entry:
    """Return an event a minute after the one before; `said_…` values stand in parts."""
    parts = {}
    for name in [name for name in data if name.startswith("said_")]:
        value = data.pop(name)
        part = f"part_{number}_{name}"
        data[name.removeprefix("said_")] = {"$part": part}
        parts[part] = {"text": value} if isinstance(value, str) else {"json": value}
    at = (START + timedelta(minutes=number)).isoformat()
    event = {
        "id": f"evt_{number}",
        "sequence": str(number),
        "type": kind,
        "time": at,
        "recordedtime": at,
        "authid": f"person:{who}",
        "data": data,
    }
    return Entry(event, parts)


def ref(sequence: int) -> dict[str, Any]:
    return {"event": f"evt_{sequence}", "sequence": sequence}


DECLARED = entry(1, "incident.declared", severity="sev2", said_title="Checkout stalls")
STORY = [
    DECLARED,
    entry(2, "note.question", said_text="who deployed?"),
    entry(3, "note.question", said_text="is it DNS?"),
    entry(4, "note.observation", said_text="pid 12 blocks"),
    entry(5, "note.answer", who="ann", answers=ref(2), said_text="ann did"),
    entry(6, "note.correction", corrects=ref(4), said_text="pid 21 blocks"),
    entry(
        7,
        "note.hypothesis_opened",
        hypothesis="H-1",
        confidence="low",
        evidence=[ref(4)],
        said_text="the deploy holds the lock",
    ),
    entry(
        8,
        "note.hypothesis_updated",
        hypothesis="H-1",
        confidence="high",
        against=[ref(3)],
        **cast("Any", {"for": [ref(5)]}),
    ),
    entry(9, "note.hypothesis_opened", hypothesis="H-2", said_text="the disk is full"),
    entry(
        10, "note.hypothesis_closed", hypothesis="H-2", outcome="refuted", said_reason="40 GB free"
    ),
    entry(
        11,
        "note.decision",
        decided_by="ann",
        evidence=[ref(6)],
        said_text="Fail over",
        said_options=["wait", "restart"],
        said_reason="orders are lost",
    ),
    entry(12, "milestone.detected", marks="evt_1", sequence=1, said_text="the page"),
    entry(13, "milestone.detected", marks="evt_4", sequence=4),
    entry(14, "pin.added", pins="evt_4", sequence=4, said_text="look here"),
    entry(15, "pin.added", pins="evt_5", sequence=5),
    entry(16, "pin.removed", pins="evt_5", sequence=5),
]


def view(sequence: int, version: int, items: Sequence[Any], hide: Sequence[str] = ()) -> Entry:
    return entry(
        sequence,
        "view.changed",
        view="postmortem",
        version=version,
        said_definition={"items": [*items], "hide": [*hide]},
    )


VIEWS = [
    view(17, 1, [ref(1)]),
    view(
        18,
        2,
        [
            {"heading": "Repair"},
            {**ref(11), "text": "It was\nthe only way.\n\nReally."},
            ref(2),
            {"event": "evt_99", "sequence": 99},
        ],
        ["timeline", "ledger"],
    ),
]


def told(*more: Entry) -> Postmortem:
    return build(INCIDENT, [*STORY, *more])


def test_a_question_is_met_by_the_answer_that_names_it_and_by_no_other() -> None:
    pm = told()
    first, second = pm.ledger.questions
    assert first.answers == (("ann did", "ann", "5"),)
    assert open_questions(pm.ledger) == [second]
    suggested = [remark.text for remark in pm.follow_ups]
    assert suggested == ["Still open: question: “is it DNS?”"]


def test_an_answer_that_names_an_event_by_number_alone_meets_nothing() -> None:
    loose = entry(17, "note.answer", answers={"sequence": 3}, said_text="no")
    foreign = entry(18, "note.answer", answers={"event": "evt_of_another"}, said_text="no")
    assert len(open_questions(told(loose, foreign).ledger)) == 1


def test_a_correction_and_what_it_corrects_lead_to_each_other() -> None:
    moments = {moment.events[0]: moment for moment in told().moments}
    assert Link("corrected by", ("6",)) in moments["4"].links
    assert moments["6"].links == (Link("corrects", ("4",)),)
    assert moments["4"].corrected
    assert not moments["6"].corrected
    assert "pid 12 blocks" in moments["4"].what
    assert "→ corrected by `[#6]`" in markdown(told())
    assert 'corrected by <span class="cited"><a href="#e6">' in html(told())


def test_what_is_folded_away_stays_corrected() -> None:
    place: dict[str, Any] = {"run": "R-1", "step": "look", "attempt": 1, "ordinal": 0}
    story = [
        DECLARED,
        entry(2, "query.started", **place),
        entry(3, "query.completed", **place),
        entry(4, "note.correction", corrects=ref(2), said_text="that was staging"),
    ]
    [query] = [m for m in build(INCIDENT, story).moments if m.type == "query.completed"]
    assert query.corrected


def test_hypotheses_are_told_to_their_end_dead_ends_too() -> None:
    first, second = told().ledger.hypotheses
    assert (first.id, first.state, first.confidence) == ("H-1", "open", "high")
    assert [(m.speaks_for, m.against) for m in first.moves] == [(("4",), ()), (("5",), ("3",))]
    assert (second.state, second.moves[1].text) == ("refuted", "40 GB free")
    for source in (markdown(told()), html(told())):
        assert "the disk is full" in source
        assert "Refuted" in source


def test_a_decision_shows_who_made_it_among_what() -> None:
    [decision] = told().ledger.decisions
    assert (decision.choice, decision.by, decision.options) == (
        *("Fail over", "ann"),
        ("wait", "restart"),
    )
    source = markdown(told())
    assert "Considered: wait; restart" in source
    assert "Rests on: `[#6]`" in source
    assert "(decided by ann)" in source


def test_of_milestones_the_last_one_counts_and_the_others_are_shown() -> None:
    first, second = told().ledger.milestones
    assert (first.counts, first.marks, first.title) == (False, "1", "Detection")
    assert (second.counts, second.marks) == (True, "4")
    assert "(a later one counts)" in markdown(told())
    key = [entry(n, "milestone.key_moment", marks="evt_4") for n in (17, 18)]
    assert all(one.counts for one in told(*key).ledger.milestones[2:])


def test_what_was_unpinned_is_not_pinned() -> None:
    assert [pin.event for pin in told().ledger.pins] == ["4"]


def test_a_time_that_is_about_then_says_so() -> None:
    roughly = entry(17, "note.observation", said_text="it began")
    event = {**roughly.event, "timeaccuracy": "PT300S"}
    moment = told(replace(roughly, event=event)).moments[-1]
    assert moment.what.endswith("(about then, give or take 5 min)")


def test_a_handover_shows_where_the_incident_stood() -> None:
    sheet = {
        "hypotheses": [
            {"hypothesis": "H-1", "confidence": "low", "text": "the deploy", "sequence": 7}
        ],
        "left_out": {"hypotheses": 2},
    }
    change = entry(17, "incident.handover", said_sheet=sheet, said_summary="all calm", to="ann")
    source = markdown(told(change))
    assert "H-1 (low): the deploy [#7]" in source
    assert "… and 2 more" in source
    assert "Open questions: none" in source


# --- views -------------------------------------------------------------------------------------


def test_a_view_tells_in_its_own_order_and_confesses_what_it_leaves_out() -> None:
    pm = told_by(told(*VIEWS), "postmortem")
    source = markdown(pm)
    story = source.split("## What happened")[1].split("## Impact")[0]
    assert story.index("### Repair") < story.index("Fail over") < story.index("who deployed?")
    assert "It was the only way." in story
    assert "Event ?99 is not in this export." in story
    assert "version 2 of postmortem, by you, picks 3 events" in source
    assert "it leaves out: timeline, ledger" in source
    assert {event for m in pm.moments for event in m.events} == {"2", "11"}
    assert "## Hypotheses" not in source
    assert "What happened" in html(pm)


def test_an_older_version_can_be_told_and_says_that_it_is_older() -> None:
    source = render("md", told(*VIEWS), view="postmortem@1")
    assert "version 2 is newer" in source
    assert "it leaves nothing out" in source
    assert "## Hypotheses" in source


@pytest.mark.parametrize("wanted", ["none", "postmortem@3", "postmortem@0", "Postmortem", "@1"])
def test_a_view_that_is_not_there_is_refused(wanted: str) -> None:
    with pytest.raises(UsageError, match="There is no view") as refused:
        told_by(told(*VIEWS), wanted)
    assert "Views: postmortem." in refused.value.help


def test_without_a_view_nothing_is_left_out() -> None:
    pm = told(*VIEWS)
    assert told_by(pm, "") is pm
    assert "## What happened" not in markdown(pm)


@pytest.mark.parametrize(
    "definition",
    [None, [], "x", {"items": "x"}, {"items": [None, 7, {"event": 3}, {}], "hide": "timeline"}],
)
def test_a_view_that_holds_nonsense_stops_no_export(definition: Any) -> None:
    odd = entry(17, "view.changed", view="odd", version=1, said_definition=definition)
    for form in ("md", "html", "json"):
        assert render(form, told(odd), view="odd")


@pytest.mark.parametrize("field", ["answers", "corrects", "evidence", "for", "against"])
@pytest.mark.parametrize("value", [None, 7, "evt_1", [None], [[]], {"event": 3}, [{"event": []}]])
def test_links_that_are_nonsense_stop_no_export(field: str, value: Any) -> None:
    odd = entry(17, "note.hypothesis_updated", hypothesis="H-1", **cast("Any", {field: value}))
    assert markdown(told(odd))
