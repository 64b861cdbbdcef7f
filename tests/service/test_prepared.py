"""What a deed did is durable before its COMMIT, and an unknown outcome is proven by it, or not."""

import asyncio
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from interlock_gateway.core.model import Before, Column, Rows, Statement, Stored
from interlock_gateway.service.ports import StoreUnwritableError
from interlock_gateway.service.records import ApprovalRow
from interlock_gateway.service.targets import (
    Became,
    Deed,
    OutcomeUnknownError,
    Proof,
    TargetError,
)
from support.house import House, RunAt, Someone

NAMES = {"xid": "4711", "system": "7000", "timeline": "00000001"}
UNDO = """UPDATE "jobs" SET "state" = 'stuck' WHERE "id" = 0;"""


def _job(statement: Statement) -> Rows:
    """Answer that one job would change."""
    if statement.text.startswith("SELECT count(*)"):
        return Rows((Column("count", "integer"),), ((1,),))
    return Rows((Column("id", "integer"), Column("state", "text")), ((0, "stuck"),))


def _never(_deed: Deed) -> Rows:
    raise AssertionError("COMMIT was sent.")


def _lost(_deed: Deed) -> Rows:
    raise OutcomeUnknownError("The deed was sent, then the line was lost.")


@pytest.fixture
async def requeued(home: House, run: RunAt, approver: Someone) -> str:
    """A grant for a change of one row by free SQL, at a target that knows its transactions."""
    home.target.answer = _job
    home.target.transaction = NAMES
    home.target.before = lambda deed: Before(
        _job(deed.statement), (Stored("id", key=True), Stored("state"))
    )
    home.target.deed = lambda deed: Rows((), (), affected=deed.rows)
    await run.starts("requeue")
    approval = str((await run.post("/v1/executions", run.mutates()))["approval"]["id"])
    await approver.vote(approval)
    return approval


async def _use(run: RunAt, approval: str) -> dict[str, Any]:
    answer: dict[str, Any] = (
        await run.call("POST", f"/v1/approvals/{approval}/execute", {})
    ).json()
    return answer


async def _state(home: House, approval: str) -> str:
    row = await home.store.read(lambda tx: tx.get(ApprovalRow, approval))
    assert row is not None
    return row.state


def _says(home: House, became: Became) -> None:
    home.target.proof = lambda: Proof(became, f"The target says: {became}.")


# --- durable before COMMIT ----------------------------------------------------------------------


async def test_what_the_rows_were_is_durable_before_the_commit(
    home: House, requeued: str, run: RunAt, incident: str
) -> None:
    seen: list[dict[str, Any]] = []

    def at_the_commit(deed: Deed) -> Rows:
        found = home.store._ask(lambda tx: tx.events(incident))  # noqa: SLF001  as another process would see it
        (event,) = [one for one in found if b"action.prepared" in one.body]
        (content,) = [part[1] for part in event.parts.values() if part]
        seen.append(json.loads(event.body)["data"] | {"rows": json.loads(content)["rows"]})
        return Rows((), (), affected=deed.rows)

    home.target.deed = at_the_commit
    await run.post(f"/v1/approvals/{requeued}/execute")

    (told,) = seen
    assert told["rows"] == [[0, "stuck"]]
    assert (told["affected"], told["transaction_xid"]) == (1, "4711")
    assert (await home.kinds(incident))[-3:] == [
        *("action.started", "action.prepared", "action.succeeded"),
    ]


async def test_what_cannot_be_kept_is_rolled_back(
    home: House, requeued: str, run: RunAt, monkeypatch: pytest.MonkeyPatch, incident: str
) -> None:
    commit = home.store.commit

    def full(_deed: Deed) -> None:
        async def refuse(_unit: object) -> None:
            monkeypatch.setattr(home.store, "commit", commit)
            raise StoreUnwritableError("disk full")

        monkeypatch.setattr(home.store, "commit", refuse)

    home.target.before = full
    home.target.deed = _never
    answer = await _use(run, requeued)

    assert answer["code"] == "store-unwritable"
    assert "rolled back: disk full" in answer["detail"]
    assert await _state(home, requeued) == "failed"
    assert (await home.kinds(incident))[-2:] == ["action.started", "action.failed"]


async def test_a_store_that_stays_full_is_not_called_done(
    home: House, requeued: str, run: RunAt, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = home.store.commit

    def full(_deed: Deed) -> None:
        async def refuse(_unit: object) -> None:
            raise StoreUnwritableError("disk full")

        monkeypatch.setattr(home.store, "commit", refuse)

    home.target.before = full
    answer = await _use(run, requeued)
    assert answer["code"] == "store-unwritable"
    assert answer["detail"].startswith("Nothing was changed, but that could not be recorded.")

    monkeypatch.setattr(home.store, "commit", commit)
    assert await home.gateway.execution.recover(timedelta(0)) == 1
    assert await home.gateway.reconciling.prove() == 1  # it never came to its COMMIT
    assert (await _use(run, requeued))["code"] == "target-failed"


async def test_a_deed_that_was_taken_for_lost_is_not_committed_any_more(
    home: House, requeued: str, run: RunAt
) -> None:
    """Another gateway gave it up: whatever it wrote, this one must not make it last."""
    home.target.held = asyncio.Event()
    using = asyncio.create_task(_use(run, requeued))
    await home.target.begun.wait()
    row = await home.store.read(lambda tx: tx.get(ApprovalRow, requeued))
    assert row is not None
    changed = {"state": "outcome_unknown", "version": row.version + 1}
    await home.store.commit(lambda tx: tx.change(row, **changed))
    home.target.deed = _never
    home.target.held.set()

    assert (await using)["code"] == "outcome-unknown"
    assert await home.gateway.reconciling.prove() == 1
    assert (await _use(run, requeued))["code"] == "target-failed"


# --- proven -----------------------------------------------------------------------------------


async def test_a_committed_deed_is_proven_and_what_takes_it_back_is_offered(
    home: House, requeued: str, run: RunAt, incident: str
) -> None:
    home.target.deed = _lost
    assert (await _use(run, requeued))["code"] == "outcome-unknown"
    _says(home, Became.COMMITTED)

    assert await home.gateway.reconciling.prove() == 1

    assert home.target.asked_for_proof == [NAMES]
    assert await _state(home, requeued) == "resolved"
    answer = await _use(run, requeued)
    assert (answer["state"], answer["affected"], answer["undo_sql"]) == ("succeeded", 1, UNDO)
    assert answer["verify"]["message"] == "The target says: committed."
    proven = (await home.timeline(incident))[-1]
    assert (proven["type"], proven["authid"]) == ("action.proven", "system")
    assert proven["data"]["outcome"] == "succeeded"
    assert len(home.target.deeds) == 1
    assert await home.gateway.reconciling.prove() == 0


async def test_a_deed_that_was_rolled_back_is_proven_without_effect(
    home: House, requeued: str, run: RunAt
) -> None:
    home.target.deed = _lost
    await _use(run, requeued)
    _says(home, Became.ROLLED_BACK)

    assert await home.gateway.reconciling.prove() == 1

    answer = await _use(run, requeued)
    assert answer["code"] == "target-failed"
    assert "It is proven that nothing changed" in answer["detail"]
    again = await run.post("/v1/executions", run.mutates(ordinal=1))
    assert again["approval"]["state"] == "pending"  # and it may be asked for again


async def test_what_the_target_does_not_know_stays_unknown_for_a_person(
    home: House, requeued: str, run: RunAt, responder: Someone
) -> None:
    home.target.deed = _lost
    await _use(run, requeued)
    for _ in range(3):
        assert await home.gateway.reconciling.prove() == 0
        home.clock.pass_time(seconds=5)
    assert len(home.target.asked_for_proof) == 1  # not every second: it does not know
    assert await _state(home, requeued) == "outcome_unknown"

    said = {"outcome": "succeeded", "reason": "the rows say so"}
    await responder.post(f"/v1/approvals/{requeued}/resolve", said)
    home.clock.pass_time(seconds=700)
    assert await home.gateway.reconciling.prove() == 0
    assert len(home.target.asked_for_proof) == 1


@pytest.mark.parametrize("trouble", ["open", "unreachable"])
async def test_what_is_still_open_is_asked_again_less_and_less_often(
    home: House, requeued: str, run: RunAt, trouble: str
) -> None:
    def unreachable() -> Proof:
        raise TargetError("target-unreachable", "Nobody listens.")

    home.target.deed = _lost
    await _use(run, requeued)
    _says(home, Became.OPEN)
    if trouble == "unreachable":
        home.target.proof = unreachable
    for _ in range(200):
        assert await home.gateway.reconciling.prove() == 0
        home.clock.pass_time(seconds=1)
    assert 6 <= len(home.target.asked_for_proof) <= 12

    _says(home, Became.COMMITTED)
    home.clock.pass_time(seconds=60)
    assert await home.gateway.reconciling.prove() == 1


async def test_a_signal_that_was_rolled_back_may_have_been_sent(
    home: House, asked: str, approver: Someone, run: RunAt
) -> None:
    await approver.vote(asked)
    home.target.transaction = NAMES
    home.target.deed = _lost
    await _use(run, asked)
    _says(home, Became.ROLLED_BACK)

    assert await home.gateway.reconciling.prove() == 0
    assert await _state(home, asked) == "outcome_unknown"


async def test_a_signal_that_nobody_prepared_may_have_been_sent(
    home: House, asked: str, approver: Someone, run: RunAt
) -> None:
    await approver.vote(asked)

    def lost_early(_deed: Deed) -> None:
        raise OutcomeUnknownError("The line was lost.")

    home.target.before = lost_early
    await _use(run, asked)
    assert await home.gateway.reconciling.prove() == 0
    assert home.target.asked_for_proof == []
    assert await _state(home, asked) == "outcome_unknown"


async def test_a_deed_of_an_earlier_version_is_left_to_a_person(
    home: House, requeued: str
) -> None:
    """It has no row that says how far it came, so that nothing is prepared proves nothing."""
    row = await home.store.read(lambda tx: tx.get(ApprovalRow, requeued))
    assert row is not None
    begun = {"state": "executing", "version": row.version + 1, "started_at": home.clock.now()}
    await home.store.commit(lambda tx: tx.change(row, **begun))
    assert await home.gateway.execution.recover(timedelta(0)) == 1

    assert await home.gateway.reconciling.prove() == 0
    assert await _state(home, requeued) == "outcome_unknown"


async def test_an_undo_that_was_changed_in_the_store_is_not_offered(
    home: House, requeued: str, run: RunAt, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.target.deed = _lost
    await _use(run, requeued)
    _says(home, Became.COMMITTED)

    def broken(_sealed: bytes, label: str) -> bytes:
        if label.endswith("/undo"):
            raise ValueError("changed")
        return opens(_sealed, label)

    seal = home.gateway.reconciling._seal  # noqa: SLF001  the seal is what is broken here
    opens = seal.open
    monkeypatch.setattr(type(seal), "open", lambda _, sealed, label: broken(sealed, label))
    assert await home.gateway.reconciling.prove() == 1
    assert "undo_sql" not in await _use(run, requeued)


# --- proven by the verify query -----------------------------------------------------------------


def _session(*, there: bool) -> Callable[[Statement], Rows]:
    """Answer each read as if the session were there; the verify query as it is."""

    def answer(statement: Statement) -> Rows:
        verify = statement.text.startswith("SELECT pid FROM pg_stat_activity WHERE")
        rows = () if verify and not there else ((4711,),)
        return Rows((Column("pid", "integer"),), rows)

    return answer


async def test_a_verify_query_that_did_not_hold_right_before_and_holds_soon_after_proves_it(
    home: House, asked: str, approver: Someone, run: RunAt, incident: str
) -> None:
    home.target.answer = _session(there=True)
    home.target.deed = _lost
    await approver.vote(asked)
    await _use(run, asked)
    assert await home.gateway.reconciling.prove() == 0  # it is still there: that proves nothing
    assert await _state(home, asked) == "outcome_unknown"

    home.target.answer = _session(there=False)
    home.clock.pass_time(seconds=5)
    assert await home.gateway.reconciling.prove() == 1
    assert await _state(home, asked) == "resolved"
    assert (await home.kinds(incident))[-1] == "action.proven"
    answer = await _use(run, asked)
    assert "did not hold right before and does now" in answer["verify"]["message"]


async def test_a_verify_query_that_held_before_proves_nothing(
    home: House, asked: str, approver: Someone, run: RunAt
) -> None:
    home.target.answer = _session(there=False)
    home.target.deed = _lost
    await approver.vote(asked)
    await _use(run, asked)
    assert await home.gateway.reconciling.prove() == 0
    assert await _state(home, asked) == "outcome_unknown"


async def test_a_verify_query_that_holds_much_later_may_hold_for_another_reason(
    home: House, asked: str, approver: Someone, run: RunAt
) -> None:
    home.target.answer = _session(there=True)
    home.target.deed = _lost
    await approver.vote(asked)
    await _use(run, asked)
    home.target.answer = _session(there=False)
    home.clock.pass_time(minutes=16)
    assert await home.gateway.reconciling.prove() == 0
    assert await _state(home, asked) == "outcome_unknown"


async def test_what_the_target_says_of_the_transaction_goes_before_the_verify_query(
    home: House, requeued: str, run: RunAt
) -> None:
    home.target.deed = _lost
    await _use(run, requeued)
    _says(home, Became.ROLLED_BACK)
    assert await home.gateway.reconciling.prove() == 1
    assert (await _use(run, requeued))["code"] == "target-failed"
