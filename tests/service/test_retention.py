"""Retention: what targets and cells gave expires; what people wrote and held does not."""

import json
from dataclasses import dataclass, field
from typing import Any

import pytest
from interlock_gateway.service.evidence_retention import Retention
from interlock_gateway.service.ports import Transaction
from interlock_gateway.service.records import ApprovalRow
from interlock_gateway.service.stewards import Stewards
from support.house import House, RunAt, Someone
from support.large import SECRET, many_rows
from support.traces import pieces_with, traces

DAYS = 7
WHY = {"reason": "the lawyers ask for it"}


@pytest.fixture
def retention(home: House) -> Retention:
    """A retention of a week over the gateway's store."""
    stewards = Stewards(home.policies, "sre")
    return Retention(home.store, stewards, home.clock, DAYS)


@pytest.fixture
async def closed(home: House, look: RunAt, responder: Someone, incident: str) -> str:
    """A closed incident with a large answer, an output and a note in it."""
    home.target.answer = many_rows
    await look.post("/v1/queries", look.asks(f"SELECT '{SECRET}-asked'"))
    outputs = [{"kind": "stream", "name": "stdout", "text": SECRET}]
    finding = {"status": "bad", "text": "it is the pool"}
    end = {"state": "ok", "outputs": outputs, "finding": finding}
    await look.post(f"/v1/runs/{look.id}/steps/look/1/end", end)
    await responder.post(f"/v1/incidents/{incident}/notes", {"text": "We look at the pool."})
    await responder.post(f"/v1/incidents/{incident}/close", {"reason": "over"})
    return incident


async def test_what_was_given_expires_and_what_people_wrote_and_asked_stays(
    home: House, retention: Retention, closed: str, responder: Someone, store_url: str
) -> None:
    home.clock.pass_time(days=DAYS)
    assert await retention.sweep() == 2
    assert {piece.part for piece in await pieces_with(home, SECRET)} == {"statement"}
    assert traces(home, f"{SECRET}", store_url) == {"parts.content"}
    page = await responder.get(f"/v1/incidents/{closed}/timeline")
    told = json.dumps(page["entries"])
    assert "We look at the pool." in told
    assert "it is the pool" in told
    assert f"expired after {DAYS} days" in told


async def test_it_is_an_event_that_names_what_went(
    home: House, retention: Retention, closed: str
) -> None:
    home.clock.pass_time(days=DAYS)
    await retention.sweep()
    events = [e for e in await home.timeline(closed) if e["type"] == "artifact.expired"]
    destroyed = [name for event in events for name in event["data"]["destroyed"]]
    assert len(destroyed) == 3  # an artifact, its preview, and an output
    assert {event["authid"] for event in events} == {"system"}
    assert events[0]["data"]["after_days"] == DAYS


async def test_nothing_expires_early_nor_where_nothing_is_said(
    home: House, retention: Retention, closed: str
) -> None:
    home.clock.pass_time(days=DAYS, seconds=-1)
    assert await retention.sweep() == 0
    home.clock.pass_time(days=10_000)
    forever = Retention(home.store, Stewards(home.policies, "sre"), home.clock, 0)
    assert await forever.sweep() == 0
    assert await pieces_with(home, SECRET)
    assert "artifact.expired" not in await home.kinds(closed)


async def test_an_open_incident_keeps_everything_however_old(
    home: House, retention: Retention, closed: str, responder: Someone
) -> None:
    await responder.post(f"/v1/incidents/{closed}/reopen", {"reason": "it is back"})
    home.clock.pass_time(days=2 * DAYS)
    assert await retention.sweep() == 0
    await responder.post(f"/v1/incidents/{closed}/close", {"reason": "over again"})
    assert await retention.sweep() == 0
    home.clock.pass_time(days=DAYS)
    assert await retention.sweep() == 2


async def test_a_hold_stops_it_until_it_is_released(
    home: House, retention: Retention, closed: str, responder: Someone
) -> None:
    await responder.post(f"/v1/incidents/{closed}/evidence/hold", WHY)
    home.clock.pass_time(days=2 * DAYS)
    assert await retention.sweep() == 0
    listed = await responder.get(f"/v1/incidents/{closed}/evidence")
    assert (listed["held"]["by"], listed["held"]["reason"]) == ("responder", WHY["reason"])
    await responder.post(f"/v1/incidents/{closed}/evidence/release", {"reason": "settled"})
    assert await retention.sweep() == 2
    kinds = await home.kinds(closed)
    assert [kind for kind in kinds if kind.startswith("artifact.")] == [
        *("artifact.held", "artifact.released", "artifact.expired"),
    ]


async def test_who_may_not_redact_may_not_hold_or_release(
    closed: str, approver: Someone, look: RunAt, responder: Someone
) -> None:
    for word in ("hold", "release"):
        path = f"/v1/incidents/{closed}/evidence/{word}"
        assert await approver.refused(path, WHY) == "no-permission"
        assert await look.refused(path, WHY) == "not-a-person"
        assert await responder.refused(path, {"reason": ""}) == "bad-request"
    path = f"/v1/incidents/{closed}/evidence/release"
    assert await responder.refused(path, WHY) == "incident-state"
    assert await responder.refused("/v1/incidents/INC-99/evidence/hold", WHY) == (
        "incident-not-found"
    )


async def test_a_sealed_incident_expires_into_the_deployments_book(
    home: House, retention: Retention, closed: str, responder: Someone
) -> None:
    await responder.post(f"/v1/incidents/{closed}/seal")
    before = await home.timeline(closed)
    home.clock.pass_time(days=DAYS)
    assert await retention.sweep() == 2
    assert await home.timeline(closed) == before
    event = (await home.timeline(""))[-1]
    assert (event["type"], event["data"]["of"]) == ("artifact.expired", closed)


async def test_it_goes_in_small_units_and_on_where_it_was_stopped(
    home: House, retention: Retention, closed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert closed
    monkeypatch.setattr("interlock_gateway.service.evidence_retention.AT_ONCE", 3)
    home.clock.pass_time(days=DAYS)
    store = _Stopping(home.store, after=3)
    stopped = Retention(store, Stewards(home.policies, "sre"), home.clock, DAYS)  # type: ignore[arg-type]  # what it uses of a store
    with pytest.raises(KeyboardInterrupt):
        await stopped.sweep()
    half = len(await pieces_with(home, SECRET))
    assert half > 1
    await retention.sweep()
    assert {piece.part for piece in await pieces_with(home, SECRET)} == {"statement"}
    assert await retention.sweep() == 0


@dataclass(slots=True)
class _Stopping:
    """A store under a gateway that is killed at its next unit but so many."""

    store: Any
    after: int
    units: int = field(default=0)

    async def commit(self, unit: Any) -> Any:
        """Run the unit, unless it is one too many."""
        self.units += 1
        if self.units >= self.after:
            raise KeyboardInterrupt
        return await self.store.commit(unit)

    async def read(self, question: Any) -> Any:
        """Answer."""
        return await self.store.read(question)


async def test_a_hold_that_comes_between_two_units_stops_the_rest(
    home: House,
    closed: str,
    responder: Someone,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The incident was found due; whether it still is, each unit asks again."""
    monkeypatch.setattr("interlock_gateway.service.evidence_retention.AT_ONCE", 3)
    home.clock.pass_time(days=DAYS)

    @dataclass(slots=True)
    class Holding(_Stopping):
        async def commit(self, unit: Any) -> Any:
            self.units += 1
            if self.units == self.after:
                await responder.post(f"/v1/incidents/{closed}/evidence/hold", WHY)
            return await self.store.commit(unit)

        @property
        def untidy(self) -> bool:
            return False

    store = Holding(home.store, after=1)
    racing = Retention(store, Stewards(home.policies, "sre"), home.clock, DAYS)  # type: ignore[arg-type]  # what it uses of a store
    assert await racing.sweep() == 0
    assert len(await pieces_with(home, SECRET)) == 3


async def test_an_incident_with_an_unknown_outcome_waits_until_that_is_settled(
    home: House, retention: Retention, asked: str, responder: Someone, incident: str
) -> None:
    row = await home.store.read(lambda tx: tx.rows(ApprovalRow)[0])

    def unsettled(tx: Transaction) -> None:
        step = row
        for state in ("approved", "executing", "outcome_unknown"):
            step = tx.change(step, state=state)

    await home.store.commit(unsettled)
    await responder.post(f"/v1/incidents/{incident}/close", {"reason": "over"})
    home.clock.pass_time(days=DAYS)
    assert await retention.sweep() == 0
    settled = {"outcome": "failed", "reason": "nothing happened"}
    await responder.post(f"/v1/approvals/{asked}/resolve", settled)
    assert await retention.sweep() > 0
