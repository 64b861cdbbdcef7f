"""Limits hold when a grant is used, not only when it is asked for: several wait at once."""

import re
from typing import Any

import pytest
from interlock_gateway.core.model import Column, Rows
from support.house import TERMINATE, House, RunAt, Someone


async def _granted(run: RunAt, approver: Someone, ordinal: int, pid: int) -> str:
    args = TERMINATE | {"pid": {"type": "integer", "value": pid}}
    answer = await run.post("/v1/actions", run.wishes(ordinal=ordinal, args=args))
    approval = str(answer["approval"]["id"])
    assert (await approver.vote(approval)).json()["state"] == "approved"
    return approval


async def _use(run: RunAt, approval: str) -> str:
    """Use a grant and return its state, or the code with which that is refused."""
    answer: dict[str, Any] = (
        await run.call("POST", f"/v1/approvals/{approval}/execute", {})
    ).json()
    return str(answer.get("code") or answer["state"])


async def test_a_second_grant_waits_for_the_cooldown_and_is_not_lost(
    home: House, run: RunAt, approver: Someone
) -> None:
    await run.starts("terminate")
    first, second = [await _granted(run, approver, n, 4711 + n) for n in range(2)]

    assert await _use(run, first) == "succeeded"
    assert await _use(run, second) == "outside-limits"
    assert len(home.target.deeds) == 1

    home.clock.pass_time(seconds=6)
    assert await _use(run, second) == "succeeded"


async def test_grants_beyond_the_most_per_run_are_not_used(
    home: House, run: RunAt, approver: Someone
) -> None:
    await run.starts("terminate")
    granted = [await _granted(run, approver, n, 4711 + n) for n in range(6)]
    used = []
    for approval in granted:
        used.append(await _use(run, approval))
        home.clock.pass_time(seconds=6)
    assert used == ["succeeded"] * 5 + ["outside-limits"]
    assert len(home.target.deeds) == 5


async def test_an_action_used_too_often_on_a_target_is_stopped_in_every_run(
    home: House, run: RunAt, responder: Someone, incident: str, approver: Someone
) -> None:
    """The cause is somewhere else then; the breaker closes by itself when the time has passed."""
    file = home.folder / "policies/actions/pg.terminate_backend.toml"
    file.write_text(re.sub(r"uses = \d+", "uses = 2", file.read_text()))
    assert home.policies.reload() == ()
    other = await responder.runs(incident, "small")
    for one, ordinal in ((run, 0), (other, 0)):
        await one.starts("terminate")
        granted = await _granted(one, approver, ordinal, 4711 + ordinal)
        assert await _use(one, granted) == "succeeded"
        home.clock.pass_time(seconds=6)

    args = TERMINATE | {"pid": {"type": "integer", "value": 5000}}
    refused = await run.call("POST", "/v1/actions", run.wishes(ordinal=1, args=args))
    assert refused.json()["code"] == "outside-limits"
    assert refused.json()["line"] == "actions/pg.terminate_backend.toml: circuit_breaker (2)"

    home.clock.pass_time(seconds=3600)
    again = await responder.runs(incident, "small")
    await again.starts("terminate")
    assert await _use(again, await _granted(again, approver, 0, 5000)) == "succeeded"


@pytest.mark.parametrize("more", [{"reason": "another reason"}, {"max_rows": 4}])
async def test_the_same_change_with_other_words_is_the_same_change(
    home: House, run: RunAt, more: dict[str, object]
) -> None:
    home.target.answer = lambda _: Rows((Column("count", "integer"),), ((3,),))
    await run.starts("requeue")
    await run.post("/v1/executions", run.mutates())
    again = run.mutates(**{"ordinal": 1, **more})
    assert await run.refused("/v1/executions", again) == "idempotency-conflict"
