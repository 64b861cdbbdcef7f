"""Logs from a stand-in that is as strict as Loki's API, and from servers that only say so."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from typing import Any

import pytest
from hostile_http import HostileServer, bomb, endless, says, serving
from interlock_gateway.adapters.targets.loki import LokiReader
from interlock_gateway.core.endpoint import base_url
from interlock_gateway.core.model import Dialect, Endpoint, Limits, Reach, Rows, Target
from interlock_gateway.core.telemetry import Evaluation, Search
from interlock_gateway.core.telemetry.logql import understood
from interlock_gateway.service.targets import TargetError
from own_loki import Entry, OwnLoki, own_loki

LOOPBACK = (ip_network("127.0.0.1/32"),)
LIMITS = Limits(rows=100, seconds=10)
START = datetime(2026, 1, 2, 3, 0, tzinfo=UTC)
END = START + timedelta(hours=1)
BEGAN = 1_767_322_800_000_000_000
API, WEB = {"app": "api", "env": "prod"}, {"app": "web"}
ENTRIES: tuple[Entry, ...] = (
    (BEGAN + 1, API, "error: one"),
    (BEGAN + 2_000_000_003, WEB, "error: two"),
    (BEGAN + 2_000_000_002, API, "fine"),
    (BEGAN + 60_000_000_000, API, "error: three"),
)
HOSTILE = "\x1b[2J\0\u202eevil\r\n\x07" + "</td><script>"


class Vault:
    """Knows one secret."""

    def resolve(self, reference: str) -> str:
        return {"env:TOKEN": "t0ken-of-ann"}[reference]


@pytest.fixture
def loki() -> Iterator[OwnLoki]:
    with own_loki(*ENTRIES) as server:
        yield server


def target(url: str, read: str = "", tenant: str = "", **more: Any) -> Target:
    endpoint = Endpoint(base_url(url), LOOPBACK, tenant=tenant)
    return Target("logs", Dialect.LOKI, "production", read, endpoint=endpoint, **more)


async def found(
    at: Target, logql: str = '{app=~".+"}', limits: Limits = LIMITS, *, newest: bool = True
) -> Rows:
    query = understood(logql, {})
    return await LokiReader(Vault()).search(at, Search(query.text, START, END, newest), limits)


async def evaluated(at: Target, logql: str, step_s: float = 0.0, **values: Any) -> Rows:
    asked = Evaluation(understood(logql, values).text, START if step_s else END, END, step_s)
    return await LokiReader(Vault()).evaluate(at, asked, LIMITS)


# --- lines --------------------------------------------------------------------------------------


async def test_a_line_is_a_row_with_its_time_to_the_nanosecond(loki: OwnLoki) -> None:
    rows = await found(target(loki.url), '{app="api"} |= "error"')
    assert [(column.name, column.type) for column in rows.columns] == [
        ("time", "timestamptz"),
        ("at", "text"),
        ("app", "text"),
        ("env", "text"),
        ("line", "text"),
    ]
    assert [row[1:] for row in rows.rows] == [
        ("2026-01-02T03:01:00.000000000Z", "api", "prod", "error: three"),
        ("2026-01-02T03:00:00.000000001Z", "api", "prod", "error: one"),
    ]
    assert rows.rows[1][0] == "2026-01-02T03:00:00+00:00"
    assert rows.truncated == ""


async def test_lines_of_several_streams_stand_in_order_of_time(loki: OwnLoki) -> None:
    newest = await found(target(loki.url))
    oldest = await found(target(loki.url), newest=False)
    assert [row[-1] for row in newest.rows] == ["error: three", "error: two", "fine", "error: one"]
    assert oldest.rows == newest.rows[::-1]
    assert [row[2:4] for row in oldest.rows][2] == ("web", None)


async def test_no_more_lines_than_the_limit_and_it_is_said_which_are_left_out(
    loki: OwnLoki,
) -> None:
    few = Limits(rows=3)
    newest = await found(target(loki.url), limits=few)
    oldest = await found(target(loki.url), limits=few, newest=False)
    assert [row[-1] for row in newest.rows] == ["error: three", "error: two", "fine"]
    assert newest.truncated == "rows (3), older lines left out"
    assert oldest.rows[0][-1] == "error: one"
    assert oldest.truncated == "rows (3), newer lines left out"
    assert (await found(target(loki.url), limits=Limits(rows=4))).truncated == ""


async def test_the_end_is_not_in_it_and_the_start_is() -> None:
    first, last = BEGAN, BEGAN + 3_600 * 10**9
    with own_loki((first, API, "first"), (last, API, "last")) as loki:
        assert [row[-1] for row in (await found(target(loki.url))).rows] == ["first"]


async def test_a_long_line_is_cut_and_that_is_said() -> None:
    with own_loki((BEGAN, API, "x" * 300), (BEGAN + 1, API, "short")) as loki:
        rows = await found(target(loki.url, reach=Reach(line=100)))
    assert rows.rows[1][-1] == "x" * 100 + "… [200 more characters]"
    assert rows.rows[0][-1] == "short"
    assert rows.truncated == "line (100 characters), 1 line cut"


async def test_lines_come_as_they_are_whatever_they_hold() -> None:
    with own_loki((BEGAN, {"app": "a", "pod": HOSTILE}, HOSTILE)) as loki:
        rows = await found(target(loki.url))
    assert rows.rows[0][3:] == (HOSTILE, HOSTILE)


async def test_labels_that_are_called_as_our_columns_give_way() -> None:
    with own_loki((BEGAN, {"app": "a", "line": "b", "time": "c", "at": "d"}, "e")) as loki:
        rows = await found(target(loki.url))
    assert [column.name for column in rows.columns] == [
        *("time", "at", "app", "label_at", "label_line", "label_time", "line")
    ]
    assert rows.rows[0][2:] == ("a", "d", "b", "c", "e")


async def test_nothing_found_is_no_rows(loki: OwnLoki) -> None:
    rows = await found(target(loki.url), '{app="none"}')
    assert (rows.rows, rows.truncated) == ((), "")


# --- numbers ------------------------------------------------------------------------------------


async def test_numbers_over_time_are_samples(loki: OwnLoki) -> None:
    rows = await evaluated(
        target(loki.url),
        'sum(count_over_time({app="api"} |= "error" [:w]))',
        step_s=600.0,
        w=timedelta(minutes=10),
    )
    assert [column.name for column in rows.columns] == ["time", "value"]
    assert [row[-1] for row in rows.rows] == [0.0, 2.0, 0.0, 0.0, 0.0, 0.0, 0.0]


async def test_numbers_of_one_moment_are_a_row_for_each_series(loki: OwnLoki) -> None:
    logql = 'count_over_time({app=~".+"}[:w])'
    rows = await evaluated(target(loki.url), logql, w=timedelta(hours=2))
    assert [row[1:] for row in rows.rows] == [("api", "prod", 3.0), ("web", None, 1.0)]
    assert [row[-1] for row in (await evaluated(target(loki.url), "vector(7)")).rows] == [7.0]


# --- what is sent, and what is refused ----------------------------------------------------------


async def test_what_is_sent_is_a_get_with_every_value_encoded(loki: OwnLoki) -> None:
    at = target(loki.url, read="env:TOKEN", tenant="shop")
    await found(at, '{app="api"} |= "&limit=1#"')
    path, headers = loki.heads[0]
    assert path == (
        "/loki/api/v1/query_range?query=%7Bapp%3D%22api%22%7D%20%7C%3D%20%22%26limit%3D1%23%22"
        f"&start={BEGAN}&end={BEGAN + 3_600 * 10**9}&limit=101&direction=backward"
    )
    assert headers["Authorization"] == "Bearer t0ken-of-ann"
    assert headers["X-Scope-OrgID"] == "shop"


async def test_without_a_tenant_no_header_is_sent(loki: OwnLoki) -> None:
    await found(target(loki.url))
    assert "X-Scope-OrgID" not in loki.heads[0][1]


@pytest.mark.parametrize("tenant", ["", "other"])
async def test_a_wrong_tenant_is_told_with_where_to_look(tenant: str) -> None:
    with own_loki(*ENTRIES, tenant="shop") as loki:
        assert (await found(target(loki.url, tenant="shop"))).rows
        with pytest.raises(TargetError, match="no org id") as caught:
            await found(target(loki.url, tenant=tenant))
    assert caught.value.code == "target-unreachable"
    assert "`tenant`" in str(caught.value)


async def test_what_loki_refuses_is_told_in_its_words(loki: OwnLoki) -> None:
    with pytest.raises(TargetError, match="max entries limit per query exceeded") as caught:
        await found(target(loki.url), limits=Limits(rows=5_000))
    assert caught.value.code == "target-failed"
    with pytest.raises(TargetError, match="400: parse error at line 1"):
        await evaluated(target(loki.url), 'rate({app="a"}[5m])')


async def test_it_says_what_it_is(loki: OwnLoki) -> None:
    assert await LokiReader(Vault()).about(target(loki.url), LIMITS) == "Loki 3.0.0"


# --- servers that only say so -------------------------------------------------------------------


def streams(*values: Any, labels: Any = None, kind: str = "streams", **more: Any) -> bytes:
    result = [{"stream": API if labels is None else labels, "values": list(values)}]
    return json.dumps(
        {"status": "success", "data": {"resultType": kind, "result": result}, **more}
    ).encode()


async def told(body: bytes, limits: Limits = LIMITS, status: str = "200 OK", *fields: str) -> Rows:
    async with serving(says(body, *fields, status=status)) as server:
        return await found(of(server), limits=limits)


def of(server: HostileServer, **more: Any) -> Target:
    return target(f"http://127.0.0.1:{server.port}", **more)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"{}",
        b'{"status": "success"}',
        b'{"status": "success", "data": {"resultType": "streams"}}',
        b'{"status": "success", "data": {"resultType": "streams", "result": {}}}',
        b'{"status": "success", "data": {"resultType": "streams", "result": [1]}}',
        streams(kind="matrix"),
        streams(labels=[]),
        streams(labels={"a": 1}),
        streams([1, "x"]),
        streams(["1"]),
        streams(["1", 2]),
        streams(["1", "x", "y"]),
        streams(["1", "x", {"structuredMetadata": {"a": "b"}}]),
        streams(["1e9", "x"]),
        streams(["9" * 30, "x"]),
        streams(["9" * 19, "x"], [" 1", "x"]),
        streams(["1", "x"], labels={f"l{n}": "x" for n in range(65)}),
        streams(["1", "x"], warnings="no list"),
        b"[" * 100_000,
        b'{"status": "success", "data": ' + b"9" * 10_000 + b"}",
        b"\xff\xfe",
    ],
    ids=range(23),
)
async def test_what_is_not_in_the_documented_form_is_no_answer(body: bytes) -> None:
    with pytest.raises(TargetError) as caught:
        await told(body)
    assert caught.value.code == "target-failed"


async def test_too_many_labels_say_how_to_keep_fewer() -> None:
    with pytest.raises(TargetError, match=r"\| keep a, b"):
        await told(streams(["1", "x"], labels={f"l{n}": "x" for n in range(65)}))


async def test_more_lines_than_were_asked_for_are_cut() -> None:
    lines = [[str(n), f"line {n}"] for n in range(50)]
    rows = await told(streams(*lines), Limits(rows=10))
    assert [row[-1] for row in rows.rows] == [f"line {n}" for n in range(49, 39, -1)]
    assert rows.truncated.startswith("rows (10)")


async def test_more_bytes_than_the_limit_are_cut_or_refused() -> None:
    lines = [[str(n), f"line {n}"] for n in range(50)]
    rows = await told(streams(*lines, labels={"app": "x" * 500}), Limits(bytes=10_000))
    assert rows.rows[0][-1] == "line 49"
    assert len(rows.rows) == 16
    assert rows.truncated == "bytes (10,000), older lines left out"
    with pytest.raises(TargetError) as caught:
        await told(streams(*lines), Limits(bytes=500))
    assert caught.value.code == "outside-limits"


async def test_half_a_character_does_not_break_what_is_sent_on() -> None:
    rows = await told(streams(["1", "a\ud800b"], labels={"x": "\udfff"}))
    assert rows.rows[0][2:] == ("\ufffd", "a\ufffdb")


async def test_a_warning_makes_an_answer_incomplete() -> None:
    rows = await told(streams(["1", "x"], warnings=["store-2 is down"]))
    assert "store-2 is down" in rows.truncated


@pytest.mark.parametrize(
    ("status", "said", "code"),
    [
        ("504 Late", "context deadline exceeded", "target-timeout"),
        ("500 No", "rpc error: context canceled", "target-timeout"),
        ("429 Busy", "too many outstanding requests", "target-failed"),
        ("500 No", "\x1b[2J\u202ebroken", "target-failed"),
        ("200 OK", "not JSON at all", "target-failed"),
    ],
)
async def test_a_refusal_is_text_and_is_told_harmlessly(status: str, said: str, code: str) -> None:
    with pytest.raises(TargetError) as caught:
        await told(said.encode(), LIMITS, status, "Content-Type: text/plain; charset=utf-8")
    assert caught.value.code == code
    assert "\x1b" not in str(caught.value)
    assert "\u202e" not in str(caught.value)


async def test_a_web_page_is_no_answer() -> None:
    with pytest.raises(TargetError, match="text/html"):
        await told(b"<html>", LIMITS, "200 OK", "Content-Type: text/html")


async def test_an_endless_answer_and_a_bomb_end_at_the_limit() -> None:
    small = Limits(bytes=10_000)
    async with serving(endless()) as server:
        with pytest.raises(TargetError) as caught:
            await found(of(server), limits=small)
    assert caught.value.code == "outside-limits"
    with pytest.raises(TargetError) as caught:
        await told(
            bomb(20), LIMITS, "200 OK", "Content-Encoding: gzip", "Content-Type: application/json"
        )
    assert caught.value.code == "outside-limits"


async def test_a_server_that_drips_is_left_after_its_time() -> None:
    async with serving(endless(b" ", 0.05)) as server:
        with pytest.raises(TargetError) as caught:
            await found(of(server), limits=Limits(seconds=0.3))
    assert caught.value.code == "target-timeout"
