"""Evidence in a postmortem: previews, pictures, what is gone and why; all of it without trust."""

import base64
from typing import Any

import pytest
from interlock.export import Entry, build, html, markdown
from interlock.export.model import Exhibit, Left, Picture, Words
from sample_incident import INCIDENT, Part, Story
from support.large import png

_REF = {"$part": "art_1", "commitment": "sha256:0", "size": 340_000, "mediatype": "text/plain"}


def _entry(kind: str, data: dict[str, Any], parts: dict[str, Any]) -> Entry:
    entry = Story().tell(kind, 1, data, by="run:R-1").entries[0]
    return Entry(entry.event, parts)


def _exhibits(entry: Entry) -> tuple[Exhibit, ...]:
    (moment,) = build(INCIDENT, [entry]).moments
    return moment.exhibits


def _rows() -> Entry:
    """Return a completed query of which only the first rows are at hand."""
    shown = {"columns": [{"name": "n", "type": "integer"}], "rows": [[1], [2]], "total": 1_000}
    more = {"artifact": "art_1", "size": 340_000, "mediatype": "application/json", "rows": 1_000}
    data = {"run": "R-1", "rows": 1_000, "truncated": "", "result": {**_REF, "artifact": True}}
    return _entry("query.completed", data, {"art_1": {"json": shown, "more": more}})


@pytest.mark.parametrize("write", [markdown, html])
def test_a_preview_says_how_much_more_there_is_and_how_to_get_it(write: Any) -> None:
    text = write(build(INCIDENT, [_rows()]))
    assert "1,000 rows, the first 2 are shown" in text
    assert "1,000 rows, 340,000 bytes in all: interlock evidence show art" in text


def test_what_is_gone_says_why_by_whom_and_when() -> None:
    told = {"reason": "a password", "by": "you", "at": "2026-01-02T03:04:05Z", "kind": "redacted"}
    (left,) = _exhibits(_entry("step.failed", {"error": _REF}, {"art_1": {"redacted": told}}))
    assert left == Left("Error", "redacted: a password (by you, 2026-01-02 03:04Z)")
    by_time = {**told, "by": "system", "reason": "expired after 30 days"}
    (left,) = _exhibits(_entry("step.failed", {"error": _REF}, {"art_1": {"redacted": by_time}}))
    assert left == Left(
        "Error", "redacted: expired after 30 days (by Interlock, 2026-01-02 03:04Z)"
    )


def _step(part: dict[str, Any]) -> Entry:
    output = {"kind": "display", "text": "Chart", "mimetype": "image/png", "chart": "chart_1"}
    outputs, chart = {**_REF, "$part": "part_1"}, {**_REF, "$part": "part_2"}
    parts = {"part_1": {"json": [output]}, "part_2": part}
    return _entry("step.completed", {"outputs": outputs, "chart_1": chart}, parts)


def test_a_picture_beside_its_output_is_shown_once_checked_by_its_bytes() -> None:
    whole = base64.b64encode(png()).decode()
    words, picture = _exhibits(_step({"base64": whole, "mediatype": "image/png"}))
    assert isinstance(words, Words)
    assert isinstance(picture, Picture)
    assert (picture.width, picture.height, picture.base64) == (4, 4, whole)


@pytest.mark.parametrize(
    "part",
    [
        {"base64": base64.b64encode(b"<svg onload=alert(1)>").decode(), "mediatype": "image/png"},
        {"base64": "no base64", "mediatype": "image/png"},
        {"json": {"picture": "image/png"}, "more": {"artifact": "art_1", "size": 5_000_000}},
        {"redacted": {"reason": "a face"}},
        {"redacted": True},
        {},
        {"base64": 7},
        {"more": "art_1"},
        {"json": "x", "more": {"artifact": ["art_1"], "size": "huge"}},
    ],
)
def test_a_picture_that_is_none_or_is_not_here_is_said_and_never_shown(
    part: dict[str, Any],
) -> None:
    entry = _step(part)
    shown = _exhibits(entry)
    assert not any(isinstance(one, Picture) for one in shown)
    assert any(isinstance(one, Left) for one in shown)
    assert "<svg" not in html(build(INCIDENT, [entry]))


@pytest.mark.parametrize("chart", ["chart_2", "result", "__class__", "", 7, ["chart_1"], None])
def test_an_output_that_names_no_chart_of_its_event_shows_none(chart: Any) -> None:
    entry = _step({"base64": base64.b64encode(png()).decode(), "mediatype": "image/png"})
    entry.parts["part_1"]["json"][0]["chart"] = chart
    assert not any(isinstance(one, Picture) for one in _exhibits(entry))


def test_what_became_of_evidence_is_told_in_sentences() -> None:
    about = {"artifact": "art_1", "part": "result", "what": "query.completed", "of": "INC-1"}
    story = Story()
    story.tell("artifact.accessed", 1, {**about, "by": "you"})
    redacted = {**about, "destroyed": ["art_1", "part_1"], "copies": ["calls.answer"]}
    story.tell("artifact.redacted", 2, {**redacted, "reason": Part("a password")})
    story.tell("artifact.expired", 3, {"after_days": 30, "destroyed": ["a", "b"]}, by="system")
    story.tell("artifact.held", 4, {"of": "INC-1", "reason": Part("the lawyers ask")})
    story.tell("artifact.released", 5, {"of": "INC-1", "reason": Part("settled")})
    told = [moment.what for moment in build(INCIDENT, story.entries).moments]
    assert told == [
        "opened the result of query.completed (art_1) in full",
        (
            "destroyed the result of query.completed (art_1), and its copies in calls.answer: "
            "“a password”"
        ),
        "2 pieces of evidence expired, 30 days after the close",
        "holds the evidence, so that nothing of it expires: “the lawyers ask”",
        "released the evidence, which expires in its time again: “settled”",
    ]
