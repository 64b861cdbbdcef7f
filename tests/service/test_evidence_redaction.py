"""Redaction after the fact: who may, and that nothing is left of what was destroyed."""

import asyncio
import hashlib
import json
from typing import Any

import pytest
import structlog
from interlock_gateway.core.model import Before, Column, Rows, Statement, Stored
from interlock_gateway.core.piece import Piece, pieces
from interlock_gateway.core.timeline import commitment
from interlock_gateway.service.evidence_records import TombstoneRow
from interlock_gateway.service.ports import Reading, StoreUnwritableError
from interlock_gateway.service.records import ApprovalRow, CallRow
from interlock_gateway.service.targets import TargetError
from support.browser import browser
from support.glass import allow_break_glass, breaks
from support.house import House, RunAt, Someone
from support.large import SECRET, chart, many_rows, one_secret
from support.plans import END, FEED, plan_of, vote_on_plan
from support.traces import pieces_with, traces

WHY = "It holds a customer's password."


@pytest.fixture
async def steward(home: House) -> Someone:
    """Whoever looks after the gateway; they have no part in the incident."""
    return await home.login("you")


async def result_of(home: House, look: RunAt, *, large: bool = True) -> str:
    """Ask a query whose answer holds the secret, and return the id of its result."""
    home.target.answer = many_rows if large else one_secret
    await look.post("/v1/queries", look.asks("SELECT 1"))
    found = await pieces_with(home, SECRET)
    return next(piece.id for piece in found if piece.part == "result")


async def redacts(who: Someone, name: str, reason: str = WHY) -> Any:
    """Redact a piece, and return the answer."""
    return await who.post(f"/v1/evidence/{name}/redact", {"reason": reason})


async def redacts_all(home: House, who: Someone, word: str = SECRET) -> None:
    """Redact each piece that holds the word, until none is left."""
    while found := await pieces_with(home, word):
        await redacts(who, found[0].id)


# --- nothing is left -----------------------------------------------------------------------------


@pytest.mark.parametrize("large", [True, False], ids=["artifact", "part"])
async def test_the_result_is_gone_with_its_salt_its_preview_and_every_copy(
    home: House, look: RunAt, responder: Someone, store_url: str, *, large: bool
) -> None:
    name = await result_of(home, look, large=large)
    assert traces(home, SECRET, store_url) >= {"calls.answer"}
    done = await redacts(responder, name)
    assert set(done["copies"]) == {"calls.answer", "calls.digest"}
    assert len(done["destroyed"]) == (2 if large else 1)
    assert traces(home, SECRET, store_url) == set()


async def test_the_event_stays_to_the_byte_and_says_what_was_committed_to(
    home: House, look: RunAt, responder: Someone, incident: str
) -> None:
    name = await result_of(home, look)
    whole = (await home.store.read(lambda tx: tx.contents([name])))[name][1]
    before = await home.store.read(lambda tx: tx.events(incident))
    await redacts(responder, name)
    after = await home.store.read(lambda tx: tx.events(incident))
    assert [event.body for event in after[: len(before)]] == [event.body for event in before]
    data = json.loads(before[-1].body)["data"]["result"]
    assert data["commitment"].removeprefix("sha256:") != hashlib.sha256(whole).hexdigest()
    assert data["commitment"] != commitment(b"\0" * 32, whole)


async def test_a_retry_of_the_call_is_told_so_and_never_gets_an_empty_answer(
    home: House, look: RunAt, responder: Someone
) -> None:
    await redacts(responder, await result_of(home, look))
    asked = len(home.target.reads)
    assert await look.refused("/v1/queries", look.asks("SELECT 1")) == "evidence-redacted"
    assert await look.refused("/v1/queries", look.asks("SELECT 2")) == "evidence-redacted"
    assert len(home.target.reads) == asked


async def test_the_timeline_and_every_export_say_by_whom_when_and_why(
    home: House, look: RunAt, responder: Someone, incident: str
) -> None:
    name = await result_of(home, look)
    await redacts(responder, name)
    page = await responder.call("GET", f"/v1/incidents/{incident}/timeline")
    assert SECRET not in page.text
    entry = next(e for e in page.json()["entries"] if e["event"]["type"] == "query.completed")
    told = entry["parts"][name]["redacted"]
    assert (told["reason"], told["by"], told["kind"]) == (WHY, "responder", "redacted")
    for form in ("md", "html", "json"):
        text = (
            await responder.call("GET", f"/v1/incidents/{incident}/export", **{"as": form})
        ).text
        assert SECRET not in text
        assert "by responder, 2026-01-02 03:04Z" in text
    response = await responder.call("GET", f"/v1/evidence/{name}")
    assert (response.status_code, response.json()["code"]) == (410, "evidence-redacted")
    assert "responder" in response.json()["detail"]


async def asks_with_secret(run: RunAt) -> str:
    """Ask for an action whose words hold the secret, and return its approval."""
    await run.starts("requeue")
    values = {"was": {"type": "text", "value": SECRET}}
    body = run.mutates(params=values, reason=f"because of {SECRET}")
    answer = await run.post("/v1/executions", body)
    return str(answer["approval"]["id"])


async def test_an_approved_action_leaves_nothing_once_each_part_of_it_was_redacted(
    home: House, run: RunAt, approver: Someone, responder: Someone, store_url: str
) -> None:
    """Statement, values, reason, proposal, prompt, vote, rows before, undo, result, outcome."""
    home.target.answer = one_secret_or_count
    home.target.deed = lambda deed: one_secret(deed.statement)
    home.target.before = lambda _: the_row_before()
    approval = await asks_with_secret(run)
    cast = await approver.vote(approval, reason=f"fine, {SECRET}")
    assert cast.is_success, cast.text
    await run.post(f"/v1/approvals/{approval}/execute")
    held = traces(home, SECRET, store_url)
    assert held >= {"approvals.sealed", "approvals.outcome", "votes.reason", "deeds.undo"}
    assert "calls.answer" in held
    await redacts_all(home, responder)
    assert traces(home, SECRET, store_url) == set()
    assert await run.refused(f"/v1/approvals/{approval}/execute") == "evidence-redacted"
    assert len(home.target.deeds) == 1
    shown = await responder.call("GET", f"/v1/approvals/{approval}")
    assert shown.json()["code"] == "evidence-redacted"


def one_secret_or_count(statement: Statement) -> Rows:
    """Count one row; where rows are read, answer with the secret."""
    if "count(" in statement.text.lower():
        return Rows((Column("count", "integer"),), ((1,),), elapsed_ms=1.0)
    return one_secret(statement)


@pytest.mark.parametrize(
    ("named", "emptied"),
    [
        ("action.requested/params", {"approvals.sealed", "calls.answer"}),
        ("action.requested/reason", {"approvals.sealed"}),
        ("approval.requested/preview", {"approvals.sealed"}),
        ("approval.requested/args", {"approvals.sealed", "calls.answer"}),
        ("approval.voted/reason", {"votes.reason"}),
        ("action.prepared/before", {"deeds.undo"}),
        ("action.succeeded/undo_sql", {"deeds.undo", "approvals.outcome", "calls.answer"}),
        ("action.succeeded/result", {"approvals.outcome", "calls.answer"}),
    ],
)
async def test_each_piece_alone_takes_every_row_that_copies_it(
    home: House,
    run: RunAt,
    approver: Someone,
    responder: Someone,
    store_url: str,
    named: str,
    emptied: set[str],
) -> None:
    """Where several pieces are copied into one row, none of them leaves it to another."""
    home.target.answer = one_secret_or_count
    home.target.deed = lambda deed: one_secret(deed.statement)
    home.target.before = lambda _: the_row_before()
    approval = await asks_with_secret(run)
    await approver.vote(approval, reason=f"fine, {SECRET}")
    await run.post(f"/v1/approvals/{approval}/execute")
    assert traces(home, SECRET, store_url) >= emptied
    found = await pieces_with(home, SECRET)
    (piece,) = [one for one in found if f"{one.body['type']}/{one.part}" == named]
    await redacts(responder, piece.id)
    assert traces(home, SECRET, store_url) & emptied == set()


async def test_the_members_of_a_plan_the_votes_on_it_and_its_reason_leave_nothing(
    home: House, run: RunAt, approver: Someone, responder: Someone, store_url: str
) -> None:
    home.target.answer = one_secret_or_count
    feed = FEED | {"params": {"was": {"type": "text", "value": SECRET}}}
    await run.starts("pool")
    asked = await run.post("/v1/plans", plan_of(run, END, feed, reason=f"because of {SECRET}"))
    plan = str(asked["plan"]["id"])
    cast = await vote_on_plan(approver, plan, "deny", reason=f"no: {SECRET}")
    assert cast.is_success, cast.text
    held = traces(home, SECRET, store_url)
    assert held >= {"approvals.sealed", "votes.reason", "approvals.closing_reason"}
    await redacts_all(home, responder)
    assert traces(home, SECRET, store_url) == set()


async def test_the_key_of_a_catalogued_action_holds_its_arguments_and_is_emptied(
    home: House, run: RunAt, responder: Someone, store_url: str
) -> None:
    await run.starts("terminate")
    answer = await run.post("/v1/actions", run.wishes())
    approval = str(answer["approval"]["id"])
    assert "approvals.idempotency_key" in traces(home, "4711", store_url)
    await responder.post(f"/v1/approvals/{approval}/withdraw", {"reason": "not needed"})
    while found := await pieces_with(home, "4711"):
        await redacts(responder, found[0].id)
    assert traces(home, "4711", store_url) == set()


async def test_a_denied_request_leaves_nothing_either(
    home: House, run: RunAt, approver: Someone, responder: Someone, store_url: str
) -> None:
    home.target.answer = one_secret_or_count
    approval = await asks_with_secret(run)
    await approver.vote(approval, "deny", reason=f"no: {SECRET}")
    assert traces(home, SECRET, store_url) >= {"approvals.closing_reason", "votes.reason"}
    await redacts_all(home, responder)
    assert traces(home, SECRET, store_url) == set()


async def test_a_refused_query_a_failed_one_a_note_a_step_and_a_title_leave_nothing(
    home: House, responder: Someone, store_url: str
) -> None:
    incident = await responder.declares(f"Checkout {SECRET}")
    run = await responder.runs(incident)
    await run.starts("look", f"x = {SECRET!r}")
    await run.refused("/v1/queries", run.asks(f"DROP TABLE {SECRET!r}"))
    home.target.answer = fails
    await run.refused("/v1/queries", run.asks(f"SELECT '{SECRET}'", ordinal=1))
    finding = {"status": "bad", "text": f"it is {SECRET}"}
    outputs = [{"kind": "stream", "name": "stdout", "text": SECRET}, chart(text=SECRET)]
    end = {"state": "ok", "finding": finding, "outputs": outputs}
    await run.post(f"/v1/runs/{run.id}/steps/look/1/end", end)
    await responder.post(f"/v1/incidents/{incident}/notes", {"text": SECRET})
    await run.post(f"/v1/runs/{run.id}/end", {"outcome": "failed", "summary": SECRET})
    await responder.post(f"/v1/incidents/{incident}/close", {"reason": f"over, {SECRET}"})
    held = traces(home, SECRET, store_url)
    assert held >= {"calls.answer", "steps.finding", "incidents.title", "parts.content"}
    await redacts_all(home, responder)
    assert traces(home, SECRET, store_url) == set()


def the_row_before() -> Before:
    """Return the row that a change would meet, with what brings it back."""
    columns = (Column("id", "integer"), Column("state", "text"))
    stored = (Stored("id", key=True), Stored("state"))
    return Before(Rows(columns, ((1, SECRET),)), stored)


def fails(_statement: Statement) -> Rows:
    """Fail, with the secret in what the target says."""
    raise TargetError("target-failed", f"invalid input: {SECRET}")


async def test_a_broken_glass_leaves_nothing_in_outbox_follow_up_or_break(
    home: House, run: RunAt, responder: Someone, store_url: str
) -> None:
    allow_break_glass(home)
    await run.starts("terminate")
    approval = str((await run.post("/v1/actions", run.wishes()))["approval"]["id"])
    page = await browser(home, "responder")
    broken = await breaks(page, approval, reason=f"Nobody of the dbas answers: {SECRET}")
    assert broken.status_code == 303
    assert traces(home, SECRET, store_url) >= {"breaks.reason", "outbox.payload"}
    await redacts_all(home, responder)
    assert traces(home, SECRET, store_url) == set()


async def test_parameters_of_a_run_leave_nothing_once_it_ended(
    home: House, responder: Someone, incident: str, store_url: str
) -> None:
    run = await responder.runs(incident, "small", params={"since": SECRET})
    (piece,) = await pieces_with(home, SECRET)
    path = f"/v1/evidence/{piece.id}/redact"
    assert await responder.refused(path, {"reason": WHY}) == "incident-state"
    await run.post(f"/v1/runs/{run.id}/end", {"outcome": "completed", "summary": ""})
    await redacts(responder, piece.id)
    assert traces(home, SECRET, store_url) == set()


async def test_a_chart_goes_with_what_it_was_drawn_from(
    look: RunAt, responder: Someone, incident: str
) -> None:
    end = {"state": "ok", "outputs": [chart(), chart()]}
    await look.post(f"/v1/runs/{look.id}/steps/look/1/end", end)
    listed = (await responder.get(f"/v1/incidents/{incident}/evidence"))["evidence"]
    names = {one["part"]: one["id"] for one in listed if one["part"].startswith("chart")}
    await redacts(responder, names["chart_1_spec"])
    after = (await responder.get(f"/v1/incidents/{incident}/evidence"))["evidence"]
    gone = {one["part"] for one in after if one["gone"]}
    assert gone == {"chart_1", "chart_1_spec"}


async def test_a_preview_is_no_way_around_its_artifact(
    home: House, look: RunAt, responder: Someone, store_url: str
) -> None:
    await result_of(home, look)
    (piece,) = [piece for piece in await pieces_with(home, SECRET) if piece.part == "result"]
    done = await redacts(responder, piece.preview)
    assert set(done["destroyed"]) == {piece.id, piece.preview}
    assert traces(home, SECRET, store_url) == set()


async def test_the_reason_of_a_redaction_can_be_redacted_too(
    home: House, look: RunAt, responder: Someone, store_url: str
) -> None:
    await redacts(responder, await result_of(home, look), f"The password is {SECRET}, go away.")
    assert traces(home, SECRET, store_url) == {"parts.content", "tombstones.reason"}
    await redacts_all(home, responder)
    assert traces(home, SECRET, store_url) == set()


async def test_the_log_of_the_gateway_never_holds_what_a_part_holds(
    home: House, run: RunAt, approver: Someone, responder: Someone
) -> None:
    with structlog.testing.capture_logs() as logs:
        home.target.answer = one_secret_or_count
        approval = await asks_with_secret(run)
        await approver.vote(approval, reason=f"fine, {SECRET}")
        await run.post(f"/v1/approvals/{approval}/execute")
        await redacts_all(home, responder)
    assert SECRET not in json.dumps(logs, default=str)


# --- who may -------------------------------------------------------------------------------------


async def test_the_commander_and_a_steward_may_and_nobody_else(
    home: House, look: RunAt, approver: Someone, steward: Someone, incident: str
) -> None:
    name = await result_of(home, look)
    path = f"/v1/evidence/{name}/redact"
    assert await approver.refused(path, {"reason": WHY}) == "no-permission"
    stranger = await home.login("stranger")
    assert await stranger.refused(path, {"reason": WHY}) == "no-permission"
    assert await look.refused(path, {"reason": WHY}) == "not-a-person"
    assert await pieces_with(home, SECRET)
    assert "artifact.redacted" not in await home.kinds(incident)
    await redacts(steward, name)
    assert await pieces_with(home, SECRET) == []


async def test_the_commander_of_another_incident_may_not(
    home: House, look: RunAt, approver: Someone
) -> None:
    await approver.declares("Something else")
    name = await result_of(home, look)
    assert (
        await approver.refused(f"/v1/evidence/{name}/redact", {"reason": WHY}) == "no-permission"
    )


@pytest.mark.parametrize("reason", ["", "  ", "x", "x" * 65_537])
async def test_it_takes_a_reason(
    home: House, look: RunAt, responder: Someone, reason: str
) -> None:
    name = await result_of(home, look)
    path = f"/v1/evidence/{name}/redact"
    assert await responder.refused(path, {"reason": reason}) == "bad-request"
    assert await pieces_with(home, SECRET)


async def test_what_is_gone_is_not_redacted_again(
    home: House, look: RunAt, responder: Someone, steward: Someone
) -> None:
    name = await result_of(home, look)
    await redacts(responder, name)
    path = f"/v1/evidence/{name}/redact"
    assert await steward.refused(path, {"reason": "another"}) == "evidence-redacted"


async def test_a_sealed_record_stays_as_it_is_and_the_deployments_book_tells_it(
    home: House, look: RunAt, responder: Someone, incident: str, store_url: str
) -> None:
    name = await result_of(home, look)
    await responder.post(f"/v1/incidents/{incident}/close", {"reason": "over"})
    await responder.post(f"/v1/incidents/{incident}/seal")
    before = await home.timeline(incident)
    await redacts(responder, name)
    assert await home.timeline(incident) == before
    event = (await home.timeline(""))[-1]
    assert (event["type"], event["data"]["of"]) == ("artifact.redacted", incident)
    assert traces(home, SECRET, store_url) == set()


async def test_under_a_hold_it_works_and_the_event_says_so(
    home: House, look: RunAt, responder: Someone, steward: Someone, incident: str
) -> None:
    name = await result_of(home, look)
    hold = {"reason": "the lawyers ask for it"}
    await steward.post(f"/v1/incidents/{incident}/evidence/hold", hold)
    await redacts(responder, name)
    event = (await home.timeline(incident))[-1]
    assert (event["type"], event["data"]["held_by"]) == ("artifact.redacted", "you")


# --- what is still worked with -------------------------------------------------------------------


async def test_what_a_waiting_request_would_run_is_not_destroyed_under_its_voters(
    home: House, run: RunAt, responder: Someone
) -> None:
    home.target.answer = one_secret_or_count
    approval = await asks_with_secret(run)
    path = f"/v1/approvals/{approval}/withdraw"
    found = await pieces_with(home, SECRET)
    asked = next(p for p in found if p.body["type"] == "approval.requested")
    refused = await responder.refused(f"/v1/evidence/{asked.id}/redact", {"reason": WHY})
    assert refused == "incident-state"
    row = await home.store.read(lambda tx: tx.get(ApprovalRow, approval))
    assert row is not None
    assert row.sealed
    assert await home.store.read(lambda tx: tx.rows(TombstoneRow)) == []
    await responder.post(path, {"reason": "no"})
    await redacts(responder, asked.id)


async def test_a_call_under_way_keeps_its_row_so_that_its_end_can_be_recorded(
    home: House, look: RunAt, responder: Someone, incident: str
) -> None:
    async def dangling() -> None:
        row = await home.store.read(lambda tx: tx.rows(CallRow)[0])
        await home.store.commit(lambda tx: tx.change(row, state="started", answer=b""))

    await result_of(home, look)
    await dangling()
    started = [p for p in await home.store.read(_statements) if p.part == "statement"]
    path = f"/v1/evidence/{started[0].id}/redact"
    assert await responder.refused(path, {"reason": WHY}) == "incident-state"
    await responder.post(f"/v1/incidents/{incident}/close", {"reason": "over"})
    await redacts(responder, started[0].id)


def _statements(tx: Reading) -> list[Piece]:
    bodies = [json.loads(event.body) for event in tx.events("INC-1")]
    return [p for body in bodies if body["type"] == "query.started" for p in pieces(body)]


# --- all or nothing ------------------------------------------------------------------------------


async def test_a_redaction_that_cannot_be_recorded_destroys_nothing(
    home: House, look: RunAt, responder: Someone, store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It ends after the copies and the bytes went, and before its event: all of it is undone."""
    name = await result_of(home, look)
    before = traces(home, SECRET, store_url)

    def unwritable(*_: object, **__: object) -> None:
        raise StoreUnwritableError("The disk is full.")

    with monkeypatch.context() as broken:
        broken.setattr("interlock_gateway.service.evidence_redaction.told", unwritable)
        path = f"/v1/evidence/{name}/redact"
        assert await responder.refused(path, {"reason": WHY}) == "store-unwritable"
    assert traces(home, SECRET, store_url) == before
    assert await home.store.read(lambda tx: tx.rows(TombstoneRow)) == []
    assert (await look.post("/v1/queries", look.asks("SELECT 1")))["replayed"]


# --- races ---------------------------------------------------------------------------------------


async def test_two_who_redact_at_once_leave_one_tombstone_and_one_event(
    home: House, look: RunAt, responder: Someone, steward: Someone, incident: str
) -> None:
    name = await result_of(home, look)
    path = f"/v1/evidence/{name}/redact"
    both = await asyncio.gather(
        *(who.call("POST", path, {"reason": WHY}) for who in (responder, steward))
    )
    assert sorted(response.status_code for response in both) == [200, 410]
    assert (await home.kinds(incident)).count("artifact.redacted") == 1


async def test_readers_and_exports_that_race_a_redaction_get_all_of_it_or_why_not(
    home: House, look: RunAt, responder: Someone, incident: str
) -> None:
    name = await result_of(home, look)
    export = responder.call("GET", f"/v1/incidents/{incident}/export", **{"as": "json"})
    opened = [responder.call("GET", f"/v1/evidence/{name}") for _ in range(6)]
    redacted = responder.call("POST", f"/v1/evidence/{name}/redact", {"reason": WHY})
    *answers, document, done = await asyncio.gather(*opened, export, redacted)
    assert (document.status_code, done.status_code) == (200, 200)
    for response in answers:
        assert response.status_code in {200, 410}
        assert (response.status_code == 200) == (SECRET in response.text)
    assert SECRET in document.text or f"redacted: {WHY}" in document.text
