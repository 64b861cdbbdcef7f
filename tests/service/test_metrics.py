"""A guarded question about metrics: the whole way of a query, for PromQL."""

import json
from datetime import timedelta
from typing import Any

import pytest
from interlock_gateway.core.model import Limits, Rows, Target
from interlock_gateway.core.telemetry import Evaluation
from interlock_gateway.service.metrics import MetricsLanguage
from interlock_gateway.service.targets import TargetError
from support.house import House, RunAt, Someone

URL = "/v1/metric-queries"
RATE = "rate(http_requests_total{job=:job}[5m])"
JOB = {"job": {"type": "text", "value": 'api"} or up{x="'}}
HOUR = {"start": {"type": "interval", "value": "3600000000us"}}
CURATED = "sum(rate(errors_total[:window])) by (job)"
MIN, MAX = "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"
WINDOW = {"window": {"type": "interval", "value": "300000000us"}}


def asks(run: RunAt, promql: str = "up", step: str = "look", **more: Any) -> dict[str, Any]:
    place = run.place(step, more.pop("ordinal", 0), more.pop("attempt", 1))
    return {**place, "target": "metrics", "promql": promql, **more}


async def test_a_question_is_answered_with_samples(look: RunAt) -> None:
    answer = await look.post(URL, asks(look, RATE, params=JOB, span=HOUR))
    assert [column["type"] for column in answer["columns"]] == ["timestamptz", "text", "number"]
    assert answer["rows"][0][1:] == ["api", 1.5]
    assert answer["effect"] == "read"
    assert answer["window"]["step_s"] == 60
    assert not answer["replayed"]


async def test_what_reaches_the_target_is_the_query_with_values_in_place(
    home: House, look: RunAt
) -> None:
    await look.post(URL, asks(look, RATE, params=JOB, span=HOUR))
    now = home.clock.now()
    assert home.target.metrics.asked == [
        Evaluation(
            'rate(http_requests_total{job="api\\"} or up{x=\\""}[5m])',
            now - timedelta(hours=1),
            now,
            60.0,
        )
    ]


async def test_the_intent_is_written_before_the_target_is_asked(
    home: House, look: RunAt, incident: str
) -> None:
    seen: list[list[str]] = []

    class Watching:
        async def evaluate(self, _target: Target, asked: Evaluation, _limits: Limits) -> Rows:
            seen.append(await home.kinds(incident))
            return home.target.metrics.answer(asked)

        async def aclose(self) -> None:
            pass

    home.gateway.metrics._language = MetricsLanguage(Watching())  # noqa: SLF001  to look in between
    await look.post(URL, asks(look))
    assert seen[0][-1] == "query.started"
    assert (await home.kinds(incident))[-1] == "query.completed"


async def test_the_timeline_says_what_was_asked_and_answered(
    home: House, look: RunAt, incident: str
) -> None:
    await look.post(URL, asks(look, RATE, params=JOB, span=HOUR))
    started, completed = (await home.timeline(incident))[-2:]
    told = started["data"]
    assert (told["target"], told["dialect"], told["kind"]) == ("metrics", "prometheus", "range")
    assert told["metrics"] == ["http_requests_total"]
    assert (told["start"], told["step_s"]) == ("2026-01-02T02:04:05.000Z", 60.0)
    assert told["line"].startswith("permissions.csv:")
    assert {"promql", "params", "sent"} <= told.keys()
    assert completed["data"]["rows"] == 1
    assert completed["causationid"] == started["id"]
    events = await home.store.read(lambda tx: tx.events(incident))
    parts = [part[1] for event in events for part in event.parts.values() if part]
    assert RATE.encode() in parts
    assert any(b'"api",1.5' in part.replace(b" ", b"") for part in parts)


async def test_a_transport_retry_gets_the_recorded_answer(home: House, look: RunAt) -> None:
    first = await look.post(URL, asks(look, span=HOUR))
    home.clock.pass_time(minutes=5)
    second = await look.post(URL, asks(look, span=HOUR))
    assert second == {**first, "replayed": True}
    assert len(home.target.metrics.asked) == 1


async def test_another_question_at_the_same_place_has_diverged(look: RunAt) -> None:
    await look.post(URL, asks(look))
    assert await look.refused(URL, asks(look, span=HOUR)) == "diverged"
    assert await look.refused(URL, asks(look, "up == 0")) == "diverged"
    assert await look.refused("/v1/queries", look.asks("SELECT 1")) == "diverged"


async def test_a_new_attempt_asks_afresh(home: House, look: RunAt) -> None:
    await look.post(URL, asks(look))
    await look.starts("look")
    assert not (await look.post(URL, asks(look, attempt=2)))["replayed"]
    assert len(home.target.metrics.asked) == 2


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"promql": "{job='x'}"}, "not-understood"),
        ({"promql": "drop(up)"}, "not-understood"),
        ({"promql": ""}, "not-understood"),
        ({"promql": "up", "params": JOB}, "bad-arguments"),
        ({"promql": RATE}, "bad-arguments"),
        ({"promql": "rate(a[2d])"}, "outside-limits"),
        ({"promql": "up offset 1y"}, "outside-limits"),
        ({"promql": "up", "span": {"step": HOUR["start"]}}, "bad-arguments"),
        ({"promql": "up", "target": "orders"}, "bad-request"),
        ({"promql": "up", "target": "nowhere"}, "unknown-target"),
    ],
)
async def test_a_refusal_is_recorded_and_nothing_is_asked(
    home: House, look: RunAt, incident: str, body: dict[str, Any], code: str
) -> None:
    assert await look.refused(URL, {**asks(look), **body}) == code
    assert home.target.metrics.asked == []
    event = (await home.timeline(incident))[-1]
    assert (event["type"], event["data"]["code"]) == ("query.denied", code)
    assert "$part" in event["data"]["promql"]
    assert await look.refused(URL, {**asks(look), **body}) == code


async def test_a_refusal_points_into_the_query(look: RunAt) -> None:
    problem = (await look.call("POST", URL, asks(look, "sum(increse(up[5m]))"))).json()
    assert "Did you mean increase?" in problem["detail"]
    assert problem["excerpt"].splitlines()[1].index("^") > 4
    assert "PromQL" in problem["help"]


async def test_a_limit_is_named_with_what_would_do(look: RunAt) -> None:
    problem = (await look.call("POST", URL, asks(look, "rate(a[2d])"))).json()
    assert problem["line"] == "metrics.limits.range (1d)"


@pytest.mark.parametrize(
    "span",
    [
        {"start": {"type": "text", "value": "1h"}},
        {"start": {"type": "timestamp", "value": "2026-01-01T00:00:00"}},
        {"step": {"type": "integer", "value": 60}},
        {"start": {"type": "interval", "value": "1h"}},
    ],
)
async def test_a_time_of_another_type_is_refused(look: RunAt, span: dict[str, Any]) -> None:
    assert await look.refused(URL, asks(look, span=span)) == "bad-arguments"


async def test_an_unknown_key_is_refused(look: RunAt) -> None:
    assert await look.refused(URL, asks(look, span={"until": HOUR["start"]})) == "bad-request"
    assert await look.refused(URL, asks(look, max_rows=5)) == "bad-request"


async def test_sql_is_not_sent_to_metrics(home: House, look: RunAt) -> None:
    response = await look.call("POST", "/v1/queries", look.asks("SELECT 1", target="metrics"))
    assert response.json()["code"] == "not-understood"
    assert "query_metrics" in response.json()["help"]
    assert home.target.reads == []


async def test_nothing_is_changed_at_metrics(run: RunAt) -> None:
    wish = run.wishes("terminate", target="metrics")
    await run.starts("terminate")
    assert await run.refused("/v1/actions", wish) in {"unknown-action", "not-in-manifest"}


async def test_nobody_asks_past_a_run_or_after_its_incident(
    home: House, responder: Someone, look: RunAt, incident: str
) -> None:
    assert await responder.refused(URL, asks(look)) == "run-token-mismatch"
    await responder.post(f"/v1/incidents/{incident}/close", {"reason": "over"})
    assert await look.refused(URL, asks(look)) == "incident-closed"
    assert home.target.metrics.asked == []


async def test_a_curated_run_asks_only_what_its_notebook_says(home: House, run: RunAt) -> None:
    assert await run.refused(URL, asks(run, "up", "activity")) == "not-in-manifest"
    assert home.target.metrics.asked == []
    await run.starts("errors")
    body = asks(run, CURATED, "errors", params=WINDOW, span=HOUR)
    assert (await run.post(URL, body))["rows"]
    other = asks(run, CURATED, "errors", params={**WINDOW, "more": WINDOW["window"]}, ordinal=1)
    assert await run.refused(URL, other) == "not-in-manifest"
    sql = {**run.place("errors", 2), "target": "metrics", "sql": CURATED}
    assert await run.refused("/v1/queries", {**sql, "params": WINDOW}) == "not-understood"
    assert home.target.reads == []


async def test_a_failing_target_is_recorded_as_failed(
    home: House, look: RunAt, incident: str
) -> None:
    def fails(_: Evaluation) -> Rows:
        raise TargetError("target-timeout", "metrics had not answered to the end after 10 s.")

    home.target.metrics.answer = fails
    response = await look.call("POST", URL, asks(look))
    assert response.json()["code"] == "target-timeout"
    assert response.json()["line"] == "metrics.limits.seconds (10)"
    assert (await home.kinds(incident))[-2:] == ["query.started", "query.failed"]
    assert await look.refused(URL, asks(look)) == "target-timeout"


async def test_what_cannot_be_recorded_is_not_asked(home: House, look: RunAt) -> None:
    class FullJournal:
        def __getattr__(self, name: str) -> Any:
            return getattr(home.store, name)

        async def commit(self, _unit: Any) -> Any:
            raise TargetError("target-failed", "the disk is full")

    home.gateway.metrics._store = FullJournal()  # noqa: SLF001  a full disk
    with pytest.raises(TargetError, match="disk is full"):
        await look.call("POST", URL, asks(look))
    assert home.target.metrics.asked == []


async def test_the_narrowest_limit_of_rows_counts(home: House, run: RunAt) -> None:
    await run.starts("errors")
    await run.post(URL, asks(run, CURATED, "errors", params=WINDOW, span=HOUR))
    assert home.target.metrics.limits[0].rows == 1_000


async def test_answers_are_plain_json(look: RunAt) -> None:
    answer = await look.post(URL, asks(look))
    assert json.loads(json.dumps(answer)) == answer


@pytest.mark.parametrize(
    ("body", "codes"),
    [
        ({"promql": "up{a='\ud800'}"}, {"not-understood", "bad-request"}),
        ({"promql": "up\0"}, {"not-understood"}),
        ({"promql": "(" * 4_000}, {"not-understood"}),
        ({"promql": "a" * 5_000}, {"bad-request"}),
        (
            {"params": {"job": {"type": "text", "value": "\ud800"}}},
            {"bad-arguments", "bad-request"},
        ),
        ({"params": {"job": {"type": "text", "value": "x" * 100_000}}}, {"not-understood"}),
        ({"params": {"job": {"type": "text", "value": ["x"]}}}, {"bad-arguments"}),
        ({"params": {"job": {"type": "evil", "value": "x"}}}, {"bad-arguments"}),
        ({"span": {"start": {"type": "timestamptz", "value": MIN}}}, {"outside-limits"}),
        ({"span": {"end": {"type": "timestamptz", "value": MAX}}}, {"outside-limits"}),
        ({"span": {"start": {"type": "timestamptz", "value": MAX}}}, {"bad-arguments"}),
        ({"span": {"start": {"type": "interval", "value": "9" * 40 + "us"}}}, {"bad-arguments"}),
        ({"span": {**HOUR, "step": {"type": "interval", "value": "1us"}}}, {"outside-limits"}),
        ({"span": {**HOUR, "step": {"type": "interval", "value": "-1us"}}}, {"bad-arguments"}),
    ],
)
async def test_nothing_hostile_is_asked_or_breaks_the_gateway(
    home: House, look: RunAt, body: dict[str, Any], codes: set[str]
) -> None:
    known = {**asks(look, "up{job=:job}", params={"job": {"type": "text", "value": "x"}}), **body}
    assert await look.refused(URL, known) in codes
    assert home.target.metrics.asked == []


@pytest.mark.parametrize("number", ["sNaN", "NaN", "-Infinity", "1e999999999", "1e-999999999"])
async def test_a_decimal_that_cannot_be_written_out_is_refused(
    home: House, look: RunAt, number: str
) -> None:
    params = {"n": {"type": "numeric", "value": number}}
    assert await look.refused(URL, asks(look, "up > :n", params=params)) == "bad-arguments"
    assert home.target.metrics.asked == []


async def test_a_number_beyond_all_numbers_is_refused(home: House, look: RunAt) -> None:
    body = json.dumps(asks(look, "up > :n", params={"n": {"type": "number", "value": 1}}))
    for number in ("1e999", "-1e999", "NaN", "Infinity"):
        response = await look.http.post(
            URL,
            content=body.replace('"value": 1', f'"value": {number}'),
            headers={"Authorization": f"Bearer {look.token}", "Content-Type": "application/json"},
        )
        assert response.status_code in {400, 422}, response.text
    assert home.target.metrics.asked == []
