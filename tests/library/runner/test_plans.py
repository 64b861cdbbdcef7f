"""A plan from the notebook to the gateway: asked at the end of its block, and waited for."""

import asyncio
from typing import Any

import pytest
from interlock import planning
from interlock.errors import ApprovalDenied, ApprovalExpired, Denied, UsageError
from interlock.planning import Plan
from interlock.runner.progress import Previewed, Settled, Waiting
from kernel_line import Line, connected
from scripted_gateway import Reply, ScriptedGateway, approval

MEMBERS = [
    {"op": "act", "action": "pg.end", "target": "orders", "args": {}, "reason": ""},
    {
        "op": "execute",
        "target": "jobs",
        "sql": "DELETE …",
        "params": {},
        "max_rows": 3,
        "reason": "stuck",
    },
]


def plan(*states: str, version: int = 1) -> dict[str, Any]:
    """Return a plan of two as the gateway shows it."""
    members = [
        approval(state, id=f"A-{place}", target={"name": "orders"}, operation="pg.end")
        for place, state in enumerate(states, start=1)
    ]
    state = states[0] if len(set(states)) == 1 else "mixed"
    return approval(state, version, id="P-1", members=members)


def scripted(*looks: Reply) -> ScriptedGateway:
    """A gateway where a plan waits, and then looks as given."""
    return ScriptedGateway({"/plans": [{"plan": plan("pending", "pending")}], "/P-1": list(looks)})


async def asks(line: Line, members: Any = MEMBERS) -> dict[str, Any]:
    """Ask for a plan as the kernel does."""
    line.begin("pool")
    return await line.ask("plan", reason="free, then feed", members=members)


async def test_it_is_one_call_and_nothing_is_executed() -> None:
    gateway = scripted(plan("pending", "pending"), plan("approved", "approved", version=4))
    async with connected(gateway) as line:
        answer = await asks(line)
        assert answer["plan"] == "P-1"
        assert [one["approval"] for one in answer["members"]] == ["A-1", "A-2"]
        assert gateway.paths == ["plans", "plans/P-1", "plans/P-1"]
        (body,) = gateway.asked("/plans")
        assert (body["step"], body["ordinal"], body["reason"]) == ("pool", 0, "free, then feed")
        assert [one.get("action", one.get("sql")) for one in body["members"]] == [
            "pg.end",
            "DELETE …",
        ]
        assert all("op" not in one for one in body["members"])


async def test_waiting_is_said_in_one_line_with_the_page_of_the_whole() -> None:
    async with connected(scripted(plan("approved", "approved", version=4))) as line:
        await asks(line)
        said = line.said[0]  # then how it was settled
        assert said.startswith("… P-1 waits for approver or colleague (one dba)")
        assert "http://gateway/approvals/plan/P-1" in said
        assert "P-1" in said.rpartition("interlock approvals")[2]
        assert [type(told) for told in line.told] == [Waiting, Settled]


@pytest.mark.parametrize(
    ("states", "error"),
    [
        (("denied", "denied"), ApprovalDenied),
        (("expired", "expired"), ApprovalExpired),
        (("approved", "expired"), ApprovalExpired),
    ],
)
async def test_a_plan_that_is_not_granted_whole_is_an_error_that_names_it(
    states: tuple[str, ...], error: type[Exception]
) -> None:
    async with connected(scripted(plan(*states, version=4))) as line:
        with pytest.raises(error, match=r"P-1 \(A-\d\) was"):
            await asks(line)


async def test_what_was_used_already_does_not_stop_a_run_that_asks_again() -> None:
    async with connected(scripted(plan("succeeded", "approved", version=6))) as line:
        assert [one["state"] for one in (await asks(line))["members"]] == ["succeeded", "approved"]


async def test_a_refusal_reaches_the_notebook_as_it_is() -> None:
    gateway = ScriptedGateway({"/plans": [Denied("because of 2 of 2", code="not-in-manifest")]})
    async with connected(gateway) as line:
        with pytest.raises(Denied, match="because of 2 of 2"):
            await asks(line)


async def test_a_dry_run_shows_each_of_them() -> None:
    shown = {"state": "previewed", "columns": [], "rows": [], "statement": "DELETE …"}
    outcome = {"plan": "", "state": "previewed", "members": [shown, shown]}
    async with connected(ScriptedGateway({"/plans": [{"outcome": outcome}]})) as line:
        assert await asks(line) == outcome
        assert [type(told) for told in line.told] == [Previewed, Previewed]


@pytest.mark.parametrize(
    "members",
    [None, {}, ["act"], [{}], [{"op": "query", "target": "orders", "reason": ""}], [MEMBERS]],
)
async def test_what_a_kernel_makes_up_goes_nowhere(members: Any) -> None:
    gateway = scripted(plan("approved", "approved"))
    async with connected(gateway) as line:
        with pytest.raises(UsageError):
            await asks(line, members)
        assert gateway.paths == []


# --- in a notebook ----------------------------------------------------------------------------


async def in_a_cell(line: Line, monkeypatch: pytest.MonkeyPatch, work: Any) -> Any:
    """Do `work` as a cell would, with a session of its own."""
    monkeypatch.setattr(planning, "current", lambda: line.session)
    line.begin("pool")
    return await asyncio.to_thread(work)


def block(reason: str = "free, then feed") -> Plan:
    """Run the block of a plan."""
    with planning.plan(reason) as steps:
        steps.act("pg.end", target="orders", pid=7)
        steps.execute("jobs", "DELETE …", max_rows=3, reason="stuck")
    return steps


async def test_the_block_asks_at_its_end_and_says_what_is_granted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    gateway = scripted(plan("approved", "approved", version=4))
    async with connected(gateway) as line:
        steps = await in_a_cell(line, monkeypatch, block)
        (body,) = gateway.asked("/plans")
        assert body["members"][0]["args"] == {"pid": {"type": "integer", "value": 7}}
        assert (body["members"][1]["max_rows"], body["members"][1]["reason"]) == (3, "stuck")
        assert (steps.id, steps.approvals) == ("P-1", ("A-1", "A-2"))
        assert line.said[-1].splitlines() == [
            "✔ P-1 is approved; the same calls use it, each once",
            "  A-1  pg.end on orders",
            "  A-2  pg.end on orders",
        ]
        with pytest.raises(UsageError, match="asked for already"):
            steps.act("pg.end", target="orders")


async def test_a_block_that_fails_asks_for_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails() -> None:
        with planning.plan("why") as steps:
            steps.act("pg.end", target="orders")
            raise KeyError("pid")

    gateway = scripted()
    async with connected(gateway) as line:
        with pytest.raises(KeyError):
            await in_a_cell(line, monkeypatch, fails)
        assert gateway.paths == []


def test_an_empty_plan_and_one_too_long_are_refused_at_once() -> None:
    steps = planning.plan("why")
    with pytest.raises(UsageError, match="asks for nothing"), steps:
        pass
    for _ in range(10):
        steps.act("pg.end", target="orders")
    with pytest.raises(UsageError, match="at most 10"):
        steps.act("pg.end", target="orders")
    assert repr(steps) == "plan of 10, not asked for yet"


def test_a_value_without_a_type_is_refused_where_it_stands() -> None:
    with pytest.raises(UsageError):
        planning.plan("why").act("pg.end", target="orders", pid=object())
