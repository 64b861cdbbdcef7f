"""An event as it is written: CloudEvents attributes, and nothing sensitive in the body."""

import hashlib
import json
from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st
from interlock_gateway.core.timeline import (
    Draft,
    Place,
    commitment,
    json_part,
    stamp,
    text_part,
    write,
)

_NOW = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
_PLACE = Place("evt_1", 41, 7, _NOW)


def _written(draft: Draft) -> dict[str, object]:
    numbers = iter(range(100))
    event = write(
        draft, _PLACE, part_id=lambda: f"part_{next(numbers)}", salt=lambda: b"\x01" * 32
    )
    body: dict[str, object] = json.loads(event.body)
    return body


def test_the_body_has_the_attributes_of_a_cloud_event() -> None:
    body = _written(Draft("query.started", "run:R-1", {"run": "R-1"}, incident="INC-1"))
    assert body == {
        "specversion": "1.0",
        "id": "evt_1",
        "source": "/interlock",
        "type": "query.started",
        "time": "2026-01-02T03:04:05.678Z",
        "recordedtime": "2026-01-02T03:04:05.678Z",
        "timesource": "gateway",
        "timeaccuracy": "PT0.001S",
        "sequence": "7",
        "logindex": "41",
        "authid": "run:R-1",
        "dataclassification": "internal",
        "datacontenttype": "application/json",
        "incident": "INC-1",
        "data": {"run": "R-1"},
    }


def test_every_attribute_name_is_one_that_cloud_events_allow() -> None:
    draft = Draft("a.b", "system", {}, {}, "INC-1", "subject", "R-1", "evt_0", _NOW)
    names = set(_written(draft)) - {"data"}
    assert all(name.isascii() and name.isalnum() and name.islower() for name in names)


def test_a_claimed_time_is_kept_beside_the_recorded_one() -> None:
    earlier = _NOW.astimezone(timezone(timedelta(hours=2))) - timedelta(minutes=10)
    body = _written(Draft("note.observation", "person:you", time=earlier))
    assert body["time"] == "2026-01-02T02:54:05.678Z"
    assert body["recordedtime"] == "2026-01-02T03:04:05.678Z"
    assert body["timesource"] == "claimed"


@given(st.text(max_size=50), st.recursive(st.integers() | st.text(), st.lists, max_leaves=5))
def test_what_is_in_a_part_is_not_in_the_body(text: str, value: object) -> None:
    draft = Draft("a.b", "system", {}, {"text": text_part(text), "json": json_part(value)})
    event = write(draft, _PLACE, part_id=lambda: "part_x", salt=lambda: b"\x07" * 32)
    data = json.loads(event.body)["data"]
    assert set(data) == {"text", "json"}
    for part in event.parts:
        assert part.salt == b"\x07" * 32
        assert commitment(part.salt, part.content) in event.body.decode()
    assert json.loads(event.body)["dataclassification"] == "restricted"


def test_a_commitment_can_be_computed_by_anybody_who_has_salt_and_bytes() -> None:
    salt, content = b"\x02" * 32, b"hello"
    plain = hashlib.sha256(b"interlock-part/v1\0" + salt + content).hexdigest()
    assert commitment(salt, content) == f"sha256:{plain}"


def test_half_a_surrogate_pair_is_kept_as_its_escape() -> None:
    assert text_part("a\ud800b").content == b"a\\ud800b"


def test_a_moment_is_written_in_utc_with_milliseconds() -> None:
    assert stamp(datetime(2026, 1, 2, tzinfo=UTC)) == "2026-01-02T00:00:00.000Z"
