"""Nobody who was let in fills the journal, and a sealed record stays as it was sealed."""

from interlock_gateway.core.limits import MAX_NOTES_PER_RUN
from interlock_gateway.core.model import Rows
from interlock_gateway.service.ports import Transaction
from interlock_gateway.service.targets import Deed, OutcomeUnknownError
from support.house import House, RunAt, Someone

_CALLS = 100  # limits.calls of the small runbook


async def test_a_kernel_that_asks_and_asks_is_recorded_up_to_its_limit(
    home: House, run: RunAt, incident: str
) -> None:
    for ordinal in range(_CALLS + 10):
        await run.call("POST", "/v1/queries", run.asks("SELECT 3", "activity", ordinal))
    assert (await home.kinds(incident)).count("query.denied") == _CALLS + 1
    last = run.asks("SELECT 3", "activity", _CALLS + 20)
    assert await run.refused("/v1/queries", last) == "too-many-calls"


async def test_the_steps_of_a_run_write_so_many_notes_and_no_more(
    home: House, look: RunAt, incident: str
) -> None:
    def written(tx: Transaction) -> None:
        for _ in range(MAX_NOTES_PER_RUN - 1):
            tx.number(f"notes of {look.id}")

    await home.store.commit(written)
    path = f"/v1/runs/{look.id}/notes"
    note = {"step": "look", "attempt": 1, "text": "again"}
    await look.post(path, note)
    assert [await look.refused(path, note) for _ in range(3)] == ["too-many-calls"] * 3
    assert (await home.kinds(incident)).count("note.observation") == 1


async def test_a_note_comes_from_the_step_that_runs(look: RunAt) -> None:
    for step, attempt in (("look", 2), ("elsewhere", 1)):
        note = {"step": step, "attempt": attempt, "text": "forged"}
        assert await look.refused(f"/v1/runs/{look.id}/notes", note) == "no-step-running"


async def test_a_person_who_votes_on_and_on_is_recorded_ten_times(
    home: House, asked: str, incident: str
) -> None:
    observer = await home.login("observer")
    for _ in range(15):
        assert (await observer.vote(asked)).json()["code"] == "not-eligible"
    assert (await home.kinds(incident)).count("approval.vote_refused") == 10


async def test_a_sealed_record_takes_no_refused_vote_and_no_refused_call(
    home: House, asked: str, run: RunAt, incident: str, responder: Someone, approver: Someone
) -> None:
    await responder.post(f"/v1/incidents/{incident}/close", {"reason": "over"})
    await responder.post(f"/v1/incidents/{incident}/seal")
    sealed = await home.kinds(incident)

    assert (await approver.vote(asked)).json()["code"] == "approval-decided"
    question = run.asks("SELECT 1 AS one", "activity")
    assert await run.refused("/v1/queries", question) == "incident-closed"
    assert await run.refused("/v1/actions", run.wishes(ordinal=9)) == "incident-closed"

    assert await home.kinds(incident) == sealed
    elsewhere = await home.kinds("")
    for kind in ("approval.vote_refused", "query.denied", "action.denied"):
        assert kind in elsewhere


async def test_a_record_that_lacks_an_outcome_is_not_sealed(
    home: House, asked: str, run: RunAt, incident: str, responder: Someone, approver: Someone
) -> None:
    def lose(_deed: Deed) -> Rows:
        raise OutcomeUnknownError("lost")

    home.target.deed = lose
    await approver.vote(asked)
    await run.refused(f"/v1/approvals/{asked}/execute")
    await responder.post(f"/v1/incidents/{incident}/close", {"reason": "over"})

    assert await responder.refused(f"/v1/incidents/{incident}/seal") == "incident-state"

    found = {"outcome": "failed", "reason": "the session is still there"}
    await responder.post(f"/v1/approvals/{asked}/resolve", found)
    assert (await responder.post(f"/v1/incidents/{incident}/seal"))["state"] == "sealed"
