"""What a person writes at the command line, and how the moment that it is about is read."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from desk import Desk
from hypothesis import given
from hypothesis.strategies import datetimes
from interlock.cli.moments import said
from interlock.errors import UsageError

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")
AT = "/v1/incidents/INC-1"
WRITTEN = {"event": "evt_9", "sequence": 9}


def _sent(desk: Desk, line: str, path: str, answer: dict[str, object] | None = None) -> object:
    desk.gateway.routes[f"POST {AT}/{path}"] = answer or WRITTEN
    done = desk.run(line, terminal=True)
    assert done.code == 0, done.err
    assert max(map(len, done.out.splitlines())) <= 80
    return desk.gateway.last(f"POST {AT}/{path}")


# --- moments -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "moment", "accuracy"),
    [
        ("10:42", "2026-11-23T10:42:00+01:00", 60),
        ("10:42:07", "2026-11-23T10:42:07+01:00", 1),
        ("10:42Z", "2026-11-23T10:42:00+00:00", 60),
        ("~10:40", "2026-11-23T10:40:00+01:00", 300),
        ("~ 10:40", "2026-11-23T10:40:00+01:00", 300),
        ("yesterday 23:10", "2026-11-22T23:10:00+01:00", 60),
        ("~yesterday 23:10", "2026-11-22T23:10:00+01:00", 300),
        ("2026-11-20 08:00", "2026-11-20T08:00:00+01:00", 60),
        ("2026-11-20T08:00:00Z", "2026-11-20T08:00:00+00:00", 1),
        ("2026-11-20T08:00:00.25-05:00", "2026-11-20T08:00:00.250000-05:00", 1),
        ("2026-07-01 08:00", "2026-07-01T08:00:00+02:00", 60),
    ],
)
def test_a_time_is_read_as_it_is_written(text: str, moment: str, accuracy: int) -> None:
    found = said(text, NOON, BERLIN)
    assert (found.time, found.accuracy_s) == (moment, accuracy)


def test_today_is_the_day_of_the_zone_that_was_written() -> None:
    late = datetime(2026, 11, 23, 23, 30, tzinfo=UTC)
    assert said("00:10", late, BERLIN).time == "2026-11-24T00:10:00+01:00"
    assert said("23:10Z", late, BERLIN).time == "2026-11-23T23:10:00+00:00"
    assert said("yesterday 23:10", late, BERLIN).time == "2026-11-23T23:10:00+01:00"


@pytest.mark.parametrize("text", ["13:30", "13:02", "12:02Z", "2026-11-24T00:00:00Z", "23:10"])
def test_what_is_to_come_is_refused_and_not_taken_for_yesterday(text: str) -> None:
    with pytest.raises(UsageError, match="still to come") as refused:
        said(text, NOON, BERLIN)
    assert "yesterday" in refused.value.help


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "soon",
            "25:00",
            "10:60",
            "2026-99-99 10:00",
            "10",
            "1042",
            "20m ago",
            "today 10:00",
        ),
        *("2026-11-23", "10:42+1", "٠٩:٤٢", "10:42 CET", "yesterday", "0000-01-01 00:00", "~"),
    ],
)
def test_nothing_is_guessed(text: str) -> None:
    with pytest.raises(UsageError, match="is not a time"):
        said(text, NOON, BERLIN)


@pytest.mark.parametrize("text", ["2026-10-25 02:30", "2026-03-29 02:30"])
def test_an_hour_that_was_there_twice_or_never_needs_its_offset(text: str) -> None:
    with pytest.raises(UsageError, match="twice here, or never") as refused:
        said(text, NOON, BERLIN)
    assert "+02:00" in refused.value.help
    assert "+01:00" in refused.value.help
    assert said(f"{text}+01:00", NOON, BERLIN).time.endswith("02:30:00+01:00")


@given(datetimes(datetime(2025, 1, 1), datetime(2026, 11, 22)))  # noqa: DTZ001  a wall clock's
def test_a_time_that_is_taken_reads_the_same_in_its_zone(wall: datetime) -> None:
    wall = wall.replace(microsecond=0)
    try:
        found = said(f"{wall:%Y-%m-%d %H:%M:%S}", NOON, BERLIN)
    except UsageError:
        assert {wall.month} <= {3, 10}
        return
    assert datetime.fromisoformat(found.time).astimezone(BERLIN).replace(tzinfo=None) == wall


def test_without_a_zone_it_is_the_machines_own() -> None:
    local = (NOON - timedelta(hours=1)).astimezone()
    assert datetime.fromisoformat(said(f"{local:%Y-%m-%d %H:%M}", NOON).time) == local


# --- verbs -------------------------------------------------------------------------------------


def test_a_note_is_sent_with_its_kind_and_moment(desk: Desk) -> None:
    line = "note INC-1 'we wait' --kind decision --at 2026-11-23T11:00:00Z"
    assert _sent(desk, line, "notes") == {
        "text": "we wait",
        "kind": "decision",
        "time": "2026-11-23T11:00:00+00:00",
        "accuracy_s": 1,
    }


def test_a_note_names_what_it_answers_corrects_and_points_at(desk: Desk) -> None:
    line = "note INC-1 'ann did' --answers 7 --evidence '#12, 14'"
    assert _sent(desk, line, "notes") == {
        "text": "ann did",
        "kind": "observation",
        "answers": 7,
        "evidence": [12, 14],
    }
    assert "as answer, #9" in desk.run(line).out
    assert "as correction" in desk.run("note INC-1 'pid 21' --corrects 3").out


@pytest.mark.parametrize("named", ["evt_1", "0", "-1", "12;14", "1" * 16, "H-1", "12,,14x"])
def test_what_is_no_number_of_an_event_is_refused_before_anything_is_sent(
    desk: Desk, named: str
) -> None:
    desk.gateway.routes[f"POST {AT}/notes"] = WRITTEN
    done = desk.run(f"note INC-1 x --evidence='{named}'")
    assert done.code == 2
    assert "12,14" in done.err
    assert desk.gateway.asked == []


def test_a_note_to_do_is_a_follow_up(desk: Desk) -> None:
    line = "note INC-1 'limit the pool' --todo --owner ann --due 2026-12-01 --evidence 3"
    body = _sent(desk, line, "followups", {**WRITTEN, "name": "F-2"})
    assert body == {
        "text": "limit the pool",
        "owner": "ann",
        "due": "2026-12-01",
        "evidence": [3],
    }
    assert desk.run("note INC-1 x --owner ann").code == 2
    assert desk.run("note INC-1 x --todo --answers 3").code == 2


def test_a_decision_is_sent_with_options_reason_and_evidence(desk: Desk) -> None:
    line = (
        "decide INC-1 'Fail over' --option wait --option restart --because 'orders are lost' "
        "--by bob --evidence 3,4 --at ~11:40Z"
    )
    assert _sent(desk, line, "decisions") == {
        "choice": "Fail over",
        "options": ["wait", "restart"],
        "reason": "orders are lost",
        "by": "bob",
        "evidence": [3, 4],
        "time": "2026-11-23T11:40:00+00:00",
        "accuracy_s": 300,
    }


def test_milestones_and_pins_are_about_one_event(desk: Desk) -> None:
    line = "mark INC-1 impact-started --at ~10:00Z"
    assert _sent(desk, line, "milestones") == {
        "milestone": "impact-started",
        "event": 0,
        "text": "",
        "time": "2026-11-23T10:00:00+00:00",
        "accuracy_s": 300,
    }
    body = _sent(desk, "mark INC-1 detected 3 --because 'the page'", "milestones")
    assert body == {"milestone": "detected", "event": 3, "text": "the page"}
    assert _sent(desk, "pin INC-1 '#3' why", "pins") == {"event": 3, "text": "why"}
    assert _sent(desk, "unpin INC-1 3", "unpins") == {"event": 3, "text": ""}
    assert desk.run("pin INC-1 3,4").code == 2


def test_hypotheses_are_opened_updated_ended_and_listed(desk: Desk) -> None:
    named = {**WRITTEN, "name": "H-1"}
    line = "hypothesis open INC-1 'the deploy' --confidence high --evidence 3"
    body = _sent(desk, line, "hypotheses", named)
    assert body == {"text": "the deploy", "confidence": "high", "evidence": [3]}
    line = "hypothesis update INC-1 H-1 'pid 12' --for 4,5 --against 6 --confidence medium"
    assert _sent(desk, line, "hypotheses/H-1/update") == {
        "text": "pid 12",
        "for": [4, 5],
        "against": [6],
        "confidence": "medium",
    }
    line = "hypothesis close INC-1 H-1 superseded --because 'the pool' --by H-2"
    assert _sent(desk, line, "hypotheses/H-1/close") == {
        "outcome": "superseded",
        "reason": "the pool",
        "by": "H-2",
    }
    one = {"id": "H-1", "state": "superseded", "superseded_by": "H-2", "confidence": "medium"}
    more = {"text": "the deploy \x1b[2J" * 9, "last": "the pool", "sequence": 3}
    desk.gateway.routes[f"GET {AT}/hypotheses"] = {"hypotheses": [one | more]}
    shown = desk.run("hypothesis list INC-1", terminal=True).out
    assert "superseded by H-2" in shown
    assert "\x1b" not in shown
    assert max(map(len, shown.splitlines())) <= 80


def test_whoever_takes_command_is_told_where_it_stands(desk: Desk) -> None:
    desk.gateway.routes[f"POST {AT}/take"] = {}
    desk.gateway.routes[f"GET {AT}/sheet"] = {
        "hypotheses": [
            {"hypothesis": "H-1", "confidence": "low", "text": "the deploy \x1b[2J", "sequence": 4}
        ],
        "questions": [{"text": "who deployed? " * 12, "sequence": 0}],
        "unknown": [
            {
                "approval": "A-1",
                "state": "outcome_unknown",
                "operation": "pg.cancel_backend",
                "target": "orders",
                "requester": "you",
            }
        ],
        "left_out": {"questions": 3},
    }
    out = desk.run("incident take INC-1", terminal=True).out
    assert "H-1 (low): the deploy" in out
    assert "… and 3 more" in out
    assert "A-1 outcome unknown: pg.cancel_backend on orders" in out
    assert "Open follow-ups: none" in out
    assert "\x1b" not in out
    assert max(map(len, out.splitlines())) <= 80


def test_follow_ups_are_listed_across_incidents(desk: Desk) -> None:
    one = {"id": "F-1", "incident": "INC-1", "state": "open", "owner": "ann", "due": "2026-12-01"}
    listed = {"followups": [one | {"text": "limit the pool " * 9}]}
    desk.gateway.routes["GET /v1/follow-ups"] = listed
    out = desk.run("follow-ups --mine --open", terminal=True).out
    assert "F-1" in out
    assert max(map(len, out.splitlines())) <= 80
    desk.gateway.routes["GET /v1/follow-ups"] = {"followups": []}
    assert "--todo" in desk.run("follow-ups", terminal=True).out
