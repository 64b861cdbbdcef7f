"""Narrative views: each save a version, none lost under another, the record untouched."""

import asyncio
from typing import Any

import pytest
from support.house import House, Someone

ITEMS: list[dict[str, Any]] = [
    {"heading": "Detection"},
    {"event": 2, "text": "The shop stood still."},
    {"event": 1},
]


@pytest.fixture
def at(incident: str) -> str:
    """Where a view is."""
    return f"/v1/incidents/{incident}/views/postmortem"


async def test_each_save_is_a_version_and_an_event_that_names_the_one_before(
    home: House, responder: Someone, incident: str, at: str
) -> None:
    assert (await responder.post(at, {"items": ITEMS, "hide": ["runs"]}))["version"] == 1
    assert (await responder.post(at, {"items": ITEMS[1:], "base": 1}))["version"] == 2
    first, second = (e for e in await home.timeline(incident) if e["type"] == "view.changed")
    assert second["data"]["previous"] == first["id"]
    assert (first["subject"], second["subject"]) == ("postmortem@1", "postmortem@2")
    newest = await responder.get(at)
    assert (newest["version"], newest["by"], len(newest["items"])) == (2, "responder", 2)
    older = await responder.get(at, version=1)
    assert [item.get("sequence") or item["heading"] for item in older["items"]] == [
        *("Detection", 2, 1),
    ]
    assert older["items"][1]["text"] == "The shop stood still."
    assert older["hide"] == ["runs"]
    listed = (await responder.get(f"/v1/incidents/{incident}/views"))["views"]
    assert sorted((row["view"], row["version"]) for row in listed) == [
        *(("postmortem", 1), ("postmortem", 2)),
    ]


async def test_a_long_view_comes_back_whole(responder: Someone, at: str) -> None:
    items = [{"event": 1, "text": "x" * 9_000}, {"event": 2, "text": "y" * 9_000}]
    await responder.post(at, {"items": items})
    shown = await responder.get(at)
    assert [len(item["text"]) for item in shown["items"]] == [9_000, 9_000]
    assert "destroyed" not in shown


async def test_saving_over_what_somebody_else_saved_is_refused_with_who(
    responder: Someone, approver: Someone, incident: str, at: str
) -> None:
    role = {"person": "approver", "role": "responder"}
    await responder.post(f"/v1/incidents/{incident}/roles", role)
    await responder.post(at, {"items": ITEMS})
    await approver.post(at, {"items": ITEMS[:2], "base": 1})
    answer = await responder.call("POST", at, {"items": ITEMS[1:], "base": 1})
    problem = answer.json()
    assert (problem["code"], answer.status_code) == ("view-changed", 409)
    assert "version 2" in problem["detail"]
    assert "approver saved it at 03:04:05" in problem["detail"]
    for base in (0, 3):
        body = {"items": ITEMS, "base": base}
        assert await responder.refused(at, body) == "view-changed"
    assert (await responder.get(at))["version"] == 2


async def test_of_two_who_save_at_once_one_does(
    home: House, responder: Someone, incident: str, at: str
) -> None:
    done = await asyncio.gather(*(responder.call("POST", at, {"items": ITEMS}) for _ in range(4)))
    assert sorted(answer.status_code for answer in done) == [201, 409, 409, 409]
    assert (await home.kinds(incident)).count("view.changed") == 1


@pytest.mark.parametrize(
    "body",
    [
        {"items": []},
        {"items": [{"event": 99}]},
        {"items": [{"event": 1}, {"event": 1}]},
        {"items": [{"text": "words alone"}]},
        {"items": [{"event": 1, "heading": "both"}]},
        {"items": [{"heading": "two\nlines"}]},
        {"items": [{"event": 1, "text": "x" * 10_001}]},
        {"items": [{"event": 1}], "hide": ["refusals"]},
    ],
)
async def test_a_view_that_says_nothing_clear_is_refused(
    home: House, responder: Someone, incident: str, at: str, body: dict[str, Any]
) -> None:
    before = await home.kinds(incident)
    assert await responder.refused(at, body) == "bad-request"
    assert await home.kinds(incident) == before


@pytest.mark.parametrize("name", ["Postmortem", "1st", "a" * 41, "a_b", "a%20b"])
async def test_a_view_has_a_plain_name(responder: Someone, incident: str, name: str) -> None:
    path = f"/v1/incidents/{incident}/views/{name}"
    assert await responder.refused(path, {"items": ITEMS}) == "bad-request"


async def test_a_view_or_version_that_is_not_there_is_said_so(responder: Someone, at: str) -> None:
    assert (await responder.call("GET", at)).json()["code"] == "bad-request"
    await responder.post(at, {"items": ITEMS})
    answer = await responder.call("GET", at, version=2)
    assert "no version 2" in answer.json()["detail"]


async def test_whoever_writes_the_postmortem_joins_a_closed_incident_as_an_observer(
    responder: Someone, approver: Someone, incident: str, at: str
) -> None:
    roles = f"/v1/incidents/{incident}/roles"
    await responder.post(f"/v1/incidents/{incident}/close", {"reason": "over"})
    assert await approver.refused(at, {"items": ITEMS}) == "not-on-incident"
    body = {"person": "approver", "role": "responder"}
    assert await approver.refused(roles, body) == "incident-closed"
    await approver.post(roles, {**body, "role": "observer"})
    assert (await approver.post(at, {"items": ITEMS}))["version"] == 1
    await responder.post(f"/v1/incidents/{incident}/seal")
    other = {"person": "approver", "role": "observer"}
    assert await approver.refused(roles, other) == "incident-closed"


async def test_only_people_of_the_incident_save_and_only_readers_read(
    home: House, responder: Someone, approver: Someone, at: str
) -> None:
    assert await approver.refused(at, {"items": ITEMS}) == "not-on-incident"
    await responder.post(at, {"items": ITEMS})
    stranger = await home.login("stranger")
    assert (await stranger.call("GET", at)).json()["code"] == "not-on-incident"
