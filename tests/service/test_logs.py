"""A guarded question about logs: the whole way of a query, for LogQL."""

import json
from datetime import timedelta
from typing import Any

import pytest
from interlock_gateway.core.model import Column, Limits, Rows, Target
from interlock_gateway.core.simulation import Recorded, simulate
from interlock_gateway.core.telemetry import Evaluation, Search
from interlock_gateway.service.logs import LogsLanguage
from interlock_gateway.service.targets import TargetError
from support.house import House, ObedientLogs, RunAt, Someone

URL = "/v1/log-queries"
LINES = "{app=:app} |= :word"
WORDS = {
    "app": {"type": "text", "value": 'api"} or {a="'},
    "word": {"type": "text", "value": '` | line_format "{{.x}}'},
}
RATE = 'sum(rate({app="api"} |= "error" [5m]))'
HOUR = {"start": {"type": "interval", "value": "3600000000us"}}
CURATED = "{app=:app} |= :word"
HOSTILE = "\x1b]0;x\x07\x1b[2J\0\u202eevil\r\n</script><img src=x>"


def asks(run: RunAt, logql: str = '{app="a"}', step: str = "look", **more: Any) -> dict[str, Any]:
    place = run.place(step, more.pop("ordinal", 0), more.pop("attempt", 1))
    return {**place, "target": "logs", "logql": logql, "span": HOUR, **more}


async def test_a_question_is_answered_with_lines(look: RunAt) -> None:
    answer = await look.post(URL, asks(look, LINES, params=WORDS))
    assert [column["name"] for column in answer["columns"]] == ["time", "at", "app", "line"]
    assert answer["rows"][0][1:] == ["2026-01-02T02:04:05.000000001Z", "api", "error: \x1b[2J"]
    assert (answer["effect"], answer["gives"]) == ("read", "lines")
    assert answer["window"]["newest"] is True
    assert not answer["replayed"]


async def test_what_reaches_the_target_is_the_query_with_values_in_place(
    home: House, look: RunAt
) -> None:
    await look.post(URL, asks(look, LINES, params=WORDS, limit=7, direction="forward"))
    now = home.clock.now()
    text = '{app="api\\"} or {a=\\""} |= "` | line_format \\"{{.x}}"'
    assert home.target.logs.searched == [Search(text, now - timedelta(hours=1), now, newest=False)]
    assert home.target.logs.limits[0].rows == 7


async def test_a_question_for_numbers_is_answered_with_samples(home: House, look: RunAt) -> None:
    answer = await look.post(URL, asks(look, RATE))
    assert answer["gives"] == "samples"
    assert answer["rows"][0][1:] == ["api", 1.5]
    now = home.clock.now()
    asked = Evaluation(RATE, now - timedelta(hours=1), now, 60.0)
    assert home.target.logs.asked == [asked]
    assert home.target.logs.searched == []


async def test_numbers_of_one_moment_need_no_start(home: House, look: RunAt) -> None:
    await look.post(URL, asks(look, RATE, span={}))
    assert home.target.logs.asked[0].step_s == 0


async def test_the_intent_is_written_before_the_target_is_asked(
    home: House, look: RunAt, incident: str
) -> None:
    seen: list[list[str]] = []

    class Watching(ObedientLogs):
        async def search(self, _target: Target, asked: Search, _limits: Limits) -> Rows:
            seen.append(await home.kinds(incident))
            return home.target.logs.found(asked)

    home.gateway.logs._language = LogsLanguage(Watching())  # noqa: SLF001  to look in between
    await look.post(URL, asks(look))
    assert seen[0][-1] == "query.started"
    assert (await home.kinds(incident))[-1] == "query.completed"


async def test_the_timeline_says_what_was_asked_and_answered(
    home: House, look: RunAt, incident: str
) -> None:
    await look.post(URL, asks(look, LINES, params=WORDS))
    started, completed = (await home.timeline(incident))[-2:]
    told = started["data"]
    assert (told["target"], told["dialect"], told["kind"]) == ("logs", "loki", "lines")
    assert told["labels"] == ["app"]
    assert (told["start"], told["newest"]) == ("2026-01-02T02:04:05.000Z", True)
    assert told["line"].startswith("permissions.csv:")
    assert {"logql", "params", "sent"} <= told.keys()
    assert "line_format" not in json.dumps({k: v for k, v in told.items() if k != "logql"})
    assert completed["data"]["rows"] == 1
    assert completed["causationid"] == started["id"]
    events = await home.store.read(lambda tx: tx.events(incident))
    parts = [part[1] for event in events for part in event.parts.values() if part]
    assert LINES.encode() in parts
    assert any(b"02:04:05.000000001Z" in part for part in parts)


async def test_a_transport_retry_gets_the_recorded_answer(home: House, look: RunAt) -> None:
    first = await look.post(URL, asks(look))
    home.clock.pass_time(minutes=5)
    assert await look.post(URL, asks(look)) == {**first, "replayed": True}
    assert len(home.target.logs.searched) == 1


async def test_another_question_at_the_same_place_has_diverged(look: RunAt) -> None:
    await look.post(URL, asks(look))
    assert await look.refused(URL, asks(look, '{app="b"}')) == "diverged"
    assert await look.refused(URL, asks(look, limit=5)) == "diverged"
    assert await look.refused(URL, asks(look, direction="forward")) == "diverged"
    metrics = {**look.place("look", 0), "target": "metrics", "promql": "up"}
    assert await look.refused("/v1/metric-queries", metrics) == "diverged"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"logql": '{app=~".*"}'}, "not-understood"),
        ({"logql": '{app="a"} | line_format "{{ repeat 9 .a }}"'}, "not-understood"),
        ({"logql": ""}, "not-understood"),
        ({"params": WORDS}, "bad-arguments"),
        ({"logql": LINES}, "bad-arguments"),
        ({"span": {}}, "bad-arguments"),
        ({"span": {**HOUR, "step": HOUR["start"]}}, "bad-arguments"),
        ({"logql": RATE, "limit": 5}, "bad-arguments"),
        ({"logql": RATE, "direction": "forward"}, "bad-arguments"),
        ({"logql": 'rate({app="a"}[2d])'}, "outside-limits"),
        ({"logql": 'rate({app="a"}[5m] offset 90d)'}, "outside-limits"),
        (
            {"span": {"start": {"type": "interval", "value": f"{48 * 3_600_000_000}us"}}},
            "outside-limits",
        ),
        (
            {"span": {**HOUR, "end": {"type": "interval", "value": f"{90 * 86_400_000_000}us"}}},
            "outside-limits",
        ),
        ({"target": "metrics"}, "bad-request"),
        ({"target": "orders"}, "bad-request"),
        ({"target": "nowhere"}, "unknown-target"),
    ],
    ids=range(16),
)
async def test_a_refusal_is_recorded_and_nothing_is_asked(
    home: House, look: RunAt, incident: str, body: dict[str, Any], code: str
) -> None:
    assert await look.refused(URL, {**asks(look), **body}) == code
    assert (home.target.logs.searched, home.target.logs.asked) == ([], [])
    event = (await home.timeline(incident))[-1]
    assert (event["type"], event["data"]["code"]) == ("query.denied", code)
    assert "$part" in event["data"]["logql"]
    assert await look.refused(URL, {**asks(look), **body}) == code


async def test_a_refusal_points_into_the_query_and_says_what_to_write(look: RunAt) -> None:
    problem = (await look.call("POST", URL, asks(look, '{app="a"} | jsn'))).json()
    assert problem["excerpt"].splitlines()[1].index("^") > 4
    assert "LogQL" in problem["help"]
    problem = (await look.call("POST", URL, asks(look, span={}, ordinal=1))).json()
    assert 'start="1h"' in problem["help"]
    problem = (await look.call("POST", URL, asks(look, 'rate({app="a"}[2d])', ordinal=2))).json()
    assert problem["line"] == "logs.limits.range (1d)"


@pytest.mark.parametrize(
    "more",
    [{"limit": 0}, {"limit": -1}, {"limit": 2.5}, {"direction": "sideways"}, {"tail": True}],
)
async def test_a_body_of_another_form_is_refused(look: RunAt, more: dict[str, Any]) -> None:
    assert await look.refused(URL, asks(look, **more)) == "bad-request"


async def test_it_is_decided_again_where_a_policy_is_simulated(
    home: House, look: RunAt, responder: Someone
) -> None:
    await look.post(URL, asks(look))
    page = await responder.get("/v1/requests")
    [recorded] = [Recorded.of_json(item) for item in page["requests"]]
    assert simulate(home.policies.current, [recorded]).differences == ()
    path = home.folder / "policies" / "permissions.csv"
    path.write_text("p, *, *, *, *, read, *, deny, -, -\n" + path.read_text())
    assert home.policies.reload() == ()
    assert len(simulate(home.policies.current, [recorded]).differences) == 1


async def test_a_limit_narrows_and_never_widens(home: House, look: RunAt) -> None:
    await look.post(URL, asks(look, limit=1_000_000))
    await look.post(URL, asks(look, limit=3, ordinal=1))
    assert [one.rows for one in home.target.logs.limits] == [1_000, 3]


async def test_sql_is_not_sent_to_logs(home: House, look: RunAt) -> None:
    response = await look.call("POST", "/v1/queries", look.asks("SELECT 1", target="logs"))
    assert response.json()["code"] == "not-understood"
    assert "query_logs" in response.json()["help"]
    assert home.target.reads == []


async def test_nobody_asks_past_a_run_or_after_its_incident(
    home: House, responder: Someone, look: RunAt, incident: str
) -> None:
    assert await responder.refused(URL, asks(look)) == "run-token-mismatch"
    await responder.post(f"/v1/incidents/{incident}/close", {"reason": "over"})
    assert await look.refused(URL, asks(look)) == "incident-closed"
    assert home.target.logs.searched == []


async def test_a_curated_run_asks_only_what_its_notebook_says(home: House, run: RunAt) -> None:
    await run.starts("lines")
    assert await run.refused(URL, asks(run, '{app="a"}', "lines", ordinal=1)) == "not-in-manifest"
    assert home.target.logs.searched == []
    assert (await run.post(URL, asks(run, CURATED, "lines", params=WORDS)))["rows"]
    other = asks(run, CURATED, "lines", params={**WORDS, "more": WORDS["app"]}, ordinal=2)
    assert await run.refused(URL, other) == "not-in-manifest"
    promql = {**run.place("lines", 3), "target": "logs", "promql": CURATED, "params": WORDS}
    assert await run.refused("/v1/metric-queries", promql) == "not-in-manifest"


async def test_a_failing_target_is_recorded_as_failed(
    home: House, look: RunAt, incident: str
) -> None:
    def fails(_: Search) -> Rows:
        raise TargetError("target-timeout", "logs had not answered to the end after 10 s.")

    home.target.logs.found = fails
    response = await look.call("POST", URL, asks(look))
    assert response.json()["code"] == "target-timeout"
    assert response.json()["line"] == "logs.limits.seconds (10)"
    assert (await home.kinds(incident))[-2:] == ["query.started", "query.failed"]


async def test_what_cannot_be_recorded_is_not_asked(home: House, look: RunAt) -> None:
    class FullJournal:
        def __getattr__(self, name: str) -> Any:
            return getattr(home.store, name)

        async def commit(self, _unit: Any) -> Any:
            raise TargetError("target-failed", "the disk is full")

    home.gateway.logs._store = FullJournal()  # noqa: SLF001  a full disk
    with pytest.raises(TargetError, match="disk is full"):
        await look.call("POST", URL, asks(look))
    assert home.target.logs.searched == []


@pytest.mark.parametrize("kind", ["md", "html", "json"])
async def test_hostile_lines_are_kept_as_they_are_and_shown_harmlessly(
    home: House, look: RunAt, responder: Someone, incident: str, kind: str
) -> None:
    def hostile(_: Search) -> Rows:
        row = ("2026-01-02T02:04:05+00:00", "2026-01-02T02:04:05.000000001Z", HOSTILE)
        names = (("time", "timestamptz"), ("at", "text"), ("line", "text"))
        return Rows(tuple(Column(*one) for one in names), (row,))

    home.target.logs.found = hostile
    assert (await look.post(URL, asks(look)))["rows"][0][-1] == HOSTILE
    response = await responder.call("GET", f"/v1/incidents/{incident}/export?as={kind}")
    assert response.status_code == 200
    assert "02:04:05.000000001Z" in response.text
    for raw in ("\x1b", "\0", "\u202e", "\x07", "<img src=x>" if kind == "html" else "\x1b"):
        assert raw not in response.text


@pytest.mark.parametrize(
    ("body", "codes"),
    [
        ({"logql": "{a='\ud800'}"}, {"not-understood", "bad-request"}),
        ({"logql": '{a="b"}\0'}, {"not-understood"}),
        ({"logql": "(" * 4_000}, {"not-understood"}),
        ({"logql": '{a=~"' + "(" * 900}, {"not-understood"}),
        ({"logql": "a" * 5_000}, {"bad-request"}),
        ({"params": {"x": {"type": "text", "value": "\ud800"}}}, {"bad-arguments", "bad-request"}),
        ({"params": {"x": {"type": "text", "value": "x" * 100_000}}}, {"not-understood"}),
        ({"params": {"x": {"type": "evil", "value": "x"}}}, {"bad-arguments"}),
        (
            {"span": {"start": {"type": "timestamptz", "value": "0001-01-01T00:00:00+14:00"}}},
            {"outside-limits"},
        ),
        ({"span": {"start": {"type": "interval", "value": "9" * 40 + "us"}}}, {"bad-arguments"}),
    ],
    ids=range(10),
)
async def test_nothing_hostile_is_asked_or_breaks_the_gateway(
    home: House, look: RunAt, body: dict[str, Any], codes: set[str]
) -> None:
    params = {"x": {"type": "text", "value": "x"}}
    assert await look.refused(URL, {**asks(look, "{a=:x}", params=params), **body}) in codes
    assert home.target.logs.searched == []
