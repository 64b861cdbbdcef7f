"""Milestones that people mark, and pins: each an event, none taken back silently."""

from datetime import timedelta

import pytest
from support.house import House, Someone


async def test_a_milestone_is_at_the_time_of_what_it_marks(
    home: House, responder: Someone, incident: str
) -> None:
    home.clock.pass_time(minutes=5)
    body = {"milestone": "detected", "event": 1, "text": "the page"}
    await responder.post(f"/v1/incidents/{incident}/milestones", body)
    first, *_, event = await home.timeline(incident)
    assert event["type"] == "milestone.detected"
    assert event["data"]["marks"] == first["id"]
    assert event["data"]["sequence"] == 1
    assert (event["time"], event["timesource"]) == (first["time"], "marked")
    assert event["recordedtime"] > event["time"]


async def test_a_milestone_may_be_at_a_time_before_anybody_knew(
    home: House, responder: Someone, incident: str
) -> None:
    then = home.clock.now() - timedelta(hours=3)
    body = {"milestone": "impact_started", "time": then.isoformat(), "accuracy_s": 300}
    await responder.post(f"/v1/incidents/{incident}/milestones", body)
    event = (await home.timeline(incident))[-1]
    assert event["time"].startswith("2026-01-02T00:04:05")
    assert (event["timesource"], event["timeaccuracy"]) == ("claimed", "PT300S")


@pytest.mark.parametrize(
    "body",
    [
        {"milestone": "detected"},
        {"milestone": "detected", "event": 1, "time": "2026-01-02T03:00:00Z"},
        {"milestone": "detected", "time": "2026-01-02T05:00:00Z"},
        {"milestone": "detected", "event": 99},
        {"milestone": "declared", "event": 1},
        {"milestone": "detected", "event": 1, "accuracy_s": 0},
    ],
)
async def test_a_milestone_marks_one_thing_that_is_there(
    home: House, responder: Someone, incident: str, body: dict[str, object]
) -> None:
    before = await home.kinds(incident)
    assert await responder.refused(f"/v1/incidents/{incident}/milestones", body) == "bad-request"
    assert await home.kinds(incident) == before


async def test_marking_again_keeps_both(home: House, responder: Someone, incident: str) -> None:
    for event in (1, 2):
        body = {"milestone": "detected", "event": event}
        await responder.post(f"/v1/incidents/{incident}/milestones", body)
    assert (await home.kinds(incident)).count("milestone.detected") == 2


async def test_an_event_is_pinned_once_and_taken_down_once(
    home: House, responder: Someone, incident: str
) -> None:
    at, body = f"/v1/incidents/{incident}", {"event": 1, "text": "it began here"}
    assert await responder.refused(f"{at}/unpins", body) == "incident-state"
    await responder.post(f"{at}/pins", body)
    assert await responder.refused(f"{at}/pins", body) == "incident-state"
    await responder.post(f"{at}/unpins", {"event": 1})
    assert await responder.refused(f"{at}/unpins", body) == "incident-state"
    await responder.post(f"{at}/pins", body)
    kinds = [kind for kind in await home.kinds(incident) if kind.startswith("pin.")]
    assert kinds == ["pin.added", "pin.removed", "pin.added"]
    assert await responder.refused(f"{at}/pins", {"event": 99}) == "bad-request"
