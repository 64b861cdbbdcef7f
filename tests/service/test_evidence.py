"""Evidence: what is large is kept apart, and who opens it is in the timeline first."""

import base64
import json
from typing import Any

import pytest
from interlock_gateway.core.model import Person
from interlock_gateway.service.evidence import MOST_OPENED
from interlock_gateway.service.evidence_records import TombstoneRow
from interlock_gateway.service.identity import Principal
from interlock_gateway.service.ports import StoreUnwritableError
from interlock_gateway.service.timeline import Depth
from support.house import House, RunAt, Someone
from support.large import chart, many_rows, png


async def answered(home: House, look: RunAt) -> dict[str, Any]:
    """Ask what has a thousand rows, and return the answer."""
    home.target.answer = many_rows
    answer: dict[str, Any] = await look.post("/v1/queries", look.asks("SELECT 1"))
    return answer


async def kept(who: Someone, incident: str, part: str = "result") -> dict[str, Any]:
    """Return the last piece of evidence under this name."""
    listed = (await who.get(f"/v1/incidents/{incident}/evidence"))["evidence"]
    found: dict[str, Any] = next(one for one in reversed(listed) if one["part"] == part)
    return found


async def test_a_large_answer_is_an_artifact_and_the_timeline_shows_its_first_rows(
    home: House, look: RunAt, responder: Someone, incident: str
) -> None:
    answer = await answered(home, look)
    assert len(answer["rows"]) == 1_000
    page = await responder.get(f"/v1/incidents/{incident}/timeline")
    entry = next(one for one in page["entries"] if one["event"]["type"] == "query.completed")
    told = entry["event"]["data"]["result"]
    shown = entry["parts"][told["$part"]]
    assert shown["more"]["rows"] == shown["json"]["total"] == told["rows"] == 1_000
    assert 1 < len(shown["json"]["rows"]) < 1_000
    assert shown["more"]["artifact"] == told["$part"]


async def test_the_whole_is_what_was_delivered_to_the_byte(
    home: House, look: RunAt, responder: Someone, incident: str
) -> None:
    answer = await answered(home, look)
    piece = await kept(responder, incident)
    response = await responder.call("GET", f"/v1/evidence/{piece['id']}")
    assert response.headers["content-type"].startswith("application/json")
    assert response.headers["content-disposition"].startswith("attachment")
    assert "sandbox" in response.headers["content-security-policy"]
    whole = response.json()
    assert (whole["columns"], whole["rows"]) == (answer["columns"], answer["rows"])


async def test_the_list_says_what_there_is_and_shows_none_of_it(
    home: House, look: RunAt, responder: Someone, incident: str
) -> None:
    await answered(home, look)
    response = await responder.call("GET", f"/v1/incidents/{incident}/evidence")
    assert "customer" not in response.text
    piece = await kept(responder, incident)
    assert (piece["rows"], piece["artifact"], piece["state"]) == (1_000, True, "kept")
    assert "artifact.accessed" not in await home.kinds(incident)


# --- access is an event --------------------------------------------------------------------------


async def test_whoever_opens_evidence_is_in_the_timeline(
    home: House, look: RunAt, responder: Someone, incident: str
) -> None:
    await answered(home, look)
    piece = await kept(responder, incident)
    await responder.call("GET", f"/v1/evidence/{piece['id']}")
    event = (await home.timeline(incident))[-1]
    assert (event["type"], event["authid"]) == ("artifact.accessed", "person:responder")
    assert event["data"]["artifact"] == piece["id"]
    assert event["causationid"] == piece["event"]


async def test_what_cannot_be_recorded_is_not_opened(
    home: House,
    look: RunAt,
    responder: Someone,
    incident: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await answered(home, look)
    piece = await kept(responder, incident)

    async def full(*_: object) -> None:
        raise StoreUnwritableError("The disk is full.")

    monkeypatch.setattr(home.store, "commit", full)
    response = await responder.call("GET", f"/v1/evidence/{piece['id']}")
    assert response.json()["code"] == "store-unwritable"
    assert "customer" not in response.text


async def test_looking_at_the_timeline_is_no_access(
    home: House, look: RunAt, responder: Someone, incident: str
) -> None:
    await answered(home, look)
    await responder.get(f"/v1/incidents/{incident}/timeline")
    assert "artifact.accessed" not in await home.kinds(incident)


async def test_evidence_of_a_sealed_incident_is_opened_into_the_deployments_book(
    home: House, look: RunAt, responder: Someone, incident: str
) -> None:
    await answered(home, look)
    piece = await kept(responder, incident)
    await responder.post(f"/v1/incidents/{incident}/close", {"reason": "over"})
    await responder.post(f"/v1/incidents/{incident}/seal")
    before = await home.kinds(incident)
    await responder.call("GET", f"/v1/evidence/{piece['id']}")
    assert await home.kinds(incident) == before
    event = (await home.timeline(""))[-1]
    assert (event["type"], event["data"]["of"]) == ("artifact.accessed", incident)


async def test_a_flood_of_openings_cannot_fill_the_journal(
    home: House, look: RunAt, responder: Someone, incident: str
) -> None:
    await answered(home, look)
    piece = await kept(responder, incident)
    hour = int(home.clock.now().timestamp()) // 3600
    series = f"evidence opened by person:responder in hour {hour}"
    for _ in range(MOST_OPENED):
        await home.store.commit(lambda tx: tx.number(series))
    response = await responder.call("GET", f"/v1/evidence/{piece['id']}")
    assert response.json()["code"] == "too-many-calls"
    assert "artifact.accessed" not in await home.kinds(incident)


# --- who may -------------------------------------------------------------------------------------


async def test_a_stranger_opens_nothing_by_its_id_and_lists_nothing(
    home: House, look: RunAt, responder: Someone, incident: str
) -> None:
    await answered(home, look)
    piece = await kept(responder, incident)
    stranger = await home.login("stranger")
    for path in (f"/v1/evidence/{piece['id']}", f"/v1/incidents/{incident}/evidence"):
        response = await stranger.call("GET", path)
        assert response.json()["code"] == "not-on-incident"
        assert "customer" not in response.text
    assert "artifact.accessed" not in await home.kinds(incident)


async def test_a_member_of_another_incident_opens_nothing_of_this_one(
    home: House, look: RunAt, responder: Someone, incident: str
) -> None:
    await answered(home, look)
    piece = await kept(responder, incident)
    other = await responder.declares("Another thing")
    guest = await home.login("guest")
    await responder.post(f"/v1/incidents/{other}/roles", {"person": "guest", "role": "observer"})
    response = await guest.call("GET", f"/v1/evidence/{piece['id']}")
    assert response.json()["code"] == "not-on-incident"
    await responder.post(
        f"/v1/incidents/{incident}/roles", {"person": "guest", "role": "observer"}
    )
    assert (await guest.call("GET", f"/v1/evidence/{piece['id']}")).status_code == 200


async def test_a_run_opens_its_own_evidence_and_no_other_runs(
    home: House, look: RunAt, responder: Someone, incident: str
) -> None:
    await answered(home, look)
    piece = await kept(responder, incident)
    own = await look.call("GET", f"/v1/evidence/{piece['id']}")
    assert len(own.json()["rows"]) == 1_000
    assert (await home.timeline(incident))[-1]["authid"] == f"run:{look.id}"
    other = await responder.runs(incident)
    refused = await other.call("GET", f"/v1/evidence/{piece['id']}")
    assert refused.json()["code"] == "run-token-mismatch"


async def test_a_run_opens_no_title_and_no_note(
    look: RunAt, responder: Someone, incident: str
) -> None:
    piece = await kept(responder, incident, "title")
    refused = await look.call("GET", f"/v1/evidence/{piece['id']}")
    assert refused.json()["code"] == "run-token-mismatch"


@pytest.mark.parametrize("name", ["art_nothing", "evt_1", "'; --", "x" * 5_000, "%25", "é"])
async def test_what_is_not_there_is_not_found(
    responder: Someone, incident: str, name: str
) -> None:
    assert incident
    response = await responder.call("GET", f"/v1/evidence/{name}")
    assert response.json()["code"] == "evidence-not-found"


# --- charts --------------------------------------------------------------------------------------


async def ends_with(look: RunAt, *outputs: dict[str, Any]) -> None:
    """End the step with these outputs."""
    path = f"/v1/runs/{look.id}/steps/look/1/end"
    await look.post(path, {"state": "ok", "outputs": list(outputs)})


async def test_a_chart_is_kept_as_its_picture_and_what_it_was_drawn_from(
    look: RunAt, responder: Someone, incident: str
) -> None:
    await ends_with(look, chart(), chart(noise=b"y" * 30_000, spec=None))
    picture = await kept(responder, incident, "chart_1")
    given = await responder.call("GET", f"/v1/evidence/{picture['id']}")
    assert given.content == png(noise=b"x" * 20_000)
    assert given.headers["content-type"] == "image/png"
    spec = await kept(responder, incident, "chart_1_spec")
    assert spec["mediatype"] == "application/vnd.vegalite.v5+json"
    drawn = (await responder.call("GET", f"/v1/evidence/{spec['id']}")).json()
    assert len(drawn["data"]["values"]) == 20
    second = await kept(responder, incident, "chart_2")
    assert (second["mediatype"], second["artifact"]) == ("image/png", True)


async def test_what_only_says_that_it_is_a_png_stays_an_output(
    home: House, look: RunAt, incident: str
) -> None:
    fake = base64.b64encode(b"<svg onload=alert(1)>").decode()
    await ends_with(look, chart(data=fake), chart(data="no base64 at all"), chart(data=7))
    data = (await home.timeline(incident))[-1]["data"]
    assert not [name for name in data if name.startswith("chart")]


async def test_exports_show_the_picture_and_say_where_the_rest_is(
    home: House, look: RunAt, responder: Someone, incident: str
) -> None:
    await answered(home, look)
    await ends_with(look, chart())
    whole = (await kept(responder, incident))["id"]
    for form in ("md", "html"):
        response = await responder.call("GET", f"/v1/incidents/{incident}/export", **{"as": form})
        assert f"interlock evidence show {whole}" in response.text
        assert "customer 3 of the shop" in response.text
        assert "customer 900 of the shop" not in response.text
    assert base64.b64encode(png(noise=b"x" * 20_000)).decode() in response.text


async def test_what_people_wrote_is_shown_whole_on_the_page_and_in_exports(
    responder: Someone, incident: str
) -> None:
    long = f"{'We looked at the pool. ' * 400}And then we saw it."
    await responder.post(f"/v1/incidents/{incident}/notes", {"text": long})
    response = await responder.call("GET", f"/v1/incidents/{incident}/export", **{"as": "html"})
    assert "And then we saw it." in response.text
    page = await responder.call("GET", f"/v1/incidents/{incident}/timeline")
    assert "And then we saw it." not in page.text


async def test_a_huge_picture_is_named_and_not_shown(
    look: RunAt, responder: Someone, incident: str
) -> None:
    await ends_with(look, chart(noise=b"z" * 2_000_000))
    picture = (await kept(responder, incident, "chart_1"))["id"]
    response = await responder.call("GET", f"/v1/incidents/{incident}/export", **{"as": "html"})
    assert f"interlock evidence show {picture}" in response.text
    assert len(response.content) < 200_000


async def test_whoever_needs_it_whole_gets_it_within_a_bound(
    home: House,
    look: RunAt,
    incident: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await answered(home, look)
    home.target.answer = many_rows
    await look.post("/v1/queries", look.asks("SELECT 2", ordinal=1))
    who = Principal(Person("responder", "Responder"))
    entries = await home.gateway.timeline.whole(who, incident, Depth.WHOLE)
    assert [len(rows) for rows in _results(entries)] == [1_000, 1_000]
    monkeypatch.setattr(Depth.WHOLE, "_value_", (40_000, 40_000))
    entries = await home.gateway.timeline.whole(who, incident, Depth.WHOLE)
    first, second = _results(entries)
    assert (len(first), len(second) < 1_000) == (1_000, True)


def _results(entries: list[dict[str, Any]]) -> list[list[Any]]:
    done = [entry for entry in entries if entry["event"]["type"] == "query.completed"]
    names = [entry["event"]["data"]["result"]["$part"] for entry in done]
    return [entry["parts"][name]["json"]["rows"] for entry, name in zip(done, names, strict=True)]


async def test_a_piece_with_a_tombstone_is_never_shown_even_if_its_bytes_are_still_there(
    home: House, look: RunAt, responder: Someone, incident: str
) -> None:
    """A tombstone that somebody wrote past us: what it says holds."""
    await answered(home, look)
    piece = await kept(responder, incident)
    row = TombstoneRow(
        piece["id"], piece["event"], incident, "redacted", "you", home.clock.now(), "why"
    )
    await home.store.commit(lambda tx: tx.add(row))
    response = await responder.call("GET", f"/v1/evidence/{piece['id']}")
    assert response.json()["code"] == "evidence-redacted"
    page = await responder.call("GET", f"/v1/incidents/{incident}/timeline")
    assert "customer 1 " not in json.dumps(page.json())
