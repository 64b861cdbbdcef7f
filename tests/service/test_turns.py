"""Two actions on one target never run at once; the second waits, and keeps its grant."""

import asyncio
from datetime import timedelta

import pytest
from interlock_gateway.core.model import Rows
from interlock_gateway.service import turns
from interlock_gateway.service.records import ApprovalRow
from interlock_gateway.service.targets import Deed
from support.house import TERMINATE, House, RunAt, Someone


@pytest.fixture
async def granted(home: House, run: RunAt, approver: Someone) -> list[str]:
    """Three grants for the same target, each to end another session."""
    file = home.folder / "policies/actions/pg.terminate_backend.toml"
    file.write_text(file.read_text().replace("cooldown_s = 5", "cooldown_s = 0"))
    assert home.policies.reload() == ()
    await run.starts("terminate")
    found = []
    for ordinal in range(3):
        args = TERMINATE | {"pid": {"type": "integer", "value": 4711 + ordinal}}
        answer = await run.post("/v1/actions", run.wishes(ordinal=ordinal, args=args))
        found.append(str(answer["approval"]["id"]))
        assert (await approver.vote(found[-1])).json()["state"] == "approved"
    return found


async def _use(run: RunAt, approval: str) -> dict[str, str]:
    answer: dict[str, str] = (
        await run.call("POST", f"/v1/approvals/{approval}/execute", {})
    ).json()
    return answer


async def test_the_second_is_told_what_runs_and_keeps_its_grant(
    home: House, granted: list[str], run: RunAt, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "_LOOKS", 3)
    home.target.held = asyncio.Event()
    first = asyncio.create_task(_use(run, granted[0]))
    await home.target.begun.wait()

    refused = await _use(run, granted[1])
    assert refused["code"] == "target-busy"
    assert f"running on orders: {granted[0]} (pg.terminate_backend) since 20" in refused["detail"]
    assert "its approval was not used up" in refused["detail"]
    assert len(home.target.deeds) == 1
    row = await home.store.read(lambda tx: tx.get(ApprovalRow, granted[1]))
    assert row is not None
    assert row.state == "approved"

    home.target.held.set()
    assert (await first)["state"] == "succeeded"
    assert (await _use(run, granted[1]))["state"] == "succeeded"


async def test_who_waits_runs_as_soon_as_the_other_has_ended(
    home: House, granted: list[str], run: RunAt
) -> None:
    home.target.held = asyncio.Event()
    first = asyncio.create_task(_use(run, granted[0]))
    await home.target.begun.wait()
    second = asyncio.create_task(_use(run, granted[1]))
    await asyncio.sleep(0.1)
    assert len(home.target.deeds) == 1
    home.target.held.set()

    assert [(await one)["state"] for one in (first, second)] == ["succeeded", "succeeded"]


async def test_of_many_at_once_one_runs_at_a_time_and_each_once(
    home: House, granted: list[str], run: RunAt
) -> None:
    under_way: set[str] = set()
    most: list[int] = []

    def watched(deed: Deed) -> Rows:
        found = home.store._ask(  # noqa: SLF001  as another process would see it
            lambda tx: tx.rows(ApprovalRow, state="executing")
        )
        under_way.update(row.id for row in found)
        most.append(len(found))
        return Rows((), (), affected=deed.rows)

    home.target.deed = watched
    calls = [_use(run, approval) for approval in granted for _ in range(4)]
    answers = await asyncio.gather(*calls)

    assert most == [1, 1, 1]
    assert under_way == set(granted)
    done = [one for one in answers if "replayed" not in one and one.get("state") == "succeeded"]
    assert len(done) == 3
    assert {one["code"] for one in answers if "code" in one} <= {"approval-used"}


async def test_what_was_looked_at_before_the_wait_is_looked_at_again(
    home: House, granted: list[str], run: RunAt
) -> None:
    """The precheck holds right before the deed, not before ten seconds of waiting."""
    home.target.held = asyncio.Event()
    first = asyncio.create_task(_use(run, granted[0]))
    await home.target.begun.wait()
    second = asyncio.create_task(_use(run, granted[1]))
    await asyncio.sleep(0.1)
    home.target.answer = lambda _: Rows((), ())  # the session has gone meanwhile
    home.target.held.set()

    await first
    assert (await second)["code"] == "approval-invalidated"
    assert len(home.target.deeds) == 1


async def test_reads_do_not_wait(
    home: House, granted: list[str], run: RunAt, responder: Someone, incident: str
) -> None:
    home.target.held = asyncio.Event()
    first = asyncio.create_task(_use(run, granted[0]))
    await home.target.begun.wait()
    other = await responder.runs(incident, "small")
    await other.starts("activity")
    answer = await other.post("/v1/queries", other.asks("SELECT 1 AS one", "activity"))
    assert answer["rows"]
    home.target.held.set()
    assert (await first)["state"] == "succeeded"


async def test_who_died_over_it_is_freed(
    home: House, granted: list[str], run: RunAt, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "_LOOKS", 2)
    row = await home.store.read(lambda tx: tx.get(ApprovalRow, granted[0]))
    assert row is not None
    dead = {"state": "executing", "version": row.version + 1, "started_at": home.clock.now()}
    await home.store.commit(lambda tx: tx.change(row, **dead))
    assert (await _use(run, granted[1]))["code"] == "target-busy"

    assert await home.gateway.execution.recover(timedelta(0)) == 1
    assert (await _use(run, granted[1]))["state"] == "succeeded"
