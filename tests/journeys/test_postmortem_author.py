"""Whoever writes the postmortem: the incident is over, and everything that happened is cited."""

import json
import re
from typing import Any

import httpx
import pytest
from interlock.export.html_check import page_findings
from support.counting import LOOK, Counters, approves, asks, question
from support.house import RunAt, Someone
from support.journal import journal
from support.processes import Gateway

pytestmark = pytest.mark.postgres


@pytest.fixture(scope="module")
def approver_token(counting_gateway: Gateway) -> str:
    """The approver's key."""
    return counting_gateway.token("approver")


@pytest.fixture
async def over(responder: Someone, approver_token: str) -> str:
    """An incident with a bit of everything in it, closed."""
    incident = await responder.declares("Numbers <b>stand</b> still", "sev2")
    run = await responder.runs(incident, "counting")
    await run.starts("look", LOOK)
    await run.post("/v1/queries", question(run, 21))
    disguised = {**question(run, 21, ordinal=1), "sql": _DISGUISED}
    assert await run.refused("/v1/queries", disguised) in {"not-in-manifest", "not-read-only"}
    approval = await asks(run, 21)
    assert (await responder.vote(approval)).json()["code"] == "self-approval"
    await approves(Someone(responder.http, approver_token), approval)
    await run.post(f"/v1/approvals/{approval}/execute")
    await _ends(run)
    note = {"text": "The counter was <script>stuck</script>.", "kind": "decision"}
    await responder.post(f"/v1/incidents/{incident}/notes", note)
    await responder.post(f"/v1/incidents/{incident}/close", {"reason": "it counts again"})
    return incident


_DISGUISED = "WITH gone AS (DELETE FROM counters WHERE id = :id RETURNING n) SELECT n FROM gone"


async def _ends(run: RunAt) -> None:
    finding = {"status": "ok", "text": "it counts", "next": ""}
    end = {"state": "ok", "elapsed_ms": 12.5, "finding": finding}
    await run.post(f"/v1/runs/{run.id}/steps/bump/1/end", end)
    await run.post(f"/v1/runs/{run.id}/end", {"outcome": "completed", "summary": "1 ok"})


async def _exported(responder: Someone, incident: str, form: str) -> httpx.Response:
    return await responder.call("GET", f"/v1/incidents/{incident}/export", **{"as": form})


def _cited(form: str, text: str) -> set[int]:
    if form == "json":
        moments: list[dict[str, Any]] = json.loads(text)["moments"]
        return {int(event) for moment in moments for event in moment["events"]}
    return {int(number) for number in re.findall(r"\[#(\d+)\]", text)}


@pytest.mark.parametrize("form", ["md", "html", "json"])
async def test_every_event_of_the_incident_is_cited(
    responder: Someone, over: str, counting_gateway: Gateway, form: str
) -> None:
    answer = await _exported(responder, over, form)

    assert answer.status_code == httpx.codes.OK
    assert f'filename="{over}.{form}"' in answer.headers["content-disposition"]
    lines = [line for line in journal(str(counting_gateway.home.store)) if line.incident == over]
    last = lines.pop()
    assert last.body["type"] == "log.exported"  # written after the text was made
    assert _cited(form, answer.text) == {line.sequence for line in lines}


@pytest.mark.parametrize("form", ["md", "html", "json"])
async def test_it_tells_who_ran_what_and_what_was_refused(
    responder: Someone, over: str, form: str
) -> None:
    text = (await _exported(responder, over, form)).text
    for word in (
        *("responder", "approver", "UPDATE counters SET n = n + 1", "DELETE FROM counters"),
        *("self-approval", "it counts again", "counting"),
    ):
        assert word in text, word


async def test_what_people_wrote_is_shown_as_text(responder: Someone, over: str) -> None:
    text = (await _exported(responder, over, "html")).text
    assert text.count("<script") == len(("data", "units", "carried", "ours"))
    assert "stuck" in text
    assert "<b>stand" not in text


async def test_the_page_proves_itself_and_every_word_in_it(responder: Someone, over: str) -> None:
    page = (await _exported(responder, over, "html")).text
    found = list(page_findings(page, over))
    assert [one for one in found if not one.holds] == []
    assert {"checkpoint", "length", "text"} <= {one.about for one in found}
    forged = page.replace("it counts again", "it never counted", 1)
    assert any(not one.holds for one in page_findings(forged, over))


async def test_the_record_of_a_closed_incident_takes_no_more_runs(
    responder: Someone, over: str, counters: Counters
) -> None:
    body = {"incident": over, "runbook": "counting"}
    assert await responder.refused("/v1/runs", body) == "incident-closed"
    assert counters.n(21) >= 1
