"""Metrics from a real Prometheus, and from servers that only say they are one."""

import json
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hostile_http import HostileServer, endless, says, serving
from interlock_gateway.adapters.targets.prometheus import PrometheusReader
from interlock_gateway.core.endpoint import base_url
from interlock_gateway.core.model import (
    Dialect,
    Endpoint,
    Limits,
    Reach,
    Rows,
    Scheme,
    Target,
)
from interlock_gateway.core.telemetry import Evaluation, Span, resolved
from interlock_gateway.core.telemetry.promql import understood
from interlock_gateway.service.targets import TargetError
from own_prometheus import OwnPrometheus, own_prometheus

__all__ = ["own_prometheus"]

CASES = Path(__file__).parents[2] / "core" / "telemetry" / "cases" / "understood.promql"
UNDERSTOOD = [
    line for line in CASES.read_text("utf-8").splitlines() if line and not line.startswith("# ")
]
LOOPBACK = (ip_network("127.0.0.1/32"),)
LIMITS = Limits(rows=10_000, seconds=10)


class Vault:
    """Knows one secret."""

    def resolve(self, reference: str) -> str:
        return {"env:TOKEN": "t0ken-of-ann", "env:BASIC": "ann:pa55word"}[reference]


def target(url: str, read: str = "", scheme: Scheme = Scheme.BEARER, **more: Any) -> Target:
    endpoint = Endpoint(base_url(url), LOOPBACK, scheme)
    return Target("metrics", Dialect.PROMETHEUS, "production", read, endpoint=endpoint, **more)


def asked(promql: str, **span: Any) -> Evaluation:
    now = datetime.now(UTC)  # noqa: TID251  stands for the gateway's clock
    return resolved(understood(promql, {}).text, Span(**span), now, Reach())


async def evaluated(at: Target, question: Evaluation, limits: Limits = LIMITS) -> Rows:
    return await PrometheusReader(Vault()).evaluate(at, question, limits)


# --- a real one ---------------------------------------------------------------------------------


async def test_one_moment_is_a_row_for_each_series(own_prometheus: OwnPrometheus) -> None:
    rows = await evaluated(target(own_prometheus.url), asked("up"))
    assert [(column.name, column.type) for column in rows.columns] == [
        ("time", "timestamptz"),
        ("metric", "text"),
        ("instance", "text"),
        ("job", "text"),
        ("value", "number"),
    ]
    [row] = rows.rows
    assert row[1:] == ("up", f"127.0.0.1:{own_prometheus.port}", "prometheus", 1.0)
    moment = datetime.fromisoformat(row[0])
    assert abs(datetime.now(UTC) - moment) < timedelta(minutes=1)  # noqa: TID251  a real server's


async def test_a_range_has_a_row_for_each_step(own_prometheus: OwnPrometheus) -> None:
    question = asked("vector(7)", start=timedelta(minutes=1), step=timedelta(seconds=10))
    rows = await evaluated(target(own_prometheus.url), question)
    assert [row[-1] for row in rows.rows] == [7.0] * 7 == [7.0] * question.steps
    times = [datetime.fromisoformat(row[0]) for row in rows.rows]
    assert {later - earlier for earlier, later in pairwise(times)} == {timedelta(seconds=10)}


@pytest.mark.parametrize("promql", UNDERSTOOD)
async def test_what_is_understood_is_promql_to_prometheus_too(
    own_prometheus: OwnPrometheus, promql: str
) -> None:
    await evaluated(target(own_prometheus.url), asked(promql))


async def test_values_are_values_to_prometheus_too(own_prometheus: OwnPrometheus) -> None:
    values = {"job": 'a"} or up{x="', "jobs": ["prom.theus"], "w": timedelta(seconds=30)}
    source = "up{job=:job} or count_over_time(up{job=~:jobs}[:w])"
    now = datetime.now(UTC)  # noqa: TID251  stands for the gateway's clock
    question = Evaluation(understood(source, values).text, now, now)
    assert (await evaluated(target(own_prometheus.url), question)).rows == ()


async def test_words_for_numbers_come_through(own_prometheus: OwnPrometheus) -> None:
    at = target(own_prometheus.url)
    cells = [(await evaluated(at, asked(q))).rows[0][-1] for q in ("NaN", "Inf", "-Inf", "1e300")]
    assert cells == ["nan", "inf", "-inf", 1e300]


async def test_nothing_there_is_no_row(own_prometheus: OwnPrometheus) -> None:
    rows = await evaluated(target(own_prometheus.url), asked("no_such_metric"))
    assert rows.rows == ()
    assert [column.name for column in rows.columns] == ["time", "value"]


async def test_an_error_of_prometheus_is_told_in_its_words(own_prometheus: OwnPrometheus) -> None:
    with pytest.raises(TargetError, match="expected type instant vector") as caught:
        await evaluated(target(own_prometheus.url), asked("sum(up[5m])"))
    assert caught.value.code == "target-failed"


async def test_more_series_than_the_limit_are_cut_and_counted(
    own_prometheus: OwnPrometheus,
) -> None:
    at = target(own_prometheus.url, reach=Reach(series=3))
    rows = await evaluated(
        at, asked("prometheus_http_requests_total or go_info or up or go_goroutines")
    )
    assert len(rows.rows) == 3
    assert rows.truncated.startswith("series (3 of ")


async def test_a_series_is_whole_or_not_there(own_prometheus: OwnPrometheus) -> None:
    question = asked(
        'label_replace(vector(1), "n", "a", "", "") or label_replace(vector(2), "n", "b", "", "")',
        start=timedelta(minutes=1),
        step=timedelta(seconds=10),
    )
    rows = await evaluated(target(own_prometheus.url), question, Limits(rows=10))
    assert len(rows.rows) == 7
    assert rows.truncated == "rows (10)"


async def test_an_answer_larger_than_the_limit_is_refused(own_prometheus: OwnPrometheus) -> None:
    question = asked("prometheus_http_requests_total", start=timedelta(minutes=5))
    with pytest.raises(TargetError) as caught:
        await evaluated(target(own_prometheus.url), question, Limits(bytes=300))
    assert caught.value.code == "outside-limits"


async def test_it_says_what_it_is(own_prometheus: OwnPrometheus) -> None:
    said = await PrometheusReader(Vault()).about(target(own_prometheus.url), LIMITS)
    assert said.startswith("Prometheus 2.")


# --- servers that only say so -------------------------------------------------------------------


def success(result: Any, kind: str = "vector", **more: Any) -> bytes:
    data = {"resultType": kind, "result": result}
    return json.dumps({"status": "success", "data": data, **more}).encode()


async def answered(body: bytes, limits: Limits = LIMITS, **more: Any) -> Rows:
    async with serving(says(body)) as server:
        return await evaluated(of(server, **more), asked("up"), limits)


def of(server: HostileServer, **more: Any) -> Target:
    return target(f"http://127.0.0.1:{server.port}", **more)


async def test_a_label_that_is_called_as_our_columns_gives_way() -> None:
    labels = {"__name__": "m", "time": "a", "value": "b", "metric": "c", "label_time": "d"}
    rows = await answered(success([{"metric": labels, "value": [1, "2"]}]))
    names = [column.name for column in rows.columns]
    assert len(set(names)) == len(names)
    assert dict(zip(names, rows.rows[0], strict=True)) == {
        "time": "1970-01-01T00:00:01.000+00:00",
        "metric": "m",
        "label_time": "d",
        "label_metric": "c",
        "label_label_time": "a",
        "label_value": "b",
        "value": 2.0,
    }


async def test_series_with_different_labels_share_the_columns() -> None:
    result = [{"metric": {"a": "1"}, "value": [1, "2"]}, {"metric": {"b": "2"}, "value": [1, "3"]}]
    rows = await answered(success(result))
    assert [row[1:] for row in rows.rows] == [("1", None, 2.0), (None, "2", 3.0)]


async def test_half_a_character_does_not_break_what_is_sent_on() -> None:
    rows = await answered(success([{"metric": {"a": "x\ud800"}, "value": [1, "2"]}]))
    assert rows.rows[0][1] == "x\ufffd"


async def test_a_warning_makes_an_answer_incomplete() -> None:
    one = [{"metric": {}, "value": [1, "2"]}]
    rows = await answered(success(one, warnings=["partial response: store-2 is down"]))
    assert "store-2 is down" in rows.truncated


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b'{"status": "success"}',
        b'{"status": "success", "data": []}',
        success([], "streams"),
        success([], "string"),
        success({}, "vector"),
        success([1]),
        success([{"metric": {}}]),
        success([{"metric": {}, "histogram": [1, {}]}]),
        success([{"metric": {"a": 1}, "value": [1, "2"]}]),
        success([{"metric": {}, "value": [1, 2]}]),
        success([{"metric": {}, "value": [1, "x"]}]),
        success([{"metric": {}, "value": ["1", "2"]}]),
        success([{"metric": {}, "value": [1e20, "2"]}]),
        success([{"metric": {}, "value": [1, "2", "3"]}]),
        success([{"metric": {}, "values": [[1, "2"]]}]),
        success([{"metric": {f"l{n}": "x" for n in range(100)}, "value": [1, "2"]}]),
        success([], warnings="no list"),
        b"[" * 100_000,
        b'{"status": "success", "data": ' + b"9" * 10_000 + b"}",
        b"\xff\xfe",
    ],
    ids=range(24),
)
async def test_what_is_not_in_the_documented_form_is_no_answer(body: bytes) -> None:
    with pytest.raises(TargetError) as caught:
        await answered(body)
    assert caught.value.code == "target-failed"


async def test_an_error_in_the_documented_form_is_told() -> None:
    body = json.dumps({"status": "error", "errorType": "timeout", "error": "too \x1b[2J slow"})
    async with serving(says(body.encode(), status="503 Busy")) as server:
        with pytest.raises(TargetError, match=r"too .*slow") as caught:
            await evaluated(of(server), asked("up"))
    assert caught.value.code == "target-timeout"
    assert "\x1b" not in str(caught.value)


async def test_a_success_with_a_bad_status_is_no_success() -> None:
    async with serving(says(success([]), status="500 No")) as server:
        with pytest.raises(TargetError, match="status 500"):
            await evaluated(of(server), asked("up"))


async def test_an_endless_answer_ends_at_the_limit() -> None:
    async with serving(endless()) as server:
        with pytest.raises(TargetError) as caught:
            await evaluated(of(server), asked("up"), Limits(bytes=10_000))
    assert caught.value.code == "outside-limits"


async def test_what_is_sent_is_a_get_with_the_query_encoded() -> None:
    async with serving(says(success([]))) as server:
        question = asked('up{a="&time=0#"}', start=timedelta(hours=1), step=timedelta(minutes=1))
        await evaluated(of(server, read="env:TOKEN"), question, Limits(seconds=2.5))
    head = server.heads[0]
    assert head.startswith("GET /api/v1/query_range?query=up%7Ba%3D%22%26time%3D0%23%22%7D&start=")
    assert head.split("\r\n")[0].endswith("&step=60.000&timeout=2500ms HTTP/1.1")
    assert "Authorization: Bearer t0ken-of-ann" in head


async def test_a_basic_credential_is_sent_as_such() -> None:
    async with serving(says(success([]))) as server:
        await evaluated(of(server, read="env:BASIC", scheme=Scheme.BASIC), asked("up"))
    assert "Authorization: Basic YW5uOnBhNTV3b3Jk\r\n" in server.heads[0]
