"""Follow-ups that people write down: whom they fall to, who closes them, what outlasts a seal."""

import pytest
from support.house import House, Someone

DONE = {"answer": "The pool has a limit now."}


@pytest.fixture
async def observer(home: House, responder: Someone, incident: str) -> Someone:
    """Somebody who only looks on."""
    role = {"person": "observer", "role": "observer"}
    await responder.post(f"/v1/incidents/{incident}/roles", role)
    return await home.login("observer")


@pytest.fixture
async def owed(responder: Someone, incident: str) -> str:
    """A follow-up that falls to the approver, who has no part in the incident."""
    body = {"text": "limit the pool", "owner": "approver", "due": "2026-12-01", "evidence": [1]}
    answer = await responder.post(f"/v1/incidents/{incident}/followups", body)
    return str(answer["name"])


async def test_a_follow_up_has_an_owner_a_day_and_what_it_came_of(
    home: House, responder: Someone, incident: str, owed: str
) -> None:
    event = (await home.timeline(incident))[-1]
    assert event["type"] == "followup.opened"
    assert event["data"]["evidence"][0]["sequence"] == 1
    [shown] = (await responder.get(f"/v1/incidents/{incident}/followups"))["followups"]
    assert (shown["id"], shown["owner"], shown["due"]) == (owed, "approver", "2026-12-01")
    assert (shown["text"], shown["approval"], shown["why_not"]) == ("limit the pool", "", "")


@pytest.mark.parametrize(
    "more", [{"text": " "}, {"due": "soon"}, {"due": "2026-13-01"}, {"owner": "nobody-here"}]
)
async def test_a_follow_up_that_nobody_could_do_is_refused(
    responder: Someone, incident: str, more: dict[str, str]
) -> None:
    body = {"text": "limit the pool", **more}
    assert await responder.refused(f"/v1/incidents/{incident}/followups", body) == "bad-request"


async def test_without_an_owner_it_falls_to_whoever_wrote_it(
    responder: Someone, incident: str
) -> None:
    await responder.post(f"/v1/incidents/{incident}/followups", {"text": "limit the pool"})
    [shown] = (await responder.get(f"/v1/incidents/{incident}/followups"))["followups"]
    assert (shown["owner"], shown["opened_by"]) == ("responder", "responder")


@pytest.mark.parametrize("who", ["approver", "responder"])
async def test_its_owner_closes_it_and_so_does_a_responder(
    home: House, incident: str, owed: str, who: str
) -> None:
    person = await home.login(who)
    path = f"/v1/incidents/{incident}/followups/{owed}/close"
    [shown] = (await person.post(path, DONE))["followups"]
    assert (shown["closed_by"], shown["answer"]) == (who, DONE["answer"])
    assert await person.refused(path, DONE) == "incident-state"


async def test_nobody_else_closes_it(
    home: House, observer: Someone, incident: str, owed: str
) -> None:
    path = f"/v1/incidents/{incident}/followups/{owed}/close"
    assert await observer.refused(path, DONE) == "no-permission"
    stranger = await home.login("stranger")
    assert await stranger.refused(path, DONE) == "not-on-incident"


async def test_it_is_closed_in_its_own_incident_alone(
    responder: Someone, approver: Someone, owed: str
) -> None:
    other = await responder.declares("Another one")
    path = f"/v1/incidents/{other}/followups/{owed}/close"
    assert await responder.refused(path, DONE) == "bad-request"
    assert await approver.refused(path, DONE) == "bad-request"


async def test_an_open_one_stops_nobody_from_sealing_and_is_closed_beside_the_record(
    home: House, responder: Someone, approver: Someone, incident: str, owed: str
) -> None:
    at = f"/v1/incidents/{incident}"
    await responder.post(f"{at}/close", {"reason": "over"})
    assert (await responder.post(f"{at}/seal"))["state"] == "sealed"
    before = await home.kinds(incident)
    await approver.post(f"{at}/followups/{owed}/close", DONE)
    assert await home.kinds(incident) == before
    beside = (await home.timeline(""))[-1]
    assert (beside["type"], beside["data"]["of"]) == ("followup.closed", incident)
    assert (await approver.get("/v1/follow-ups", open=True))["followups"] == []


async def test_the_list_across_incidents_shows_what_one_may_read_or_owns(
    home: House, responder: Someone, approver: Someone, incident: str, owed: str
) -> None:
    await responder.post(f"/v1/incidents/{incident}/followups", {"text": "write it up"})
    everything = (await responder.get("/v1/follow-ups"))["followups"]
    assert [one["text"] for one in everything] == ["limit the pool", "write it up"]
    mine = (await approver.get("/v1/follow-ups", mine=True))["followups"]
    assert [one["id"] for one in mine] == [owed]
    stranger = await home.login("stranger")
    assert (await stranger.get("/v1/follow-ups"))["followups"] == []


async def test_an_owner_without_any_part_sees_and_closes_their_own(
    home: House, responder: Someone, incident: str
) -> None:
    stranger = await home.login("stranger")
    body = {"text": "order a new disk", "owner": "stranger"}
    name = (await responder.post(f"/v1/incidents/{incident}/followups", body))["name"]
    assert [one["id"] for one in (await stranger.get("/v1/follow-ups"))["followups"]] == [name]
    await stranger.post(f"/v1/incidents/{incident}/followups/{name}/close", DONE)
    page = await stranger.call("GET", f"/v1/incidents/{incident}/timeline")
    assert page.json()["code"] == "not-on-incident"
