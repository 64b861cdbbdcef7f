"""Taking a yes back: by whoever could have said no, until the grant is used."""

import asyncio

import pytest
from support.browser import browser
from support.glass import allow_break_glass, breaks
from support.house import House, RunAt, Someone


@pytest.fixture
async def granted(asked: str, approver: Someone) -> str:
    """A grant that is not used yet."""
    assert (await approver.vote(asked)).json()["state"] == "approved"
    return asked


async def test_a_yes_is_taken_back_before_it_is_used(
    home: House, granted: str, approver: Someone, run: RunAt, incident: str
) -> None:
    body = {"reason": "the wrong session"}
    answer = await approver.post(f"/v1/approvals/{granted}/revoke", body)
    assert (answer["state"], answer["reason"]) == ("revoked", "the wrong session")
    assert await run.refused(f"/v1/approvals/{granted}/execute") == "approval-revoked"
    assert home.target.deeds == []
    event = (await home.timeline(incident))[-1]
    assert (event["type"], event["authid"]) == ("approval.revoked", "person:approver")


async def test_whoever_could_have_said_no_may_and_nobody_else(home: House, granted: str) -> None:
    observer, colleague = await home.login("observer"), await home.login("colleague")
    path, body = f"/v1/approvals/{granted}/revoke", {"reason": "wait"}
    assert await observer.refused(path, body) == "no-permission"
    assert (await colleague.post(path, body))["state"] == "revoked"


async def test_the_commander_may_though_they_asked(granted: str, responder: Someone) -> None:
    body = {"reason": "it went away by itself"}
    assert (await responder.post(f"/v1/approvals/{granted}/revoke", body))["state"] == "revoked"


async def test_a_run_may_not_and_a_reason_is_needed(
    granted: str, run: RunAt, approver: Someone
) -> None:
    path = f"/v1/approvals/{granted}/revoke"
    assert await run.refused(path, {"reason": "x"}) == "not-a-person"
    assert await approver.refused(path, {"reason": " "}) == "bad-request"


async def test_what_waits_is_denied_and_what_was_used_is_done(
    asked: str, approver: Someone, run: RunAt
) -> None:
    path, body = f"/v1/approvals/{asked}/revoke", {"reason": "no"}
    assert await approver.refused(path, body) == "approval-decided"
    await approver.vote(asked)
    await run.post(f"/v1/approvals/{asked}/execute")
    assert await approver.refused(path, body) == "approval-decided"


async def test_a_grant_is_used_or_revoked_and_never_both(
    home: House, granted: str, approver: Someone, run: RunAt
) -> None:
    used, revoked = await asyncio.gather(
        run.call("POST", f"/v1/approvals/{granted}/execute", {}),
        approver.call("POST", f"/v1/approvals/{granted}/revoke", {"reason": "stop"}),
    )
    assert used.is_success != revoked.is_success
    assert len(home.target.deeds) == used.is_success


async def test_an_expired_grant_is_expired_and_not_revoked(
    home: House, granted: str, approver: Someone
) -> None:
    home.clock.pass_time(minutes=6)
    code = await approver.refused(f"/v1/approvals/{granted}/revoke", {"reason": "late"})
    assert code == "approval-decided"


async def test_broken_glass_is_stopped_by_an_approver_who_is_told_in_time(
    home: House, run: RunAt, approver: Someone
) -> None:
    allow_break_glass(home)
    await run.starts("terminate")
    asked = str((await run.post("/v1/actions", run.wishes()))["approval"]["id"])
    assert (await breaks(await browser(home, "responder"), asked)).status_code == 303
    await approver.post(f"/v1/approvals/{asked}/revoke", {"reason": "I am here; do not"})
    assert await run.refused(f"/v1/approvals/{asked}/execute") == "approval-revoked"


async def test_the_page_of_a_grant_has_the_form_for_whoever_may(home: House, granted: str) -> None:
    path = f"/approvals/{granted}"
    other = await browser(home, "observer")
    assert f"{path}/revoke" not in await other.page(path)
    window = await browser(home, "approver")
    page = await window.page(path)
    assert (await window.sends(page, f"{path}/revoke", reason="stop")).status_code == 303
    assert "evoked" in await window.page(path)
