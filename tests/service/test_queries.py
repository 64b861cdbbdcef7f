"""A guarded query: who may ask what, what is written down, and how a retry is answered."""

import json

import pytest
from interlock_gateway.core.model import Column, Rows
from interlock_gateway.service.ports import StoreUnwritableError
from interlock_gateway.service.targets import TargetError
from support.house import House, RunAt, Someone

_ONE = "SELECT 1 AS one"


async def test_a_proven_read_is_answered(home: House, look: RunAt) -> None:
    answer = await look.post("/v1/queries", look.asks(_ONE))
    assert answer["rows"] == [[1]]
    assert answer["columns"] == [{"name": "n", "type": "integer"}]
    assert answer["effect"] == "read"
    assert not answer["replayed"]
    assert home.target.reads == [_ONE]


async def test_the_exact_translated_bytes_reach_the_target(home: House, look: RunAt) -> None:
    params = {"least": {"type": "integer", "value": 5}}
    body = look.asks("SELECT * FROM t WHERE n >= :least -- :least", params=params)
    await look.post("/v1/queries", body)
    assert home.target.reads == ["SELECT * FROM t WHERE n >= $1 -- :least"]


@pytest.mark.parametrize(
    ("sql", "code"),
    [
        ("WITH gone AS (DELETE FROM t RETURNING *) SELECT count(*) FROM gone", "not-read-only"),
        ("SELECT 1; SELECT 2", "not-understood"),
        ("SELECT 1; DELETE FROM t", "not-understood"),
        ("SELECT * FROM t FOR UPDATE", "not-read-only"),
        ("SELECT pg_terminate_backend(1)", "not-read-only"),
        ("COPY t TO PROGRAM 'cat'", "not-read-only"),
        ("SELECT 1 /*/* */ --*/; DELETE FROM t", "not-understood"),
        ("UPDATE t SET n = 1", "not-read-only"),
        ("SELECT set_config('a.b', 'c', false)", "no-permission"),
        ("SELECT pg_read_file('/etc/passwd')", "no-permission"),
        ("this is no SQL", "not-understood"),
        ("", "not-understood"),
    ],
)
async def test_what_is_no_proven_read_is_refused_and_nothing_runs(
    home: House, look: RunAt, incident: str, sql: str, code: str
) -> None:
    assert await look.refused("/v1/queries", look.asks(sql)) == code

    assert home.target.reads == []
    event = (await home.timeline(incident))[-1]
    assert event["type"] == "query.denied"
    assert event["data"]["code"] == code
    assert "$part" in event["data"]["statement"]


async def test_an_unknown_target_is_refused(home: House, look: RunAt, incident: str) -> None:
    assert await look.refused("/v1/queries", look.asks(_ONE, target="nowhere")) == "unknown-target"
    assert (await home.kinds(incident))[-1] == "query.denied"


async def test_a_closed_incident_ends_all_authority(
    home: House, responder: Someone, look: RunAt, incident: str
) -> None:
    await responder.post(f"/v1/incidents/{incident}/close", {"reason": "over"})
    assert await look.refused("/v1/queries", look.asks(_ONE)) == "incident-closed"
    assert home.target.reads == []


async def test_a_token_of_another_run_is_refused(
    home: House, responder: Someone, look: RunAt, incident: str
) -> None:
    other = await responder.runs(incident)
    await other.starts("look")
    body = {**other.asks(_ONE), "run": look.id}
    assert await other.refused("/v1/queries", body) == "run-token-mismatch"
    assert home.target.reads == []


async def test_a_person_cannot_query_past_a_run(responder: Someone, look: RunAt) -> None:
    assert await responder.refused("/v1/queries", look.asks(_ONE)) == "run-token-mismatch"


async def test_nothing_is_asked_while_no_step_runs(home: House, look: RunAt) -> None:
    await look.post(f"/v1/runs/{look.id}/steps/look/1/end", {"state": "ok"})
    assert await look.refused("/v1/queries", look.asks(_ONE)) == "no-step-running"
    assert await look.refused("/v1/queries", look.asks(_ONE, step="other")) == "no-step-running"
    assert home.target.reads == []


async def test_a_curated_run_asks_only_what_its_notebook_says(
    home: House, run: RunAt, incident: str
) -> None:
    assert await run.refused("/v1/queries", run.asks("SELECT 3", "activity")) == "not-in-manifest"
    assert (await home.kinds(incident))[-1] == "query.denied"
    answer = await run.post("/v1/queries", run.asks(_ONE, "activity", 1))
    assert answer["rows"] == [[1]]


async def test_a_step_asks_only_what_its_own_cell_says(run: RunAt) -> None:
    other = run.asks("SELECT 2 AS two", "activity")
    assert await run.refused("/v1/queries", other) == "not-in-manifest"


async def test_a_transport_retry_gets_the_recorded_answer(home: House, look: RunAt) -> None:
    first = await look.post("/v1/queries", look.asks(_ONE))
    second = await look.post("/v1/queries", look.asks(_ONE))
    assert second == {**first, "replayed": True}
    assert len(home.target.reads) == 1


async def test_a_new_attempt_asks_the_target_afresh(home: House, look: RunAt) -> None:
    await look.post("/v1/queries", look.asks(_ONE))
    assert await look.starts("look") == 2
    again = await look.post("/v1/queries", {**look.asks(_ONE), "attempt": 2})
    assert not again["replayed"]
    assert len(home.target.reads) == 2


async def test_another_request_at_the_same_place_has_diverged(home: House, look: RunAt) -> None:
    await look.post("/v1/queries", look.asks(_ONE))
    assert await look.refused("/v1/queries", look.asks("SELECT 2")) == "diverged"
    assert len(home.target.reads) == 1


async def test_a_refusal_is_repeated_to_a_retry_and_recorded_once(
    home: House, look: RunAt, incident: str
) -> None:
    for _ in range(3):
        assert await look.refused("/v1/queries", look.asks("DELETE FROM t")) == "not-read-only"
    assert (await home.kinds(incident)).count("query.denied") == 1


async def test_the_intent_is_durable_before_the_target_is_touched(
    home: House, look: RunAt, incident: str
) -> None:
    seen: list[str] = []

    def watch(_statement: object) -> Rows:
        found = home.store._ask(lambda tx: tx.events(incident))  # noqa: SLF001  as another process would see it
        seen.extend(json.loads(event.body)["type"] for event in found)
        return Rows((Column("n", "integer"),), ((1,),))

    home.target.answer = watch
    await look.post("/v1/queries", look.asks(_ONE))
    assert seen[-1] == "query.started"


async def test_what_cannot_be_written_down_does_not_run(
    home: House, look: RunAt, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(_unit: object) -> None:
        raise StoreUnwritableError("The store cannot be written: database or disk is full")

    monkeypatch.setattr(home.store, "commit", full)
    assert await look.refused("/v1/queries", look.asks(_ONE)) == "store-unwritable"
    assert home.target.reads == []


async def test_a_failing_target_is_told_and_recorded(
    home: House, look: RunAt, incident: str
) -> None:
    def fail(_statement: object) -> Rows:
        raise TargetError("target-timeout", "The statement was cancelled after 10 s.")

    home.target.answer = fail
    assert await look.refused("/v1/queries", look.asks(_ONE)) == "target-timeout"
    event = (await home.timeline(incident))[-1]
    assert (event["type"], event["data"]["code"]) == ("query.failed", "target-timeout")
    assert event["data"]["line"] == "orders.limits.seconds (10)"


async def test_parameters_must_be_the_statements_own(look: RunAt) -> None:
    body = look.asks("SELECT :a", params={"b": {"type": "integer", "value": 1}})
    assert await look.refused("/v1/queries", body) == "bad-sql-parameters"
    body = look.asks("SELECT :a", params={"a": {"type": "integer", "value": "x"}})
    assert await look.refused("/v1/queries", body) == "bad-sql-parameters"


async def test_a_run_has_a_limited_number_of_calls(run: RunAt) -> None:
    for ordinal in range(100):  # the runbook's own limit
        await run.post("/v1/queries", run.asks(_ONE, "activity", ordinal))
    assert await run.refused("/v1/queries", run.asks(_ONE, "activity", 100)) == "too-many-calls"


async def test_a_run_lasts_a_limited_time(home: House, run: RunAt) -> None:
    home.clock.pass_time(seconds=3_601)
    assert await run.refused("/v1/queries", run.asks(_ONE, "activity")) == "run-ended"


async def test_an_observer_starts_no_run(home: House, responder: Someone, incident: str) -> None:
    observer = await home.login("observer")
    body = {"person": "observer", "role": "observer"}
    await responder.post(f"/v1/incidents/{incident}/roles", body)
    wish = {"incident": incident, "runbook": "small"}
    assert await observer.refused("/v1/runs", wish) == "not-on-incident"


async def test_a_responder_who_loses_the_part_loses_the_authority(
    home: House, look: RunAt, incident: str
) -> None:
    other = await home.login("approver")
    await other.post(f"/v1/incidents/{incident}/take")
    body = {"person": "responder", "role": "observer"}
    await other.post(f"/v1/incidents/{incident}/roles", body)
    assert await look.refused("/v1/queries", look.asks(_ONE)) == "not-on-incident"


async def _at_pace(home: House, pace: str) -> None:
    """Put a pace in force for all callers."""
    file = home.folder / "policies" / "targets.toml"
    file.write_text(f"pace.{pace}\n{file.read_text()}")
    assert home.policies.reload() == ()


async def test_a_run_that_asks_too_fast_is_told_when_to_come_again(
    home: House, run: RunAt, incident: str
) -> None:
    await _at_pace(home, "run = { per_minute = 2 }")
    for ordinal in range(2):
        await run.post("/v1/queries", run.asks(_ONE, "activity", ordinal))

    answer = await run.call("POST", "/v1/queries", run.asks(_ONE, "activity", 2))
    assert answer.status_code == 429
    problem = answer.json()
    assert problem["detail"] == (
        f"The run {run.id} asked 2 times within a minute, which is the limit (`per_minute`)."
    )
    assert (problem["line"], problem["help"]) == (
        "targets.toml: pace.run",
        "Ask again in 30 s.",
    )
    assert (await home.timeline(incident))[-1]["data"]["code"] == "too-many-calls"

    home.clock.pass_time(seconds=30)
    await run.post("/v1/queries", run.asks(_ONE, "activity", 3))


async def test_a_retry_of_an_answered_call_costs_no_turn(home: House, run: RunAt) -> None:
    await _at_pace(home, "run = { per_minute = 1 }")
    first = await run.post("/v1/queries", run.asks(_ONE, "activity", 0))
    again = await run.post("/v1/queries", run.asks(_ONE, "activity", 0))
    assert again == {**first, "replayed": True}


async def test_a_persons_pace_counts_in_all_their_runs_and_for_what_they_wish(
    home: House, run: RunAt
) -> None:
    await _at_pace(home, "person = { per_minute = 1 }")
    await run.post("/v1/queries", run.asks(_ONE, "activity", 0))
    assert await run.refused("/v1/actions", run.wishes(ordinal=1)) == "too-many-calls"
