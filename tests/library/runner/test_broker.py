"""The kernel's whole world: who asks is the socket, where is stamped, and what is checked."""

import asyncio
import json
import socket
import struct
from typing import Any

import pytest
from interlock.errors import Denied, TargetFailed, Unavailable, UsageError, error_from_problem
from interlock.session import MAX_REQUEST
from kernel_line import Line, connected
from scripted_gateway import ScriptedGateway, answer

ONE: dict[str, Any] = {"type": "integer", "value": 1}


async def test_a_call_is_stamped_with_the_step_that_executes(line: Line) -> None:
    line.begin("blockers")
    await line.query()
    await line.query()
    places = [
        (body["run"], body["step"], body["attempt"], body["ordinal"])
        for body in line.gateway.asked("/queries")
    ]
    assert places == [("R-1", "blockers", 1, 0), ("R-1", "blockers", 1, 1)]


async def test_what_a_kernel_says_of_its_place_does_not_matter(line: Line) -> None:
    line.begin("blockers")
    lies = {"run": "R-2", "step": "terminate-root", "attempt": 7, "ordinal": 9}
    await line.ask("query", target="orders", sql="SELECT 1", params={}, **lies)
    body = line.gateway.asked("/queries")[0]
    assert (body["run"], body["step"], body["attempt"], body["ordinal"]) == (
        "R-1",
        "blockers",
        1,
        0,
    )


async def test_no_call_is_taken_while_no_step_executes(line: Line) -> None:
    with pytest.raises(Denied) as caught:
        await line.query()
    assert caught.value.code == "no-step-running"
    line.begin()
    await line.broker.end()
    with pytest.raises(Denied) as caught:
        await line.ask("note", text="late", kind="observation")
    assert caught.value.code == "no-step-running"
    assert line.gateway.calls == []


async def test_the_run_can_be_read_at_any_time(line: Line) -> None:
    about = await line.ask("hello")
    assert about["params"] == {"min_block_s": {"type": "integer", "value": 5}}
    assert about["incident"]["id"] == "INC-1"


async def test_a_session_takes_one_call_at_a_time() -> None:
    going = asyncio.Event()
    async with connected(slow(going)) as line:
        line.begin()
        first = asyncio.create_task(line.query())
        await going.wait()
        with pytest.raises(Denied) as caught:
            await line.query()
        assert caught.value.code == "call-in-progress"
        await first
        assert len(line.gateway.calls) == 1


async def test_the_broker_takes_one_call_at_a_time_whatever_the_kernel_does() -> None:
    going = asyncio.Event()
    async with connected(slow(going)) as line:
        line.begin()
        raw = line.socket
        request = {"op": "query", "target": "orders", "sql": "SELECT 1", "params": {}}
        raw.sendall(framed({"id": 1, **request}) + framed({"id": 2, **request}))
        replies = [await asyncio.to_thread(read_reply, raw) for _ in range(2)]
        assert replies[0]["id"] == 2
        assert replies[0]["error"]["code"] == "call-in-progress"
        assert replies[1]["id"] == 1
        assert len(line.gateway.calls) == 1


async def test_a_refusal_reaches_the_notebook_with_its_code_line_and_help() -> None:
    refusal = Denied("That is no read.", code="not-read-only", line="permissions.csv:7")
    async with connected(ScriptedGateway({"/queries": [refusal]})) as line:
        executing = line.begin()
        with pytest.raises(Denied) as caught:
            await line.query("DELETE FROM orders")
        assert (caught.value.code, caught.value.line) == ("not-read-only", "permissions.csv:7")
        assert "execute" in caught.value.help
        assert executing.refused == "not-read-only"


async def test_a_target_s_failure_keeps_its_kind() -> None:
    failed = TargetFailed("relation does not exist", code="target-failed")
    async with connected(ScriptedGateway({"/queries": [failed]})) as line:
        line.begin()
        with pytest.raises(TargetFailed):
            await line.query()


async def test_an_answer_says_how_old_it_is() -> None:
    replayed = answer([1, 2], asked_at="2020-01-01T00:00:00+00:00", replayed=True)
    async with connected(ScriptedGateway({"/queries": [replayed]})) as line:
        line.begin()
        assert (await line.query())["age_s"] > 1_000_000


async def test_the_worst_finding_of_a_step_stands(line: Line) -> None:
    executing = line.begin()
    for status in ("ok", "bad", "ok"):
        await line.ask("finding", status=status, text=status, next="")
    assert executing.finding is not None
    assert executing.finding.status == "bad"


async def test_a_finding_s_words_are_bounded_and_cannot_steer_a_terminal(line: Line) -> None:
    executing = line.begin()
    await line.ask("finding", status="ok", text="\x1b[2J" + "x" * 9_999, next="")
    assert executing.finding is not None
    assert "\x1b" not in executing.finding.text
    assert len(executing.finding.text) < 2_100


async def test_a_note_names_the_answer_that_it_is_about(line: Line) -> None:
    line.begin("blockers")
    await line.ask("note", text="5 wait", kind="observation", about="evt_7")
    [told] = line.gateway.asked("/notes")
    assert told["about"] == "evt_7"
    with pytest.raises(UsageError, match="must be text"):
        await line.ask("note", text="5 wait", kind="observation", about=["evt_7"])


async def test_a_note_goes_to_the_timeline_with_its_step(line: Line) -> None:
    line.begin("blockers")
    await line.ask("note", text="looks like checkout", kind="hypothesis")
    told = {"step": "blockers", "attempt": 1, "text": "looks like checkout", "kind": "hypothesis"}
    assert line.gateway.asked("/notes") == [told]


@pytest.mark.parametrize(
    ("op", "members", "said"),
    [
        ("query", {"target": 1, "sql": "", "params": {}}, "`target` must be text"),
        ("query", {"target": "a", "sql": "b", "params": []}, "`params` must be an object"),
        ("query", {"target": "a", "sql": "b", "params": {"x": 1}}, "no typed value"),
        ("query", {"target": "a", "sql": "b", "params": {}, "max_rows": -1}, "`max_rows`"),
        ("execute", {"target": "a", "sql": "b", "params": {}, "reason": ""}, "`max_rows`"),
        ("finding", {"status": "great", "text": "", "next": ""}, "no finding 'great'"),
        ("drop", {}, "no operation 'drop'"),
    ],
)
async def test_what_makes_no_sense_goes_nowhere(
    line: Line, op: str, members: dict[str, Any], said: str
) -> None:
    line.begin()
    with pytest.raises(UsageError, match=said):
        await line.ask(op, **members)
    assert line.gateway.calls == []


async def test_a_request_without_end_is_read_past_and_refused(line: Line) -> None:
    line.begin()
    with pytest.raises(Denied, match="A call may have") as caught:
        await raw_exchange(line, {"op": "note", "text": "x" * (2 * MAX_REQUEST)})
    assert caught.value.code == "outside-limits"
    with pytest.raises(Denied, match="A call may have"):
        await line.query("x" * MAX_REQUEST)
    await line.query()


async def test_a_request_whose_number_is_no_number_is_answered_all_the_same(line: Line) -> None:
    line.begin()
    half = b'{"id": "\\ud800", "op": "now"}'  # half a surrogate pair, which JSON can say
    await asyncio.to_thread(line.socket.sendall, len(half).to_bytes(4, "big") + half)
    assert (await asyncio.to_thread(read_reply, line.socket))["id"] is None


@pytest.mark.parametrize("garbage", [b"\xff\xff\xff\xff", b"\x00\x00\x00\x04nope"])
async def test_a_kernel_that_breaks_the_protocol_is_hung_up_on(line: Line, garbage: bytes) -> None:
    line.begin()
    line.socket.sendall(garbage)
    await asyncio.sleep(0.05)
    with pytest.raises(Unavailable, match="runner of this notebook is gone"):
        await line.query()
    assert line.gateway.calls == []


async def test_a_call_under_way_when_its_step_ends_is_dropped() -> None:
    going, never = asyncio.Event(), asyncio.Event()
    async with connected(slow(going, never)) as line:
        line.begin()
        call = asyncio.create_task(line.query())
        await going.wait()
        await line.broker.end()
        with pytest.raises(Denied) as caught:
            await call
        assert caught.value.code == "no-step-running"


async def test_the_late_answer_to_an_interrupted_call_is_not_taken_for_the_next(
    line: Line,
) -> None:
    line.begin()
    line.socket.sendall(framed({"id": 0, "op": "now"}))  # asked, then interrupted
    await asyncio.sleep(0.05)
    assert "columns" in await line.query()


# --- what the tests above need ----------------------------------------------------------------


class slow(ScriptedGateway):  # noqa: N801  reads as a word in the tests
    """Says when it was asked, and answers a little later, or never."""

    def __init__(self, going: asyncio.Event, until: asyncio.Event | None = None) -> None:
        super().__init__({"/queries": [answer()]})
        self._going, self._until = going, until

    async def send(self, call: Any) -> dict[str, Any]:
        self._going.set()
        await (self._until.wait() if self._until else asyncio.sleep(0.2))
        return await super().send(call)


def framed(message: dict[str, Any]) -> bytes:
    body = json.dumps(message).encode()
    return struct.pack(">I", len(body)) + body


def read_reply(raw: socket.socket) -> dict[str, Any]:
    size = struct.unpack(">I", raw.recv(4, socket.MSG_WAITALL))[0]
    reply: dict[str, Any] = json.loads(raw.recv(size, socket.MSG_WAITALL))
    return reply


async def raw_exchange(line: Line, message: dict[str, Any]) -> None:
    """Send a request that the session itself would not frame, and raise its answer."""
    raw = line.socket
    await asyncio.to_thread(raw.sendall, framed(message))
    raise error_from_problem((await asyncio.to_thread(read_reply, raw))["error"])


# --- metrics ----------------------------------------------------------------------------------


async def test_a_question_about_metrics_is_stamped_and_counted_like_a_query(line: Line) -> None:
    line.begin("blockers")
    await line.query()
    span = {"start": {"type": "interval", "value": "3600000000us"}}
    lies = {"run": "R-2", "step": "terminate", "sql": "DROP TABLE x"}
    await line.ask(
        "query_metrics", target="metrics", promql="up > :n", params={"n": ONE}, span=span, **lies
    )
    assert line.gateway.asked("/metric-queries") == [
        {
            "run": "R-1",
            "step": "blockers",
            "attempt": 1,
            "ordinal": 1,
            "target": "metrics",
            "promql": "up > :n",
            "params": {"n": ONE},
            "span": span,
        }
    ]


@pytest.mark.parametrize(
    "wrong",
    [
        {"promql": 5},
        {"target": None},
        {"params": []},
        {"params": {"n": 5}},
        {"span": None},
        {"span": {"start": "1h"}},
        {"span": {"until": ONE}},
    ],
)
async def test_a_malformed_question_about_metrics_goes_nowhere(
    line: Line, wrong: dict[str, Any]
) -> None:
    line.begin()
    asked = {"target": "metrics", "promql": "up", "params": {}, "span": {}, **wrong}
    with pytest.raises(UsageError):
        await line.ask("query_metrics", **asked)
    assert line.gateway.asked("/metric-queries") == []


# --- logs -------------------------------------------------------------------------------------


async def test_a_question_about_logs_is_stamped_and_goes_on_with_its_choices(line: Line) -> None:
    line.begin("blockers")
    span = {"start": {"type": "interval", "value": "3600000000us"}}
    asked = {"target": "logs", "logql": "{app=:n}", "params": {"n": ONE}, "span": span}
    chosen = {"limit": 5, "direction": "forward"}
    await line.ask("query_logs", **asked, **chosen, run="R-2", sql="DROP TABLE x")
    assert line.gateway.asked("/log-queries") == [
        {"run": "R-1", "step": "blockers", "attempt": 1, "ordinal": 0, **asked, **chosen}
    ]


@pytest.mark.parametrize(
    "wrong",
    [
        {"logql": 5},
        {"target": None},
        {"params": {"n": 5}},
        {"span": {"until": ONE}},
        {"limit": "5"},
        {"limit": None},
        {"direction": 5},
    ],
)
async def test_a_malformed_question_about_logs_goes_nowhere(
    line: Line, wrong: dict[str, Any]
) -> None:
    line.begin()
    asked = {"target": "logs", "logql": '{app="a"}', "params": {}, "span": {}, **wrong}
    with pytest.raises(UsageError):
        await line.ask("query_logs", **asked)
    assert line.gateway.asked("/log-queries") == []
