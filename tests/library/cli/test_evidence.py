"""`interlock evidence`: what it lists, how it opens, and that it destroys nothing by a reflex."""

import stat
from typing import Any

import httpx
import pytest
from desk import Desk

PIECE: dict[str, Any] = {
    "id": "art_1",
    "sequence": 12,
    "event": "evt_12",
    "what": "query.completed",
    "part": "result",
    "mediatype": "application/json",
    "size": 340_000,
    "artifact": True,
    "rows": 1_000,
    "truncated": "",
    "state": "kept",
    "gone": None,
}
GONE = PIECE | {
    "id": "art_2",
    "state": "redacted",
    "gone": {
        "kind": "redacted",
        "by": "you",
        "at": "2026-01-02T03:04:05Z",
        "reason": "a \x1b[2Jpassword",
    },
}
SMALL = PIECE | {"id": "part_1", "artifact": False, "size": 12, "rows": None, "part": "text"}
LIST = "GET /v1/incidents/INC-1/evidence"
OPEN = "GET /v1/evidence/art_1"
REDACT = "POST /v1/evidence/art_1/redact"
DONE = {
    "event": "evt_1",
    "destroyed": ["art_1", "part_1"],
    "copies": ["calls.answer"],
    "erased": True,
}


def _listing(desk: Desk, *pieces: dict[str, Any], held: dict[str, str] | None = None) -> None:
    desk.gateway.routes[LIST] = {"evidence": list(pieces), "held": held}


def test_the_list_shows_what_is_kept_apart_and_what_is_gone_and_why(desk: Desk) -> None:
    _listing(desk, PIECE, GONE, SMALL)
    out = desk.run("evidence list INC-1").out.splitlines()
    assert out[0].split("\t") == [
        *("#12", "art_1", "result", "query.completed", "340.0 kB", "1,000", "kept"),
    ]
    assert "redacted by you 2026-01-02 03:04:05Z: a \\x1b[2Jpassword" in out[1]
    assert len(out) == 2
    assert "part_1" in desk.run("evidence list INC-1 --all").out


def test_an_empty_list_says_where_the_rest_stands(desk: Desk) -> None:
    _listing(desk, SMALL)
    assert "--all" in desk.run("evidence list INC-1").err


def test_a_hold_is_said(desk: Desk) -> None:
    _listing(desk, PIECE, held={"by": "you", "reason": "lawyers", "at": ""})
    assert "Held by you: lawyers." in desk.run("evidence list INC-1").err


def test_a_file_gets_the_bytes_as_they_are_and_is_for_its_owner_alone(desk: Desk) -> None:
    content = b"\x89PNG\r\n\x1a\n\xff\x00"
    desk.gateway.routes[OPEN] = lambda _: httpx.Response(200, content=content)
    result = desk.run("evidence show art_1 --out chart.png")
    path = desk.cwd / "chart.png"
    assert path.read_bytes() == content
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "chart.png" in result.out


def test_text_is_printed_and_nothing_in_it_is_obeyed_on_a_terminal(desk: Desk) -> None:
    desk.gateway.routes[OPEN] = lambda _: httpx.Response(200, content="é \x1b[2J".encode())
    result = desk.run("evidence show art_1", terminal=True)
    assert "\x1b" not in result.out
    assert "recorded" in result.err
    assert desk.run("evidence show art_1").out == "é \x1b[2J\n"


def test_a_picture_is_not_printed_and_how_to_get_it_is_said(desk: Desk) -> None:
    desk.gateway.routes[OPEN] = lambda _: httpx.Response(200, content=b"\x89PNG\xff")
    result = desk.run("evidence show art_1")
    assert (result.code, result.out) == (2, "")
    assert "--out FILE" in result.err


def test_redacting_takes_the_id_once_more_and_enter_is_no(desk: Desk) -> None:
    desk.gateway.routes[REDACT] = DONE
    line = "evidence redact art_1 --reason 'a password'"
    for typed in ("", "y", "art_2"):
        result = desk.run(line, terminal=True, answers=[typed])
        assert "Nothing was destroyed." in result.out
    assert REDACT not in [asked for asked, _ in desk.gateway.asked]
    result = desk.run(line, terminal=True, answers=["art_1"])
    assert "copies of it: calls.answer" in result.out
    assert desk.gateway.last(REDACT) == {"reason": "a password"}
    assert "backed up before" in result.err


def test_redacting_without_a_terminal_says_how_and_needs_a_reason(desk: Desk) -> None:
    desk.gateway.routes[REDACT] = DONE | {"erased": False}
    result = desk.run("evidence redact art_1 --reason x")
    assert (result.code, "--confirm art_1" in result.err) == (2, True)
    assert desk.run("evidence redact art_1 --confirm art_1").code == 2
    done = desk.run("evidence redact art_1 --confirm art_1 --reason 'a password'")
    assert done.code == 0
    assert "may still be in the store's files" in done.err


@pytest.mark.parametrize("word", ["hold", "release"])
def test_holding_and_releasing_send_the_reason(desk: Desk, word: str) -> None:
    route = f"POST /v1/incidents/INC-1/evidence/{word}"
    desk.gateway.routes[route] = {"held": None}
    assert desk.run(f"evidence {word} INC-1 --reason 'the lawyers'").code == 0
    assert desk.gateway.last(route) == {"reason": "the lawyers"}
