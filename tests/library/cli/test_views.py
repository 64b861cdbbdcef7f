"""Views at the command line: an editor, a file that stays when something is wrong, versions."""

import sys
from collections.abc import Mapping
from typing import Any

import httpx
import pytest
from desk import Desk

AT = "/v1/incidents/INC-1/views"
EVENT = {
    "id": "evt_1",
    "sequence": "1",
    "type": "note.observation",
    "time": "2026-11-23T10:42:07+00:00",
    "authid": "person:you",
    "data": {"text": {"$part": "p"}},
}
ENTRY = {"event": EVENT, "parts": {"p": {"text": "it hangs \x1b[2J\n- #9"}}}
SECOND: dict[str, Any] = {
    "view": "postmortem",
    "version": 2,
    "by": "ann",
    "at": "2026-11-23T11:00:00Z",
    "items": [{"heading": "Repair", "text": "At last."}, {"event": "evt_1", "sequence": 1}],
    "hide": ["runs"],
}
FIRST = {**SECOND, "version": 1, "by": "you", "items": SECOND["items"][1:], "hide": []}
APPEND = "import pathlib, sys; p = pathlib.Path(sys.argv[-1]); p.write_text(p.read_text() + {!r})"
EDITOR = f'{sys.executable} -c "{{}}"'


@pytest.fixture
def author(desk: Desk) -> Desk:
    """Somebody who writes a postmortem, of which one view has two versions."""
    timeline = {"incident": {"id": "INC-1"}, "entries": [ENTRY], "next": 1}
    desk.gateway.routes["GET /v1/incidents/INC-1/timeline"] = timeline
    rows = [{name: one[name] for name in ("view", "version", "by", "at")} for one in (SECOND,)]
    desk.gateway.routes[f"GET {AT}"] = {"views": rows}
    desk.gateway.routes[f"GET {AT}/postmortem"] = SECOND
    desk.gateway.routes[f"POST {AT}/postmortem"] = {"version": 3}
    return desk


def _edits(desk: Desk, code: str) -> None:
    desk.environ["EDITOR"] = EDITOR.format(code.replace('"', '\\"'))


def _saved(desk: Desk) -> Mapping[str, Any]:
    body: Mapping[str, Any] = desk.gateway.last(f"POST {AT}/postmortem")
    return body


def test_what_the_editor_leaves_becomes_the_next_version(author: Desk) -> None:
    _edits(author, APPEND.format("- #7\n  It fell.\n"))
    done = author.run("view edit INC-1", terminal=True)
    assert done.code == 0, done.err
    assert "postmortem is at version 3" in done.out
    assert _saved(author) == {
        "base": 2,
        "items": [
            {"heading": "Repair", "text": "At last."},
            {"event": 1},
            {"event": 7, "text": "It fell."},
        ],
        "hide": ["runs"],
    }
    assert [*author.cwd.glob("*.view")] == []


def test_the_editor_shows_every_event_that_is_not_picked_as_a_comment(author: Desk) -> None:
    author.gateway.routes[f"GET {AT}"] = {"views": []}
    _edits(author, "import sys; sys.exit(1)")
    done = author.run("view edit INC-1", terminal=True)
    assert done.code == 2
    [path] = author.cwd.glob("*.view")
    assert str(path.name) in done.err.replace("\n", "").replace(" ", "") + done.err
    text = path.read_text()
    assert "//- #1" in text
    assert "it hangs" in text
    assert "\x1b" not in text
    assert "\n- #9" not in text  # a note's line break picks nothing
    assert path.stat().st_mode & 0o077 == 0


def test_nothing_is_saved_where_nothing_was_changed(author: Desk) -> None:
    _edits(author, "pass")
    done = author.run("view edit INC-1", terminal=True)
    assert (done.code, "nothing was saved" in done.out) == (0, True)
    assert not any(line.startswith("POST") for line, _ in author.gateway.asked)


def test_a_line_that_is_wrong_is_named_and_the_text_is_kept(author: Desk) -> None:
    _edits(author, APPEND.format("my long words\n"))
    done = author.run("view edit INC-1", terminal=True)
    assert done.code == 2
    [path] = author.cwd.glob("*.view")
    assert "my long words" in path.read_text()
    number = path.read_text().splitlines().index("my long words") + 1
    assert f"line {number}: " in done.err
    assert path.name in "".join(done.err.split())
    author.gateway.routes[f"POST {AT}/postmortem"] = {"version": 3}
    path.write_text(path.read_text().replace("my long", "  my long").replace("//- #1", ""))
    assert author.run(f"view edit INC-1 --file {path.name}").code == 0
    assert path.exists()  # it is the author's own now


def test_a_file_is_saved_over_the_version_that_it_was_made_from(author: Desk) -> None:
    author.gateway.refuses(f"POST {AT}/postmortem", 409, code="view-changed", detail="ann saved")
    (author.cwd / "story.view").write_text("version: 1\n- #7\n")
    done = author.run("view edit INC-1 --file story.view")
    assert done.code == 5
    assert _saved(author)["base"] == 1
    assert "story.view" in "".join(done.err.split())
    (author.cwd / "story.view").write_text("- #7\n")
    author.run("view edit INC-1 --file story.view")
    assert _saved(author)["base"] == 0


@pytest.mark.parametrize("editor", ["", "/nowhere/vi"])
def test_without_an_editor_the_text_is_in_a_file_that_is_named(author: Desk, editor: str) -> None:
    author.environ["EDITOR"] = editor
    done = author.run("view edit INC-1", terminal=True)
    assert done.code == 2
    [path] = author.cwd.glob("*.view")
    assert path.name in "".join(done.err.split())
    author.run("view edit INC-1", terminal=True)
    assert len([*author.cwd.glob("*.view")]) == 2  # the first one is not written over


def test_a_view_is_shown_listed_and_compared(author: Desk) -> None:
    shown = author.run("view show INC-1", terminal=True).out
    assert shown.splitlines()[1:4] == ["version: 2", "hide: runs", "## Repair"]
    listed = author.run("view list INC-1", terminal=True).out
    assert "ann" in listed

    def version(request: httpx.Request) -> httpx.Response:
        one = FIRST if request.url.params["version"] == "1" else SECOND
        return httpx.Response(200, json=one)

    author.gateway.routes[f"GET {AT}/postmortem"] = version
    told = author.run("view diff INC-1", terminal=True).out
    assert "+## Repair" in told
    assert "+hide: runs" in told
    assert "--- postmortem@1 by you" in told
