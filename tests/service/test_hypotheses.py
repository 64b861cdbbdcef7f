"""The ledger of hypotheses: opened, weighed, ended once; and decisions with their options."""

import asyncio
from typing import Any

import pytest
from support.house import House, Someone


@pytest.fixture
def at(incident: str) -> str:
    """Where an incident's hypotheses are."""
    return f"/v1/incidents/{incident}/hypotheses"


async def _listed(who: Someone, at: str) -> list[dict[str, Any]]:
    return list((await who.get(at))["hypotheses"])


async def test_a_hypothesis_is_opened_weighed_and_ended(
    home: House, responder: Someone, incident: str, at: str
) -> None:
    opened = await responder.post(at, {"text": "the deploy at 10:40 holds the lock"})
    assert opened["name"] == "H-1"
    update = {"text": "pid 12 is the worker", "for": [1], "against": [2], "confidence": "high"}
    await responder.post(f"{at}/H-1/update", update)
    await responder.post(f"{at}/H-1/close", {"outcome": "confirmed", "reason": "it left with it"})
    [shown] = await _listed(responder, at)
    assert (shown["state"], shown["confidence"]) == ("confirmed", "high")
    assert shown["text"] == "the deploy at 10:40 holds the lock"
    assert (shown["last"], shown["closed_by"]) == ("it left with it", "responder")
    events = [e for e in await home.timeline(incident) if "hypothesis" in e["type"]]
    assert [e["type"].partition(".")[2] for e in events] == [
        *("hypothesis_opened", "hypothesis_updated", "hypothesis_closed"),
    ]
    assert [e["causationid"] for e in events[1:]] == [e["id"] for e in events[:2]]
    assert events[1]["data"]["for"][0]["sequence"] == 1
    assert events[1]["data"]["against"][0]["sequence"] == 2


async def test_each_incident_counts_its_own(responder: Someone, at: str) -> None:
    other = await responder.declares("Another one")
    for path in (at, f"/v1/incidents/{other}/hypotheses"):
        assert (await responder.post(path, {"text": "the disk"}))["name"] == "H-1"


async def test_one_that_has_ended_stays_as_it_is(
    home: House, responder: Someone, incident: str, at: str
) -> None:
    await responder.post(at, {"text": "the disk is full"})
    end = {"outcome": "refuted", "reason": "40 GB are free"}
    await responder.post(f"{at}/H-1/close", end)
    before = await home.kinds(incident)
    assert await responder.refused(f"{at}/H-1/close", end) == "incident-state"
    again = {"outcome": "confirmed", "reason": "it was after all"}
    assert await responder.refused(f"{at}/H-1/close", again) == "incident-state"
    assert await responder.refused(f"{at}/H-1/update", {"confidence": "low"}) == "incident-state"
    assert await home.kinds(incident) == before
    assert (await _listed(responder, at))[0]["state"] == "refuted"


async def test_of_two_who_end_it_at_once_one_does(
    home: House, responder: Someone, incident: str, at: str
) -> None:
    await responder.post(at, {"text": "the disk is full"})
    ends = [
        responder.call("POST", f"{at}/H-1/close", {"outcome": outcome, "reason": "because"})
        for outcome in ("refuted", "confirmed")
    ]
    done = await asyncio.gather(*ends)
    assert sorted(answer.is_success for answer in done) == [False, True]
    assert (await home.kinds(incident)).count("note.hypothesis_closed") == 1


async def test_a_better_one_takes_its_place(responder: Someone, at: str) -> None:
    await responder.post(at, {"text": "the deploy"})
    wrong = [
        {"outcome": "superseded", "reason": "see there"},
        {"outcome": "superseded", "reason": "see there", "by": "H-1"},
        {"outcome": "superseded", "reason": "see there", "by": "H-7"},
        {"outcome": "refuted", "reason": "see there", "by": "H-1"},
        {"outcome": "open", "reason": "see there"},
        {"outcome": "confirmed", "reason": " "},
    ]
    for body in wrong:
        assert await responder.refused(f"{at}/H-1/close", body) == "bad-request", body
    await responder.post(at, {"text": "the pool", "confidence": "medium"})
    end = {"outcome": "superseded", "reason": "the pool it was", "by": "H-2"}
    await responder.post(f"{at}/H-1/close", end)
    assert (await _listed(responder, at))[0]["superseded_by"] == "H-2"


@pytest.mark.parametrize(
    "body", [{}, {"text": "  "}, {"confidence": "sure"}, {"for": [99]}, {"against": [99]}]
)
async def test_an_update_says_something_that_is_there(
    responder: Someone, at: str, body: dict[str, object]
) -> None:
    await responder.post(at, {"text": "the deploy"})
    assert await responder.refused(f"{at}/H-1/update", body) == "bad-request"


async def test_only_people_of_the_incident_have_a_say(
    home: House, responder: Someone, approver: Someone, at: str
) -> None:
    await responder.post(at, {"text": "the deploy"})
    assert await approver.refused(at, {"text": "the disk"}) == "not-on-incident"
    end = {"outcome": "refuted", "reason": "no deploy"}
    assert await approver.refused(f"{at}/H-1/close", end) == "not-on-incident"
    assert await approver.refused(f"{at}/H-2/close", end) == "not-on-incident"
    assert (await approver.call("GET", at)).is_success  # a standing role may read
    stranger = await home.login("stranger")
    assert (await stranger.call("GET", at)).json()["code"] == "not-on-incident"


async def test_a_note_of_that_kind_opens_one(responder: Someone, incident: str, at: str) -> None:
    path = f"/v1/incidents/{incident}/notes"
    body = {"text": "the deploy", "kind": "hypothesis", "evidence": [1]}
    assert (await responder.post(path, body))["name"] == "H-1"
    assert (await _listed(responder, at))[0]["confidence"] == "low"


# --- decisions ---------------------------------------------------------------------------------


async def test_a_decision_keeps_its_options_and_reason(responder: Someone, incident: str) -> None:
    body = {
        "choice": "Fail over",
        "options": ["wait", "restart"],
        "reason": "waiting costs orders",
        "by": "approver",
        "evidence": [1],
    }
    await responder.post(f"/v1/incidents/{incident}/decisions", body)
    entry = (await responder.get(f"/v1/incidents/{incident}/timeline"))["entries"][-1]
    assert entry["event"]["type"] == "note.decision"
    assert entry["event"]["authid"] == "person:responder"
    assert entry["event"]["data"]["decided_by"] == "approver"
    assert list(entry["parts"].values()) == [
        {"text": "Fail over"},
        {"json": ["wait", "restart"]},
        {"text": "waiting costs orders"},
    ]


@pytest.mark.parametrize(
    "more",
    [{"choice": " "}, {"options": [""]}, {"options": ["x"] * 21}, {"by": "nobody-here"}],
)
async def test_a_decision_is_whole(
    responder: Someone, incident: str, more: dict[str, object]
) -> None:
    body = {"choice": "Fail over", **more}
    assert await responder.refused(f"/v1/incidents/{incident}/decisions", body) == "bad-request"


async def test_an_observer_notes_and_neither_decides_nor_marks(
    home: House, responder: Someone, incident: str
) -> None:
    observer = await home.login("observer")
    at = f"/v1/incidents/{incident}"
    role = {"person": "observer", "role": "observer"}
    await responder.post(f"{at}/roles", role)
    await observer.post(f"{at}/notes", {"text": "seen"})
    assert await observer.refused(f"{at}/decisions", {"choice": "wait"}) == "not-on-incident"
    sideways = {"text": "wait", "kind": "decision"}
    assert await observer.refused(f"{at}/notes", sideways) == "not-on-incident"
    mark = {"milestone": "resolved", "event": 1}
    assert await observer.refused(f"{at}/milestones", mark) == "not-on-incident"
    assert await observer.refused(f"{at}/followups", {"text": "mend"}) == "not-on-incident"
