"""Using a grant: once, only for what was approved, only while it is still allowed."""

import asyncio
from datetime import timedelta

import pytest
from interlock_gateway.core.model import Column, Rows, Statement
from interlock_gateway.service.ports import StoreUnwritableError
from interlock_gateway.service.records import ApprovalRow
from interlock_gateway.service.targets import Deed, OutcomeUnknownError, TargetError
from support.house import BACKEND_START, House, RunAt, Someone


@pytest.fixture
async def granted(asked: str, approver: Someone) -> str:
    """An approved request, not yet used."""
    assert (await approver.vote(asked)).json()["state"] == "approved"
    return asked


async def _use(run: RunAt, approval: str) -> str:
    return await run.refused(f"/v1/approvals/{approval}/execute")


async def _state(home: House, approval: str) -> str:
    row = await home.store.read(lambda tx: tx.get(ApprovalRow, approval))
    assert row is not None
    return row.state


async def test_the_stored_bytes_are_executed_and_verified(
    home: House, granted: str, run: RunAt, incident: str
) -> None:
    answer = await run.post(f"/v1/approvals/{granted}/execute")

    assert answer["state"] == "succeeded"
    assert answer["verify"]["verified"] is True
    (deed,) = home.target.deeds
    assert "pg_terminate_backend(pid)" in deed.statement.text
    assert deed.values == {
        "pid": {"type": "integer", "value": 4711},
        "backend_start": {"type": "timestamptz", "value": BACKEND_START},
    }
    kinds = await home.kinds(incident)
    assert kinds[-3:] == ["action.started", "action.prepared", "action.succeeded"]


async def test_the_intent_is_durable_before_the_deed(
    home: House, granted: str, run: RunAt, incident: str
) -> None:
    seen: list[int] = []

    def watch(_deed: Deed) -> Rows:
        found = home.store._ask(lambda tx: tx.events(incident))  # noqa: SLF001  as another process would see it
        seen.append(sum(b"action.started" in event.body for event in found))
        return Rows((Column("ok", "boolean"),), ((True,),))

    home.target.deed = watch
    await run.post(f"/v1/approvals/{granted}/execute")
    assert seen == [1]


async def test_a_pending_or_denied_request_is_no_grant(
    home: House, asked: str, approver: Someone, run: RunAt
) -> None:
    assert await _use(run, asked) == "approval-not-granted"
    await approver.vote(asked, "deny")
    assert await _use(run, asked) == "approval-denied"
    assert home.target.deeds == []


async def test_a_grant_expires(home: House, granted: str, run: RunAt) -> None:
    home.clock.pass_time(minutes=5)
    assert await _use(run, granted) == "approval-expired"
    assert home.target.deeds == []


async def test_a_grant_works_once_and_a_retry_gets_the_outcome(
    home: House, granted: str, run: RunAt
) -> None:
    first = await run.post(f"/v1/approvals/{granted}/execute")
    second = await run.post(f"/v1/approvals/{granted}/execute")
    assert second["replayed"]
    assert second["verify"] == first["verify"]
    assert len(home.target.deeds) == 1


async def test_of_twenty_at_once_exactly_one_acts(home: House, granted: str, run: RunAt) -> None:
    path = f"/v1/approvals/{granted}/execute"
    responses = await asyncio.gather(*(run.call("POST", path, {}) for _ in range(20)))
    assert len(home.target.deeds) == 1
    won = [one for one in responses if one.status_code == 200 and "replayed" not in one.json()]
    assert len(won) == 1
    lost = {one.json()["code"] for one in responses if one.is_error}
    assert lost <= {"approval-used"}


async def test_another_run_cannot_use_it(
    home: House, granted: str, responder: Someone, incident: str
) -> None:
    other = await responder.runs(incident, "small")
    assert await _use(other, granted) == "run-token-mismatch"
    assert await responder.refused(f"/v1/approvals/{granted}/execute") == "run-token-mismatch"
    assert home.target.deeds == []


async def test_the_call_cannot_carry_anything_to_execute(granted: str, run: RunAt) -> None:
    body = {"sql": "DROP TABLE t"}
    assert await run.refused(f"/v1/approvals/{granted}/execute", body) == "bad-request"


async def test_changed_stored_bytes_are_not_executed(
    home: House, granted: str, run: RunAt
) -> None:
    row = await home.store.read(lambda tx: tx.get(ApprovalRow, granted))
    assert row is not None
    changed = row.sealed[:-1] + bytes([row.sealed[-1] ^ 1])
    await home.store.commit(lambda tx: tx.change(row, sealed=changed))
    assert await _use(run, granted) == "approval-invalidated"
    assert home.target.deeds == []
    assert await _state(home, granted) == "invalidated"


async def test_the_bytes_of_another_approval_are_not_executed(
    home: House, granted: str, run: RunAt, responder: Someone, incident: str
) -> None:
    """Sealed bytes are bound to their approval, so they cannot be swapped."""
    other = await responder.runs(incident, "small")
    await other.starts("terminate")
    home.clock.pass_time(seconds=10)
    args = {
        "pid": {"type": "integer", "value": 1},
        "backend_start": {"type": "timestamptz", "value": BACKEND_START},
    }
    second = (await other.post("/v1/actions", other.wishes(args=args)))["approval"]["id"]
    stolen = await home.store.read(lambda tx: tx.get(ApprovalRow, second))
    row = await home.store.read(lambda tx: tx.get(ApprovalRow, granted))
    assert stolen is not None
    assert row is not None
    await home.store.commit(lambda tx: tx.change(row, sealed=stolen.sealed, digest=stolen.digest))
    assert await _use(run, granted) == "approval-invalidated"
    assert home.target.deeds == []


async def test_a_changed_rule_voids_the_grant(home: House, granted: str, run: RunAt) -> None:
    rules = home.folder / "policies" / "approvals.toml"
    rules.write_text(rules.read_text().replace('\nuse_within = "5m"', '\nuse_within = "6m"', 1))
    assert home.policies.reload() == ()
    assert await _use(run, granted) == "approval-invalidated"
    assert home.target.deeds == []


async def test_a_policy_that_no_longer_allows_it_voids_the_grant(
    home: House, granted: str, run: RunAt
) -> None:
    lines = home.folder / "policies" / "permissions.csv"
    deny = "p, *, *, *, *, pg.terminate_backend, *, deny, -, -\n"
    lines.write_text(deny + lines.read_text())
    assert home.policies.reload() == ()
    assert await _use(run, granted) == "approval-invalidated"
    assert home.target.deeds == []


async def test_an_unrelated_policy_edit_does_not_void_it(
    home: House, granted: str, run: RunAt
) -> None:
    lines = home.folder / "policies" / "permissions.csv"
    lines.write_text("# a remark that moves every line\n" + lines.read_text())
    assert home.policies.reload() == ()
    assert (await run.post(f"/v1/approvals/{granted}/execute"))["state"] == "succeeded"


async def test_a_voter_who_lost_the_role_no_longer_counts(
    home: House, granted: str, run: RunAt
) -> None:
    roles = home.folder / "policies" / "roles.csv"
    roles.write_text(roles.read_text().replace("g, approver, dba", "g, approver, developer"))
    assert home.policies.reload() == ()
    assert await _use(run, granted) == "approval-invalidated"
    assert home.target.deeds == []


async def test_a_rotated_credential_voids_the_grant(home: House, granted: str, run: RunAt) -> None:
    targets = home.folder / "policies" / "targets.toml"
    rotated = targets.read_text().replace(
        'act = "env:ORDERS_ACT"', 'act = "env:ORDERS_ACT"\ngeneration = "2"'
    )
    targets.write_text(rotated)
    assert home.policies.reload() == ()
    assert await _use(run, granted) == "approval-invalidated"
    assert home.target.deeds == []


async def test_a_requester_taken_off_the_incident_cannot_use_it(
    home: House, granted: str, run: RunAt, approver: Someone, incident: str
) -> None:
    await approver.post(f"/v1/incidents/{incident}/take")
    body = {"person": "responder", "role": "observer"}
    await approver.post(f"/v1/incidents/{incident}/roles", body)
    assert await _use(run, granted) == "approval-invalidated"
    assert home.target.deeds == []


async def test_what_it_aims_at_must_still_be_there(home: House, granted: str, run: RunAt) -> None:
    home.target.answer = lambda _: Rows((Column("pid", "integer"),), ())
    assert await _use(run, granted) == "approval-invalidated"
    assert home.target.deeds == []


async def test_closing_the_incident_voids_the_grant(
    home: House, granted: str, run: RunAt, responder: Someone, incident: str
) -> None:
    await responder.post(f"/v1/incidents/{incident}/close", {"reason": "over"})
    assert await _use(run, granted) == "approval-invalidated"
    assert home.target.deeds == []


async def test_a_proven_failure_is_failed(
    home: House, granted: str, run: RunAt, incident: str
) -> None:
    def fail(_deed: Deed) -> Rows:
        raise TargetError("precondition-failed", "There is no such session any more.")

    home.target.deed = fail
    assert await _use(run, granted) == "precondition-failed"
    assert await _state(home, granted) == "failed"
    assert (await home.kinds(incident))[-1] == "action.failed"
    assert await _use(run, granted) == "precondition-failed"
    assert len(home.target.deeds) == 1


@pytest.mark.parametrize("trouble", [OutcomeUnknownError("lost"), RuntimeError("adapter bug")])
async def test_whatever_is_not_proven_is_unknown_and_never_retried(
    home: House, granted: str, run: RunAt, trouble: Exception
) -> None:
    def lose(_deed: Deed) -> Rows:
        raise trouble

    home.target.deed = lose
    assert await _use(run, granted) == "outcome-unknown"
    assert await _state(home, granted) == "outcome_unknown"
    assert await _use(run, granted) == "outcome-unknown"
    assert len(home.target.deeds) == 1
    home.clock.pass_time(seconds=60)
    assert await run.refused("/v1/actions", run.wishes(ordinal=1)) == "idempotency-conflict"


async def test_the_commander_resolves_an_unknown_outcome(
    home: House, granted: str, run: RunAt, responder: Someone, approver: Someone
) -> None:
    def lose(_deed: Deed) -> Rows:
        raise OutcomeUnknownError("lost")

    home.target.deed = lose
    await _use(run, granted)
    path = f"/v1/approvals/{granted}/resolve"
    said = {"outcome": "succeeded", "reason": "the session is gone"}
    assert await approver.refused(path, said) == "no-permission"
    assert (await responder.post(path, said))["state"] == "resolved"


async def test_an_action_that_did_not_help_is_not_called_verified(
    home: House, granted: str, run: RunAt
) -> None:
    def still_there(_statement: Statement) -> Rows:
        home.clock.pass_time(seconds=3)
        return Rows((Column("pid", "integer"),), ((4711,),))

    home.target.answer = still_there
    answer = await run.post(f"/v1/approvals/{granted}/execute")
    assert answer["verify"]["verified"] is False


async def test_an_outcome_that_cannot_be_recorded_is_unknown_after_a_restart(
    home: House, granted: str, run: RunAt, monkeypatch: pytest.MonkeyPatch, incident: str
) -> None:
    commit = home.store.commit

    def act(_deed: Deed) -> Rows:
        async def full(_unit: object) -> None:
            raise StoreUnwritableError("disk full")

        monkeypatch.setattr(home.store, "commit", full)
        return Rows((Column("ok", "boolean"),), ((True,),))

    home.target.deed = act
    assert await _use(run, granted) == "outcome-unknown"
    monkeypatch.setattr(home.store, "commit", commit)

    assert await home.gateway.execution.recover(timedelta(0)) == 1
    assert await _state(home, granted) == "outcome_unknown"
    assert (await home.kinds(incident))[-1] == "action.outcome_unknown"
    assert await _use(run, granted) == "outcome-unknown"
    assert len(home.target.deeds) == 1


async def test_cooldown_and_most_per_run_hold(home: House, granted: str, run: RunAt) -> None:
    await run.post(f"/v1/approvals/{granted}/execute")
    assert await run.refused("/v1/actions", run.wishes(ordinal=1)) == "outside-limits"
    home.clock.pass_time(seconds=6)
    answer = await run.post("/v1/actions", run.wishes(ordinal=2))
    assert answer["approval"]["state"] == "pending"


async def test_the_answer_survives_the_caller(home: House, granted: str, run: RunAt) -> None:
    """A caller that goes away in the middle does not stop what has begun."""
    home.target.held = asyncio.Event()
    path = f"/v1/approvals/{granted}/execute"
    caller = asyncio.create_task(run.call("POST", path, {}))
    await home.target.begun.wait()
    caller.cancel()
    home.target.held.set()
    await home.gateway.execution.drain()
    assert await _state(home, granted) == "succeeded"
