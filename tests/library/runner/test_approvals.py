"""From asking to the outcome: waiting for people, executing once, never blindly again."""

import asyncio
from typing import Any

import pytest
from interlock.client import Call
from interlock.errors import (
    ApprovalDenied,
    ApprovalExpired,
    ApprovalWithdrawn,
    Denied,
    InterlockError,
    OutcomeUnknown,
    TargetFailed,
    Unavailable,
)
from interlock.runner.progress import GatewayUnreachable, Queued, Settled, Waiting
from kernel_line import Line, connected
from scripted_gateway import Reply, ScriptedGateway, approval

ASKED: list[Reply] = [{"approval": approval()}]
DONE: dict[str, Any] = {"approval": "A-1", "state": "succeeded", "affected": 1}
LOST = Unavailable("The connection to the gateway was lost.")


async def act(line: Line) -> dict[str, Any]:
    """Ask for an action as the kernel does."""
    line.begin("terminate-root")
    return await line.ask(
        "act", action="pg.terminate_backend", target="orders", args={}, reason="blocks 5"
    )


def scripted(*looks: Reply, execute: list[Reply] | None = None) -> ScriptedGateway:
    """A gateway where an action awaits approval, which then looks as given."""
    script = {"/actions": ASKED, "/A-1": list(looks), "/execute": execute or [DONE]}
    return ScriptedGateway(script)


async def test_an_action_waits_is_executed_once_and_tells_what_came_of_it() -> None:
    async with connected(scripted(approval(), approval("approved", 2))) as line:
        assert (await act(line))["affected"] == 1
        assert line.gateway.paths == [
            "actions",
            "approvals/A-1",
            "approvals/A-1",
            "approvals/A-1/execute",
        ]


async def test_waiting_is_said_in_one_line_with_who_until_when_and_how() -> None:
    async with connected(scripted(approval(), approval(), approval("approved", 2))) as line:
        await act(line)
        who = "… A-1 waits for approver or colleague (one dba) "
        when = "since 00:00:00 UTC until 00:15:00 UTC: "
        how = "http://gateway/approvals/A-1 · interlock approvals show A-1"
        waits, ended = line.said
        assert waits == who + when + how
        assert ended.startswith("✔ A-1 approved after ")
        kinds = [type(told) for told in line.told]
        assert kinds == [Waiting, Settled]


async def test_a_statement_is_requested_with_its_row_limit_and_reason() -> None:
    script: dict[str, list[Reply]] = {
        "/executions": [{"approval": approval("approved")}],
        "/execute": [DONE],
    }
    async with connected(ScriptedGateway(script)) as line:
        line.begin("mend")
        await line.ask(
            "execute", target="orders", sql="DELETE …", params={}, max_rows=3, reason="stuck"
        )
        body = line.gateway.asked("/executions")[0]
        assert (body["max_rows"], body["reason"], body["step"]) == (3, "stuck", "mend")


@pytest.mark.parametrize(
    ("state", "error"),
    [
        ("denied", ApprovalDenied),
        ("expired", ApprovalExpired),
        ("withdrawn", ApprovalWithdrawn),
        ("revoked", ApprovalWithdrawn),
        ("invalidated", ApprovalWithdrawn),
        ("something_new", InterlockError),
    ],
)
async def test_every_other_end_is_an_error_and_executes_nothing(
    state: str, error: type[InterlockError]
) -> None:
    ended = approval(state, 2, reason="not now")
    async with connected(scripted(ended)) as line:
        with pytest.raises(error) as caught:
            await act(line)
        assert "not now" in str(caught.value)
        assert "approvals/A-1/execute" not in line.gateway.paths


async def test_the_end_of_a_wait_says_by_whom_or_why_and_steers_no_terminal() -> None:
    votes = [{"person": "approver", "vote": "approve"}, {"person": "bob", "vote": "approve"}]
    async with connected(scripted(approval("approved", 2, votes=votes))) as line:
        await act(line)
        assert line.said[-1].endswith(" s by approver and bob")
    denied = approval(
        "denied", 2, votes=[{"person": "bob", "vote": "deny"}], reason="no\x1b[2J\u202e"
    )
    async with connected(scripted(denied)) as line:
        with pytest.raises(ApprovalDenied):
            await act(line)
        assert line.said[-1].startswith("✖ A-1 denied after ")
        assert line.said[-1].endswith(" s by bob: no\\x1b[2J\\u202e")


async def test_a_step_s_time_stands_still_while_people_decide() -> None:
    async with connected(Pondering({"/actions": ASKED, "/execute": [DONE]})) as line:
        line.begin("terminate-root", timeout_s=0.2)
        await line.ask("act", action="a", target="orders", args={}, reason="")
        assert line.expired == []
        await asyncio.sleep(0.25)
        assert line.expired == [True]


async def test_a_lost_answer_to_execute_is_looked_up_before_anything_else() -> None:
    looks: list[Reply] = [
        *(approval("approved", 2), approval("executing", 3), approval("succeeded", 4)),
    ]
    async with connected(scripted(*looks, execute=[LOST, DONE])) as line:
        assert (await act(line))["affected"] == 1
        assert line.gateway.paths[2:] == [
            "approvals/A-1/execute",
            "approvals/A-1",  # executing: so it did arrive, and must not be sent again
            "approvals/A-1",  # succeeded: it cannot run any more, and gives its recorded outcome
            "approvals/A-1/execute",
        ]


async def test_an_execution_that_never_arrived_is_sent_again() -> None:
    looks: list[Reply] = [approval("approved", 2)]
    async with connected(scripted(*looks, execute=[LOST, DONE])) as line:
        assert (await act(line))["affected"] == 1
        assert line.gateway.paths.count("approvals/A-1/execute") == 2


@pytest.mark.parametrize(
    ("state", "error"),
    [("failed", TargetFailed("It failed.")), ("outcome_unknown", OutcomeUnknown("Unknown."))],
)
async def test_a_grant_that_was_used_gives_what_is_recorded_of_it(
    state: str, error: InterlockError
) -> None:
    looks: list[Reply] = [approval("approved", 2), approval(state, 4)]
    used = Denied("This grant was used.", code="approval-used")
    async with connected(scripted(*looks, execute=[used, error])) as line:
        with pytest.raises(type(error)):
            await act(line)


async def test_a_refused_execution_is_the_notebook_s_error() -> None:
    gone = Denied("The backend has gone.", code="precondition-failed")
    async with connected(scripted(approval("approved", 2), execute=[gone])) as line:
        with pytest.raises(Denied, match="backend has gone"):
            await act(line)


async def test_while_another_action_runs_there_it_is_said_once_and_asked_again() -> None:
    words = "Another action is running on orders: A-7 (queue.requeue_stuck)."
    busy = Denied(words, code="target-busy")
    async with connected(
        scripted(approval("approved", 2), execute=[busy, busy, busy, DONE])
    ) as line:
        assert (await act(line))["affected"] == 1
        assert line.gateway.paths.count("approvals/A-1/execute") == 4
        assert [type(told) for told in line.told].count(Queued) == 1
        assert line.said[2:] == [f"… {words} It runs as soon as that one has ended."]


async def test_waiting_survives_a_gateway_that_goes_and_comes_back() -> None:
    async with connected(scripted(approval(), approval("approved", 2))) as line:
        going = asyncio.create_task(act(line))
        await asyncio.sleep(0.01)
        line.gateway.down = True
        await asyncio.sleep(0.8)
        line.gateway.down = False
        assert (await going)["affected"] == 1
        assert [type(told) for told in line.told].count(GatewayUnreachable) == 1
        assert any("gateway unreachable since" in said for said in line.said)


class Pondering(ScriptedGateway):
    """Lets half a second pass before somebody approves."""

    async def send(self, call: Call) -> dict[str, Any]:
        if call.path.endswith("/A-1"):
            await asyncio.sleep(0.5)
            return approval("approved", 2)
        return await super().send(call)
