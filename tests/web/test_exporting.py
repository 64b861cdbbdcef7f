"""The export route: every form and option, and clear refusals that record nothing."""

import json
from typing import Any

import httpx
import pytest
from interlock.export import FORMS
from interlock.export.regions import regions
from support.house import House, Someone


@pytest.fixture
async def noted(responder: Someone, incident: str) -> str:
    """An incident with a run-free story and a name nobody outside may read."""
    await responder.post(
        f"/v1/incidents/{incident}/notes", {"text": "db-7 is slow", "kind": "observation"}
    )
    return incident


async def exported(who: Someone, incident: str, **query: Any) -> httpx.Response:
    return await who.call("GET", f"/v1/incidents/{incident}/export", **query)


async def test_every_form_is_given_under_its_media_type(responder: Someone, noted: str) -> None:
    for name, form in FORMS.items():
        answer = await exported(responder, noted, **{"as": name})
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"] == form.media_type
        assert answer.headers["content-disposition"].endswith(f'"{noted}.{form.ending}"')


async def test_each_form_says_what_was_noted(responder: Someone, noted: str) -> None:
    for name in {*FORMS} - {"ipynb"}:
        assert "db-7 is slow" in (await exported(responder, noted, **{"as": name})).text


@pytest.mark.parametrize("template", ["own", "sre", "pagerduty"])
async def test_a_shipped_template_is_chosen_by_name(
    responder: Someone, noted: str, template: str
) -> None:
    text = (await exported(responder, noted, template=template)).text
    assert {"own": "## Follow-ups", "sre": "## Trigger", "pagerduty": "## Overview"}[
        template
    ] in text


async def test_a_teams_own_template_is_used_and_shadows_a_shipped_one(
    home: House, responder: Someone, noted: str
) -> None:
    (home.folder / "exports").mkdir()
    for name in ("ours", "sre"):
        text = "# Ours: {{ id }}\n\n{{ section about }}\n"
        (home.folder / "exports" / f"{name}.md").write_text(text, "utf-8")
        found = await exported(responder, noted, template=name)
        assert found.text.startswith(f"# Ours: {noted}\n")


async def test_a_teams_template_that_is_wrong_is_refused_with_file_and_line(
    home: House, responder: Someone, noted: str
) -> None:
    (home.folder / "exports").mkdir()
    (home.folder / "exports" / "ours.md").write_text("{{ section about }}\n{{ nope }}\n", "utf-8")
    before = await home.timeline(noted)
    answer = await exported(responder, noted, template="ours")
    assert answer.status_code == 422
    assert answer.json()["code"] == "template-invalid"
    assert "exports/ours.md, line 2" in answer.json()["detail"]
    assert await home.timeline(noted) == before


async def test_readers_outside_get_no_names_and_no_words(responder: Someone, noted: str) -> None:
    for name, form in FORMS.items():
        answer = await exported(responder, noted, **{"as": name, "profile": "external"})
        if "external" not in form.profiles:
            assert answer.status_code == 422
            continue
        assert "db-7" not in answer.text
        assert "Checkout stalls" not in answer.text
        assert "responder 1" in answer.text


async def test_sections_come_alone_and_marked(responder: Someone, noted: str) -> None:
    answer = await exported(responder, noted, section=["timeline", "people"], marked="true")
    assert [region.section for region in regions(answer.text, "it")] == ["timeline", "people"]


async def test_a_zone_stands_beside_utc(responder: Someone, noted: str) -> None:
    assert "Asia/Kathmandu" in (await exported(responder, noted, zone="Asia/Kathmandu")).text


@pytest.mark.parametrize(
    ("query", "why"),
    [
        ({"as": "csv", "template": "sre"}, "An export as csv has no option template"),
        ({"as": "json", "section": "timeline"}, "An export as json has no option sections"),
        ({"as": "md", "run": "R-1"}, "An export as md has no option run"),
        ({"as": "ipynb", "profile": "external"}, "not made for 'external' readers"),
        ({"as": "ipynb", "run": "R-9"}, "has no run 'R-9'"),
        ({"template": "nothing"}, "no template 'nothing'"),
        ({"template": "../../etc/passwd"}, "no template '../../etc/passwd'"),
        ({"section": "timelime"}, "no section 'timelime'"),
        ({"zone": "Mars/Olympus"}, "not a time zone"),
        ({"view": "2"}, "There is no view"),
        ({"known_at": "yesterday"}, "is no moment that something can be known at"),
        ({"known_at": "2026-03-02T23:59:00"}, "is no moment that something can be known at"),
        ({"profile": "public"}, "profile"),
        ({"as": "pdf"}, "as"),
        ({"colour": "red"}, "colour"),
    ],
)
async def test_what_cannot_be_given_is_refused_and_nothing_is_recorded(
    home: House, responder: Someone, noted: str, query: dict[str, str], why: str
) -> None:
    before = await home.kinds(noted)
    answer = await exported(responder, noted, **query)
    assert answer.is_client_error
    assert why in answer.json()["detail"]
    assert await home.kinds(noted) == before


async def test_that_a_copy_was_taken_is_an_event(
    home: House, responder: Someone, noted: str
) -> None:
    assert (await exported(responder, noted, **{"as": "jsonl"})).status_code == 200
    last = (await home.timeline(noted))[-1]
    assert (last["type"], last["data"]["form"]) == ("log.exported", "jsonl")


async def test_the_notebook_of_an_incident_is_one(responder: Someone, noted: str) -> None:
    book = json.loads((await exported(responder, noted, **{"as": "ipynb"})).text)
    assert (book["nbformat"], book["nbformat_minor"]) == (4, 5)
