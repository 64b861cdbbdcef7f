"""Incident verbs: what they send, what they print, on a terminal, in a pipe and as JSON."""

import json

import pytest
from desk import Desk

INCIDENT = {
    "id": "INC-1",
    "title": "Checkout hangs",
    "severity": "sev2",
    "state": "open",
    "commander": "you",
    "roles": {"you": "commander"},
    "declared_at": "2026-11-23T10:42:07.123456+00:00",
    "closed_at": None,
}


def test_declaring_says_the_id_and_what_to_do_next(desk: Desk) -> None:
    desk.gateway.routes["POST /v1/incidents"] = INCIDENT
    result = desk.run("incident open 'Checkout hangs' --severity sev2")
    assert result.out == "✔ INC-1 is open (sev2); you are its commander.\n"
    assert "interlock run RUNBOOK -i INC-1" in result.err
    asked = desk.gateway.last("POST /v1/incidents")
    assert (asked["title"], asked["severity"]) == ("Checkout hangs", "sev2")


@pytest.mark.parametrize("line", ["incident", "incident list"])
def test_a_list_in_a_pipe_is_tab_separated(desk: Desk, line: str) -> None:
    desk.gateway.routes["GET /v1/incidents"] = {"incidents": [INCIDENT]}
    expected = "INC-1\tsev2\topen\tyou\t2026-11-23 10:42:07Z\tCheckout hangs\n"
    assert desk.run(line).out == expected


def test_a_list_on_a_terminal_is_a_table_that_fits(desk: Desk) -> None:
    long = INCIDENT | {"title": "x" * 200}
    desk.gateway.routes["GET /v1/incidents"] = {"incidents": [INCIDENT, long]}
    lines = desk.run("incident list", terminal=True).out.splitlines()
    assert lines[0].split() == ["ID", "SEVERITY", "STATE", "COMMANDER", "DECLARED", "TITLE"]
    assert max(map(len, lines)) <= 80
    assert lines[2].endswith("…")


def test_a_hostile_title_cannot_break_out_of_its_row_or_colour_it(desk: Desk) -> None:
    hostile = INCIDENT | {"title": "a\tb\nc \x1b[31m \u202e [bold]x[/bold] \x9b2J"}
    desk.gateway.routes["GET /v1/incidents"] = {"incidents": [hostile]}
    for terminal in (False, True):
        out = desk.run("incident list", terminal=terminal, width=200).out
        assert len(out.splitlines()) == 1 + terminal
        assert not {"\x1b", "\u202e", "\x9b"} & set(out)
        assert "[bold]x[/bold]" in out


def test_no_incidents_says_how_to_declare_one(desk: Desk) -> None:
    desk.gateway.routes["GET /v1/incidents"] = {"incidents": []}
    assert "interlock incident open" in desk.run("incident list", terminal=True).out
    piped = desk.run("incident list")
    assert (piped.out, "interlock incident open" in piped.err) == ("", True)


def test_json_prints_everything(desk: Desk) -> None:
    desk.gateway.routes["GET /v1/incidents"] = {"incidents": [INCIDENT]}
    assert json.loads(desk.run("incident list --json").out) == [INCIDENT]


def test_json_with_fields_prints_those(desk: Desk) -> None:
    desk.gateway.routes["GET /v1/incidents"] = {"incidents": [INCIDENT]}
    out = desk.run("incident list --json id,state").out
    assert json.loads(out) == [{"id": "INC-1", "state": "open"}]


def test_an_unknown_field_lists_those_there_are(desk: Desk) -> None:
    desk.gateway.routes["GET /v1/incidents"] = {"incidents": [INCIDENT]}
    result = desk.run("incident list --json id,nope")
    assert result.code == 2
    assert "Fields: id, title" in result.err


def test_json_on_a_terminal_names_the_fields_beside_it(desk: Desk) -> None:
    desk.gateway.routes["GET /v1/incidents"] = {"incidents": [INCIDENT]}
    result = desk.run("incident list --json", terminal=True)
    assert json.loads(result.out)
    assert "Fields: id, title" in result.err


def test_show_tells_people_runs_and_approvals(desk: Desk) -> None:
    desk.gateway.routes["GET /v1/incidents/INC-1"] = INCIDENT | {
        "runs": [{"id": "R-1", "runbook": "pg-lock-contention", "state": "active"}],
        "approvals": [{"id": "A-1", "state": "pending", "operation": "pg.terminate_backend"}],
    }
    out = desk.run("incident show INC-1", terminal=True).out
    assert "roles      you commander" in out
    assert "R-1 pg-lock-contention active" in out
    assert "A-1 pending pg.terminate_backend" in out
    assert "closed" not in out


CHANGES = [
    ("role INC-1 colleague responder", "roles", {"person": "colleague", "role": "responder"}),
    ("severity INC-1 sev1 -r worse", "severity", {"severity": "sev1", "reason": "worse"}),
    ("hand-over INC-1 colleague --summary s", "hand-over", {"to": "colleague", "summary": "s"}),
    ("close INC-1 --reason over", "close", {"reason": "over"}),
    ("reopen INC-1 --reason again", "reopen", {"reason": "again"}),
    ("seal INC-1 --confirm INC-1", "seal", {}),
]


@pytest.mark.parametrize(("line", "path", "body"), CHANGES, ids=[row[1] for row in CHANGES])
def test_a_change_is_one_request_and_one_line(
    desk: Desk, line: str, path: str, body: dict[str, str]
) -> None:
    desk.gateway.routes[f"POST /v1/incidents/INC-1/{path}"] = INCIDENT
    result = desk.run(f"incident {line}")
    assert (result.code, len(result.out.splitlines())) == (0, 1)
    assert result.out.startswith("✔ INC-1")
    assert desk.gateway.last(f"POST /v1/incidents/INC-1/{path}") == body


def test_sealing_asks_for_the_id_and_enter_is_no(desk: Desk) -> None:
    result = desk.run("incident seal INC-1", terminal=True, answers=[""])
    assert "Nothing was sealed." in result.out
    assert desk.gateway.asked == []


def test_sealing_without_a_terminal_says_how(desk: Desk) -> None:
    result = desk.run("incident seal INC-1")
    assert result.code == 2
    assert "--confirm INC-1" in result.err


OWED = {
    "id": "F-1",
    "incident": "INC-1",
    "approval": "A-1",
    "owner": "you",
    "state": "open",
    "text": "you broke the glass for A-1",
    "closed_by": "",
}


def test_follow_ups_are_listed_and_closed_by_one_request_each(desk: Desk) -> None:
    desk.gateway.routes["GET /v1/incidents/INC-1/followups"] = {"followups": [OWED]}
    assert "F-1\topen\tA-1\tyou" in desk.run("incident follow-ups INC-1").out
    close = "POST /v1/incidents/INC-1/followups/F-1/close"
    desk.gateway.routes[close] = {"followups": [OWED | {"state": "closed"}]}
    assert desk.run("incident follow-up INC-1 F-1 --answer 'it was right'").code == 0
    assert desk.gateway.last(close) == {"answer": "it was right"}


def test_no_follow_up_says_what_would_be_one(desk: Desk) -> None:
    desk.gateway.routes["GET /v1/incidents/INC-1/followups"] = {"followups": []}
    assert "note INC-1" in desk.run("incident follow-ups INC-1", terminal=True).out
