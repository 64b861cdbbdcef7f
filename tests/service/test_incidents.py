"""The life of an incident, and the authority that hangs on it."""

import pytest
from support.house import House, Someone


async def test_whoever_declares_leads(home: House, responder: Someone) -> None:
    incident = await responder.declares("Checkout stalls", "sev1")
    shown = await responder.get(f"/v1/incidents/{incident}")
    assert (shown["state"], shown["severity"], shown["commander"]) == ("open", "sev1", "responder")
    assert await home.kinds(incident) == ["incident.declared", "incident.role_assigned"]


async def test_the_same_key_declares_one_incident(responder: Someone) -> None:
    body = {"title": "Checkout stalls", "severity": "sev2", "key": "alert-1"}
    first = await responder.post("/v1/incidents", body)
    second = await responder.post("/v1/incidents", body)
    assert first["id"] == second["id"]
    assert len((await responder.get("/v1/incidents"))["incidents"]) == 1


@pytest.mark.parametrize(
    "body",
    [
        {"title": "", "severity": "sev2"},
        {"title": "Checkout stalls", "severity": "urgent"},
        {"title": "Checkout stalls", "severity": "sev2", "priority": 1},
        {"title": "half \ud800 a pair", "severity": "sev2"},
        {},
    ],
)
async def test_a_bad_declaration_says_what_is_wrong(
    responder: Someone, body: dict[str, object]
) -> None:
    assert await responder.refused("/v1/incidents", body) == "bad-request"


async def test_somebody_without_a_standing_role_declares_nothing(home: House) -> None:
    stranger = await home.login("stranger")
    body = {"title": "Checkout stalls", "severity": "sev2"}
    assert await stranger.refused("/v1/incidents", body) == "no-permission"


async def test_command_is_taken_and_the_one_before_stays_on(
    home: House, approver: Someone, incident: str
) -> None:
    shown = await approver.post(f"/v1/incidents/{incident}/take")
    assert shown["roles"] == {"approver": "commander", "responder": "responder"}
    path = f"/v1/incidents/{incident}/take"
    assert await approver.refused(path) == "incident-state"
    assert "incident.handover" in await home.kinds(incident)


async def test_command_is_handed_over_with_a_summary(responder: Someone, incident: str) -> None:
    path = f"/v1/incidents/{incident}/hand-over"
    assert await responder.refused(path, {"to": "approver", "summary": ""}) == "bad-request"
    assert await responder.refused(path, {"to": "nobody", "summary": "all calm"}) == "bad-request"
    body = {"to": "approver", "summary": "all calm"}
    assert (await responder.post(path, body))["commander"] == "approver"
    assert await responder.refused(path, body) == "not-on-incident"


async def test_only_the_commander_gives_roles_but_anybody_joins(
    responder: Someone, approver: Someone, incident: str
) -> None:
    path = f"/v1/incidents/{incident}/roles"
    other = {"person": "observer", "role": "responder"}
    assert await approver.refused(path, other) == "not-on-incident"
    await approver.post(path, {"person": "approver", "role": "responder"})
    assert (await responder.post(path, other))["roles"]["observer"] == "responder"
    assert await responder.refused(path, {**other, "role": "commander"}) == "bad-request"
    assert await responder.refused(path, {**other, "role": "king"}) == "bad-request"
    assert await responder.refused(path, {**other, "person": "responder"}) == "incident-state"


async def test_severity_changes_with_a_reason(
    home: House, responder: Someone, incident: str
) -> None:
    path = f"/v1/incidents/{incident}/severity"
    assert await responder.refused(path, {"severity": "sev1", "reason": ""}) == "bad-request"
    body = {"severity": "sev1", "reason": "all shops"}
    assert (await responder.post(path, body))["severity"] == "sev1"
    event = (await home.timeline(incident))[-1]
    assert event["data"]["from"] == "sev2"
    assert event["data"]["to"] == "sev1"


async def test_closed_reopened_closed_sealed(
    home: House, responder: Someone, incident: str
) -> None:
    at = f"/v1/incidents/{incident}"
    assert await responder.refused(f"{at}/reopen", {"reason": "why"}) == "incident-state"
    assert await responder.refused(f"{at}/seal") == "incident-state"
    assert (await responder.post(f"{at}/close", {"reason": "over"}))["state"] == "closed"
    assert await responder.refused(f"{at}/close", {"reason": "over"}) == "incident-closed"
    assert (await responder.post(f"{at}/reopen", {"reason": "again"}))["state"] == "open"
    await responder.post(f"{at}/close", {"reason": "over"})
    assert (await responder.post(f"{at}/seal"))["state"] == "sealed"
    assert await responder.refused(f"{at}/reopen", {"reason": "again"}) == "incident-state"
    note = {"text": "one more thing"}
    assert await responder.refused(f"{at}/notes", note) == "incident-state"
    kinds = [kind for kind in await home.kinds(incident) if kind.startswith("incident.")]
    assert kinds[2:] == [
        *("incident.closed", "incident.reopened", "incident.closed", "incident.sealed"),
    ]


async def test_only_the_commander_closes(approver: Someone, incident: str) -> None:
    path = f"/v1/incidents/{incident}/close"
    assert await approver.refused(path, {"reason": "over"}) == "not-on-incident"


async def test_closing_ends_runs(home: House, responder: Someone, incident: str) -> None:
    run = await responder.runs(incident, "small")
    await run.starts("activity")
    await responder.post(f"/v1/incidents/{incident}/close", {"reason": "over"})
    shown = await responder.get(f"/v1/runs/{run.id}")
    assert (shown["state"], shown["steps"][0]["state"]) == ("ended", "unknown")
    kinds = await home.kinds(incident)
    assert kinds.index("run.ended") < kinds.index("incident.closed")


async def test_a_note_keeps_both_times(home: House, responder: Someone, incident: str) -> None:
    happened = "2026-01-02T02:00:00Z"
    path = f"/v1/incidents/{incident}/notes"
    await responder.post(path, {"text": "disk alarm", "kind": "decision", "time": happened})
    event = (await home.timeline(incident))[-1]
    assert event["type"] == "note.decision"
    assert event["time"] == "2026-01-02T02:00:00.000Z"
    assert event["recordedtime"] == "2026-01-02T03:04:05.000Z"
    assert event["timesource"] == "claimed"
    future = {"text": "x", "time": "2030-01-01T00:00:00Z"}
    assert await responder.refused(path, future) == "bad-request"
    assert await responder.refused(path, {"text": "x", "kind": "joke"}) == "bad-request"


async def test_an_unknown_incident_is_named(responder: Someone) -> None:
    response = await responder.call("GET", "/v1/incidents/INC-404")
    assert response.status_code == 404
    assert "INC-404" in response.json()["detail"]
