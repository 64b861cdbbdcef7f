"""What comes in can be written down and read back: one bad value must not end a timeline."""

import json

import pytest
from interlock_gateway.core.limits import MAX_DEPTH, deeper
from interlock_gateway.core.model import Column, Rows
from interlock_gateway.core.timeline import json_part
from support.house import House, RunAt, Someone


def _nested(levels: int) -> str:
    return "[" * levels + "]" * levels


_HOSTILE = {
    "not a number": "NaN",
    "an infinity": "-Infinity",
    "a number that overflows": "1e400",
    "half a surrogate pair": r'"\uD800"',
    "half of one as a name": r'{"\udfff": 1}',
    "a name twice": '{"a": 1, "a": 2}',
    "too deep": _nested(MAX_DEPTH),
    "much too deep": _nested(100_000),
    "an endless integer": "9" * 5_000,
}


@pytest.mark.parametrize("value", _HOSTILE.values(), ids=_HOSTILE)
@pytest.mark.parametrize("field", ["outputs", "finding", "error"])
async def test_a_value_that_could_not_be_read_back_is_refused(
    home: House, responder: Someone, look: RunAt, incident: str, field: str, value: str
) -> None:
    holder = f'[{{"data": {value}}}]' if field == "outputs" else f'{{"data": {value}}}'
    before = await home.kinds(incident)

    answer = await look.http.post(
        f"/v1/runs/{look.id}/steps/look/1/end",
        content=f'{{"state": "ok", "{field}": {holder}}}',
        headers={"Authorization": f"Bearer {look.token}", "Content-Type": "application/json"},
    )

    assert answer.json()["code"] == "bad-request"
    assert await home.kinds(incident) == before
    assert (await responder.get(f"/v1/incidents/{incident}/timeline"))["entries"]


async def test_a_body_is_utf_8(responder: Someone) -> None:
    headers = {"Authorization": f"Bearer {responder.token}", "Content-Type": "application/json"}
    body = json.dumps({"title": "Checkout stalls", "severity": "sev2"}).encode("utf-16")
    answer = await responder.http.post("/v1/incidents", content=body, headers=headers)
    assert answer.json()["code"] == "bad-request"


async def test_a_deep_cell_from_a_target_is_kept_as_its_text(
    home: House, responder: Someone, look: RunAt, incident: str
) -> None:
    deep = json.loads(_nested(400))
    home.target.answer = lambda _: Rows((Column("j", "json"),), ((deep,), ([1],)))

    answer = await look.post("/v1/queries", look.asks("SELECT 1 AS j"))

    assert answer["rows"] == [[_nested(400)], [[1]]]
    assert (await responder.get(f"/v1/incidents/{incident}/timeline"))["entries"]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/queries", {"ordinal": 10**30}),
        ("/v1/queries", {"attempt": 10**30}),
        ("/v1/queries", {"step": "a\0b"}),
        ("/v1/queries", {"max_rows": 10**30}),
    ],
)
async def test_a_place_that_no_store_could_keep_is_refused(
    look: RunAt, path: str, body: dict[str, object]
) -> None:
    assert await look.refused(path, look.asks("SELECT 1") | body) == "bad-request"


@pytest.mark.parametrize(
    "step", ["x" * 65, "x" * 50_000, "a%00b", "a%20b", "%E2%80%AE", "1" * 64 + "%0A"]
)
async def test_a_step_is_called_as_cells_are(look: RunAt, step: str) -> None:
    path = f"/v1/runs/{look.id}/steps/{step}/start"
    assert await look.refused(path, {"source": "pass"}) == "bad-request"


@pytest.mark.parametrize(
    "path", ["/v1/incidents/INC%00", "/v1/approvals?state=%00", "/incidents/%00", "/v1/runs/%00"]
)
async def test_an_address_holds_no_nul(responder: Someone, path: str) -> None:
    answer = await responder.http.get(path, headers={"Authorization": f"Bearer {responder.token}"})
    assert answer.json()["code"] == "bad-request"


@pytest.mark.parametrize(
    "time", ["2020-01-01T00:00:00", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"]
)
async def test_a_note_names_a_moment_of_the_calendar(
    responder: Someone, incident: str, time: str
) -> None:
    body = {"text": "it began", "time": time}
    assert await responder.refused(f"/v1/incidents/{incident}/notes", body) == "bad-request"


@pytest.mark.parametrize("field", ["title", "key"])
async def test_a_text_that_postgresql_cannot_keep_is_refused(
    responder: Someone, field: str
) -> None:
    body = {"title": "Checkout stalls", "severity": "sev2", field: "half\0way"}
    assert await responder.refused("/v1/incidents", body) == "bad-request"


@pytest.mark.parametrize("after", [2**53, 10**30])
async def test_a_place_in_the_timeline_is_a_number_of_the_store(
    responder: Someone, incident: str, after: int
) -> None:
    answer = await responder.call("GET", f"/v1/incidents/{incident}/timeline", after=after)
    assert answer.json()["code"] == "bad-request"


def test_depth_counts_lists_and_objects() -> None:
    assert not deeper(1, 1)
    assert not deeper([[1], {"a": 2}], 2)
    assert deeper([[[1]]], 2)
    assert deeper({"a": {"b": {}}}, 2)


def test_a_part_is_json_to_every_reader() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        json_part({"share": float("nan")})
