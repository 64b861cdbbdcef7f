"""Notes, the timeline and documents."""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from desk import Desk
from interlock.cli import story

Json = dict[str, Any]
START = "2026-11-23T10:42:07+00:00"


def entry(
    sequence: int, kind: str, data: Json, parts: Json | None = None, time: str = START
) -> Json:
    event = {
        "id": f"evt_{sequence}",
        "sequence": str(sequence),
        "type": kind,
        "time": time,
        "authid": "person:you",
        "data": data,
    }
    return {"event": event, "parts": parts or {}}


ENTRIES = [
    entry(
        1,
        "incident.declared",
        {"title": {"$part": "p1"}, "severity": "sev2"},
        {"p1": {"text": "Slow"}},
    ),
    entry(2, "note.decision", {"text": {"$part": "p2"}}, {"p2": {"text": "wait \x1b[2J"}}),
    entry(3, "thing.of_tomorrow", {"what": "x"}, time="2026-11-23T10:42:48+00:00"),
]
TIMELINE = {
    "incident": {"id": "INC-1", "declared_at": START},
    "entries": ENTRIES,
    "next": 3,
}


@pytest.fixture
def reader(desk: Desk) -> Desk:
    desk.gateway.routes["GET /v1/incidents/INC-1/timeline"] = TIMELINE
    return desk


def test_the_timeline_is_a_line_for_each_event(reader: Desk) -> None:
    lines = reader.run("timeline INC-1", terminal=True).out.splitlines()
    assert lines[0].startswith("10:42:07Z")
    assert "Slow" in lines[0]
    assert "+00:41" in lines[2]
    assert "Slow" in lines[0]
    assert max(map(len, lines)) <= 80


def test_the_timeline_in_a_pipe_is_tab_separated(reader: Desk) -> None:
    rows = [line.split("\t") for line in reader.run("timeline INC-1").out.splitlines()]
    assert [row[3] for row in rows] == [
        "incident.declared",
        "note.decision",
        "thing.of_tomorrow",
    ]
    assert "\x1b" not in "".join(map("".join, rows))


def test_the_timeline_as_json_is_as_the_gateway_has_it(reader: Desk) -> None:
    assert json.loads(reader.run("timeline INC-1 --json").out) == ENTRIES


def test_following_goes_on_after_the_last_entry(reader: Desk) -> None:
    more = entry(4, "note.question", {"text": {"$part": "p"}}, {"p": {"text": "why?"}})
    path = "GET /v1/incidents/INC-1/timeline/stream"
    reader.gateway.routes[path] = f"data: {json.dumps(more)}\n\n"
    assert "why?" in reader.run("timeline INC-1 --follow", terminal=True).out


def test_an_empty_timeline_says_how_to_fill_it(desk: Desk) -> None:
    desk.gateway.routes["GET /v1/incidents/INC-1/timeline"] = TIMELINE | {"entries": []}
    assert "interlock note INC-1" in desk.run("timeline INC-1").err


def test_an_export_is_written_where_it_was_asked_for(desk: Desk) -> None:
    desk.gateway.routes["GET /v1/incidents/INC-1/export"] = "# INC-1\n"
    assert desk.run("export INC-1 --as md -o story.md").code == 0
    assert (desk.cwd / "story.md").read_text() == "# INC-1\n"


def test_an_export_in_a_pipe_is_the_document_itself(desk: Desk) -> None:
    desk.gateway.routes["GET /v1/incidents/INC-1/export"] = "# INC-1 \x1b[1m\n"
    assert desk.run("export INC-1").out == "# INC-1 \x1b[1m\n"
    assert "\x1b" not in desk.run("export INC-1", terminal=True).out


def test_an_export_may_be_asked_for_by_one_of_several_people(desk: Desk) -> None:
    desk.login("colleague")
    desk.gateway.routes["GET /v1/incidents/INC-1/export"] = "{}"
    assert desk.run("export INC-1 --as json --person colleague").code == 0
    assert desk.gateway.tokens[-1] == "Bearer ilk_colleague"


def test_an_unknown_form_is_a_usage_error(desk: Desk) -> None:
    assert desk.run("export INC-1 --as pdf").code == 2


def test_a_long_timeline_is_read_page_by_page(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(story, "PAGE", 2)

    def page(request: httpx.Request) -> httpx.Response:
        after = int(request.url.params["after"])
        return httpx.Response(200, json=TIMELINE | {"entries": ENTRIES[after : after + 2]})

    desk.gateway.routes["GET /v1/incidents/INC-1/timeline"] = page
    assert len(desk.run("timeline INC-1").out.splitlines()) == 3


def test_nothing_is_written_for_a_refused_export(desk: Desk) -> None:
    desk.gateway.refuses("GET /v1/incidents/INC-1/export", 404, code="incident-not-found")
    assert desk.run("export INC-1 -o story.md").code == 2
    assert not Path(desk.cwd / "story.md").exists()
