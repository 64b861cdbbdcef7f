"""Secrets at every door of a gateway: none is in the store, the export or the answer."""

import base64
import json
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from interlock_gateway.core.model import Column, Rows
from interlock_gateway.core.redaction import Span
from interlock_gateway.service.redaction import ScannerError
from interlock_gateway.service.targets import TargetError
from support.forms_of_secrets import forms
from support.house import House, RunAt, Someone, house

HELD = "Corvette-77/état"
"""A credential that the gateway holds."""

TYPED = "hunter2!Hunter2"
"""A secret that only its surroundings give away."""

MARK, GUESSED = "⟦masked: known-secret⟧", f"password: {TYPED}"


@pytest.fixture
async def home(home: House) -> House:
    """A gateway that has resolved a credential."""
    home.gateway.redaction.watched.credential(HELD)
    return home


async def nowhere(home: House, reader: Someone, incident: str, *secrets: str) -> None:
    """Assert that no form of `secrets` is in any event, part, row or export."""
    entries = await reader.get(f"/v1/incidents/{incident}/timeline")
    export = (await reader.call("GET", f"/v1/incidents/{incident}/export")).text
    held = [json.dumps(entries, ensure_ascii=False), export]
    await home.store.commit(lambda _: None)
    held += [one.read_bytes().decode("utf-8", "replace") for one in home.folder.glob("store.db*")]
    for secret in secrets:
        for form in forms(secret):
            assert not any(form in text for text in held), form


async def exposition(someone: Someone) -> bytes:
    """Return what Prometheus is told."""
    return (await someone.call("GET", "/metrics")).content


async def last(home: House, incident: str, kind: str) -> dict[str, Any]:
    """Return the data of the last event of a kind."""
    return dict([one for one in await home.timeline(incident) if one["type"] == kind][-1]["data"])


# --- words of people ----------------------------------------------------------------------------


async def test_a_note_is_masked_counted_and_its_writer_told(
    home: House, responder: Someone, incident: str
) -> None:
    text = f"it works with {HELD} or {GUESSED}, else {quote(HELD, safe='')}"
    told = await responder.post(f"/v1/incidents/{incident}/notes", {"text": text})
    assert told["masked"] == {"known-secret": 2, "password-field": 1}
    data = await last(home, incident, "note.observation")
    assert data["masked"] == {"text": {"known-secret": 2, "password-field": 1}}
    await nowhere(home, responder, incident, HELD, TYPED)
    assert b'interlock_masked_total{rule="known-secret"} 2.0' in await exposition(responder)


async def test_a_note_without_a_secret_says_nothing_of_masks(
    home: House, responder: Someone, incident: str
) -> None:
    told = await responder.post(f"/v1/incidents/{incident}/notes", {"text": "the pool is empty"})
    assert "masked" not in told
    assert "masked" not in await last(home, incident, "note.observation")


async def test_titles_reasons_summaries_and_severities_are_masked_in_rows_too(
    home: House, responder: Someone, approver: Someone
) -> None:
    incident = await responder.declares(f"Checkout fails with {HELD}")
    at = f"/v1/incidents/{incident}"
    await responder.post(f"{at}/severity", {"severity": "sev1", "reason": GUESSED})
    await approver.post(f"{at}/roles", {"person": "approver", "role": "responder"})
    await responder.post(f"{at}/hand-over", {"to": "approver", "summary": f"see {GUESSED}"})
    await approver.post(f"{at}/close", {"reason": f"rotated {HELD}"})
    assert (await responder.get(at))["title"] == f"Checkout fails with {MARK}"
    await nowhere(home, responder, incident, HELD, TYPED)


async def test_the_reason_of_a_vote_is_masked(
    home: House, responder: Someone, approver: Someone, asked: str, incident: str
) -> None:
    answer = await approver.vote(asked, "deny", reason=f"no: {GUESSED} {HELD}")
    assert answer.json()["masked"] == {"known-secret": 1, "password-field": 1}
    await nowhere(home, responder, incident, HELD, TYPED)


# --- what runs ----------------------------------------------------------------------------------


async def test_sources_outputs_findings_and_errors_are_masked(
    home: House, responder: Someone, incident: str
) -> None:
    run = await responder.runs(incident, notebook=json.dumps({"cells": [GUESSED, HELD]}))
    attempt = await run.starts("look", f"login({HELD!r})\n# {GUESSED}")
    end = {
        "state": "ok",
        "finding": {"status": "ok", "text": HELD, "data": {HELD: 1, "password": TYPED}},
        "error": {"ename": "E", "traceback": [f"at {HELD}"]},
        "outputs": [
            {"kind": "stream", "text": HELD[:7]},
            {"kind": "stream", "text": HELD[7:]},
            {"kind": "display_data", "data": {"image/svg+xml": f"<text>{GUESSED}</text>"}},
        ],
        "output_truncated": f"cut at {HELD}",
    }
    await run.post(f"/v1/runs/{run.id}/steps/look/{attempt}/end", end)
    await nowhere(home, responder, incident, HELD, TYPED)
    data = await last(home, incident, "step.completed")
    assert data["masked"]["outputs"] == {"known-secret": 2, "password-field": 1}
    assert data["masked"]["finding"] == {"known-secret": 2, "password-field": 1}


async def test_a_statement_runs_as_it_is_and_is_recorded_with_a_mark(
    home: House, responder: Someone, look: RunAt, incident: str
) -> None:
    sql = f"SELECT 1 AS n WHERE 'x' <> 'password={TYPED}' AND :v <> 'y'"
    params = {"v": {"type": "text", "value": HELD}}
    await look.post("/v1/queries", look.asks(sql, params=params))
    assert TYPED in home.target.reads[-1]
    await nowhere(home, responder, incident, HELD, TYPED)
    data = await last(home, incident, "query.started")
    assert data["masked"] == {
        "statement": {"password-assignment": 1},
        "params": {"known-secret": 1},
    }


async def test_a_result_is_delivered_as_it_is_recorded(
    home: House, responder: Someone, look: RunAt, incident: str
) -> None:
    encoded = base64.b64encode(f"app:{HELD}".encode()).decode()
    columns = (Column("who", "text"), Column("n", "integer"))
    rows = Rows(columns, ((f"Basic {encoded}", 1), (HELD, 2)), elapsed_ms=1.0)
    home.target.answer = lambda _: rows
    answer = await look.post("/v1/queries", look.asks("SELECT who, n FROM t"))
    assert [row[1] for row in answer["rows"]] == [1, 2]
    assert answer["rows"][1][0] == MARK
    assert MARK in answer["rows"][0][0]
    entries = (await responder.get(f"/v1/incidents/{incident}/timeline"))["entries"]
    completed = next(one for one in entries if one["event"]["type"] == "query.completed")
    (part,) = completed["parts"].values()
    assert part["json"]["rows"] == answer["rows"]
    await nowhere(home, responder, incident, HELD)


async def test_an_error_of_a_target_does_not_repeat_a_credential(
    home: House, responder: Someone, look: RunAt, incident: str
) -> None:
    def fails(_: object) -> Rows:
        raise TargetError("target-failed", f"cannot log in with {HELD}")

    home.target.answer = fails
    answer = await look.call("POST", "/v1/queries", look.asks("SELECT 1"))
    assert MARK in answer.json()["detail"]
    assert HELD not in answer.text
    await nowhere(home, responder, incident, HELD)


# --- what is approved ---------------------------------------------------------------------------


async def test_an_approver_reads_what_runs_and_the_record_has_a_mark(
    home: House, responder: Someone, approver: Someone, run: RunAt, incident: str
) -> None:
    await run.starts("terminate")
    wish = run.wishes(reason=f"as {GUESSED} said")
    asked = (await run.post("/v1/actions", wish))["approval"]["id"]
    shown = await approver.prompt(asked)
    assert "⟦masked: password-field⟧" in shown["prompt_text"]
    assert (await approver.vote(asked)).is_success
    await run.post(f"/v1/approvals/{asked}/execute")
    await nowhere(home, responder, incident, TYPED)


async def test_a_wish_with_the_gateways_own_credential_is_refused(
    home: House, run: RunAt, responder: Someone, incident: str
) -> None:
    await run.starts("terminate")
    body = run.wishes(
        args={"pid": {"type": "integer", "value": 1}, "x": {"type": "text", "value": HELD}}
    )
    assert await run.refused("/v1/actions", body) == "holds-secret"
    assert home.target.deeds == []
    await nowhere(home, responder, incident, HELD)


async def test_a_parameter_with_a_secret_is_refused_since_it_would_be_kept(
    responder: Someone, incident: str, home: House
) -> None:
    for secret in (HELD, f"password={TYPED}"):
        body = {"incident": incident, "runbook": "small", "params": {"table": secret}}
        assert await responder.refused("/v1/runs", body) == "holds-secret"
    await nowhere(home, responder, incident, HELD, TYPED)


# --- keys and tokens ----------------------------------------------------------------------------


async def test_keys_and_tokens_that_the_gateway_gave_out_are_masked_in_any_encoding(
    home: House, responder: Someone, look: RunAt, incident: str
) -> None:
    text = f"{responder.token} {base64.b64encode(look.token.encode()).decode()}"
    told = await responder.post(f"/v1/incidents/{incident}/notes", {"text": text})
    assert sum(told["masked"].values()) >= 2
    await nowhere(home, responder, incident, responder.token, look.token)


# --- when nobody can say ------------------------------------------------------------------------


class Broken:
    """A scanner that never answers."""

    async def scan(self, texts: Sequence[str]) -> list[list[Span]]:
        raise ScannerError(f"no answer for {len(texts)}")


@pytest.fixture
async def blind(tmp_path: Path) -> AsyncIterator[House]:
    """A gateway whose scanner is broken."""
    async with house(tmp_path / "blind", scanner=Broken()) as opened:
        yield opened


async def test_what_cannot_be_scanned_is_withheld_and_an_alarm_is_counted(blind: House) -> None:
    someone = await blind.login("responder")
    incident = await someone.declares("Anything at all")
    told = await someone.post(f"/v1/incidents/{incident}/notes", {"text": "harmless words"})
    assert told["masked"] == {"not-scanned": 1}
    run = await someone.runs(incident, notebook="{}")
    attempt = await run.starts("look", "query('orders', 'SELECT 1')")
    await run.post("/v1/queries", run.asks("SELECT 1 AS harmless"))
    end = {"state": "ok", "finding": {"status": "ok", "text": "harmless"}}
    await run.post(f"/v1/runs/{run.id}/steps/look/{attempt}/end", end)
    await nowhere(blind, someone, incident, "harmless", "Anything at all", "query('orders'")
    entries = (await someone.get(f"/v1/incidents/{incident}/timeline"))["entries"]
    completed = next(one for one in entries if one["event"]["type"] == "step.completed")
    (finding,) = completed["parts"].values()
    assert finding["json"] == {"status": "ok", "text": "⟦masked: not-scanned⟧"}
    assert b'interlock_alarms_total{kind="redaction"}' in await exposition(someone)


async def test_results_are_still_delivered_while_nobody_can_scan(blind: House) -> None:
    someone = await blind.login("responder")
    run = await someone.runs(await someone.declares())
    await run.starts("look")
    assert (await run.post("/v1/queries", run.asks("SELECT 1")))["rows"] == [[1]]
