"""Answers in the form that was asked for: JSON, or an Arrow stream."""

import sys

import pytest
from interlock import wire
from pyarrow import ipc
from support.house import House, RunAt

ARROW = "application/vnd.apache.arrow.stream"


@pytest.fixture
def accepts(look: RunAt) -> RunAt:
    """The run, whose requests accept an Arrow stream and nothing else."""
    look.http.headers["Accept"] = ARROW
    return look


async def test_whoever_accepts_arrow_gets_the_rows_as_a_stream(accepts: RunAt) -> None:
    response = await accepts.call("POST", "/v1/queries", accepts.asks("SELECT n FROM jobs"))

    assert response.headers["content-type"] == ARROW
    table = ipc.open_stream(response.content).read_all()
    assert table.to_pydict() == {"n": [1]}
    about = wire.json_value(table.schema.metadata[b"interlock"])
    assert (about["effect"], about["replayed"]) == ("read", False)


async def test_asked_again_the_recorded_answer_comes_in_either_form(
    home: House, accepts: RunAt
) -> None:
    body = accepts.asks("SELECT n FROM jobs")
    await accepts.call("POST", "/v1/queries", body)
    accepts.http.headers["Accept"] = "*/*"
    answer = await accepts.post("/v1/queries", body)

    assert (answer["rows"], answer["replayed"]) == ([[1]], True)
    assert len(home.target.reads) == 1


async def test_a_refusal_is_a_problem_document_all_the_same(accepts: RunAt) -> None:
    assert (
        await accepts.refused("/v1/queries", accepts.asks("DELETE FROM jobs")) == "not-read-only"
    )


async def test_without_pyarrow_nothing_is_asked_that_could_not_be_given(
    home: House, accepts: RunAt, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    response = await accepts.call("POST", "/v1/queries", accepts.asks("SELECT n FROM jobs"))

    assert response.status_code == 406
    assert "install interlock-runbooks[arrow]" in response.json()["detail"]
    assert home.target.reads == []


async def test_without_pyarrow_whoever_takes_json_as_well_gets_it(
    accepts: RunAt, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    accepts.http.headers["Accept"] = f"{ARROW}, application/json;q=0.5"

    assert (await accepts.post("/v1/queries", accepts.asks("SELECT n FROM jobs")))["rows"] == [[1]]
