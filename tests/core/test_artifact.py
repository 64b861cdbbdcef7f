"""Previews: small whatever the value is, in its own shape, and honest about how much there is."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from interlock_gateway.core.artifact import INLINE, PREVIEW, preview_of
from interlock_gateway.core.timeline import (
    Draft,
    Event,
    Part,
    Place,
    commitment,
    json_part,
    text_part,
    write,
)

_NOW = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
_JSON = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


def _written(**parts: Part) -> Event:
    numbers = iter(range(100))
    return write(
        Draft("query.completed", "run:R-1", {"truncated": "1,000 rows"}, parts),
        Place("evt_1", 41, 7, _NOW),
        part_id=lambda: f"part_{next(numbers)}",
        artifact_id=lambda: f"art_{next(numbers)}",
        salt=lambda: bytes([next(numbers)]) * 32,
    )


def _rows(count: int) -> dict[str, Any]:
    return {"columns": [{"name": "n"}], "rows": [[n, "x" * 20] for n in range(count)]}


def test_a_part_of_exactly_8_kb_stays_with_its_event_and_one_byte_more_does_not() -> None:
    assert INLINE == 8 * 1024
    event = _written(result=text_part("x" * INLINE))
    assert [len(part.content) for part in event.parts] == [INLINE]
    assert event.artifacts == ()
    larger = _written(result=text_part("x" * (INLINE + 1)))
    assert [len(one.content) for one in larger.artifacts] == [INLINE + 1]
    assert [len(part.content) <= PREVIEW for part in larger.parts] == [True]


def test_an_artifact_and_its_preview_have_salts_and_commitments_of_their_own() -> None:
    event = _written(result=json_part(_rows(1_000)))
    (whole,), (preview,) = event.artifacts, event.parts
    told = json.loads(event.body)["data"]["result"]
    assert whole.salt != preview.salt
    assert told["$part"] == whole.id
    assert told["commitment"] == commitment(whole.salt, whole.content)
    assert told["preview"]["$part"] == preview.id == whole.preview
    assert told["preview"]["commitment"] == commitment(preview.salt, preview.content)
    assert (told["artifact"], told["rows"], told["size"]) == (True, 1_000, len(whole.content))
    assert b"xxxx" not in event.body


def test_the_preview_of_rows_is_their_first_and_says_how_many_there_are() -> None:
    shown = json.loads(preview_of(json_part(_rows(1_000)).content, "application/json").content)
    assert shown["total"] == 1_000
    assert 10 < len(shown["rows"]) < 1_000
    assert shown["rows"] == _rows(1_000)["rows"][: len(shown["rows"])]


def test_the_preview_of_a_text_is_how_it_begins() -> None:
    shown = preview_of(("é" * 20_000).encode(), "text/plain")
    assert shown.content.decode().startswith("ééé")
    assert shown.content.decode().endswith("…")


@pytest.mark.parametrize(
    ("content", "mediatype"),
    [
        (b"\xff" * 50_000, "text/plain"),
        (b"\xff" * 50_000, "application/json"),
        (b"[" * 50_000, "application/json"),
        (b"\x89PNG", "image/png"),
        (b'{"rows": [["' + b"x" * 50_000 + b'"]], "columns": []}', "application/json"),
        (json.dumps({"columns": ["c" * 199] * 40, "rows": []}).encode(), "application/json"),
        (json.dumps({"k" * 5_000: ["v" * 300] * 99}).encode(), "application/vnd.x+json"),
        (json.dumps([10**400] * 50).encode(), "application/json"),
    ],
)
def test_a_preview_is_small_and_can_be_read_whatever_it_is_of(
    content: bytes, mediatype: str
) -> None:
    shown = preview_of(content, mediatype)
    assert len(shown.content) <= PREVIEW
    if shown.mediatype == "application/json":
        json.loads(shown.content)
    else:
        shown.content.decode()


@given(_JSON)
def test_a_preview_of_any_json_is_small_json(value: Any) -> None:
    shown = preview_of(json.dumps(value).encode(), "application/json")
    assert len(shown.content) <= PREVIEW
    json.loads(shown.content)


@given(
    st.binary(max_size=20_000), st.sampled_from(["text/plain", "image/png", "application/json"])
)
def test_a_preview_of_any_bytes_never_fails(content: bytes, mediatype: str) -> None:
    assert len(preview_of(content, mediatype).content) <= PREVIEW
