"""Breaking the glass: who may, what it takes, what it gives, and every way around it."""

import json
from typing import Any

import httpx
import pytest
from interlock_gateway.service.records import ApprovalRow, BreakRow, OutboxRow
from support.browser import Browser, browser, hidden
from support.glass import WHY, allow_break_glass, breaks, rewrite
from support.house import TERMINATE, House, RunAt, Someone


@pytest.fixture
async def asked(home: House, run: RunAt) -> str:
    """A request that waits, under a rule whose glass developers may break."""
    allow_break_glass(home)
    return await asks(run)


@pytest.fixture
async def at_page(home: House, responder: Someone) -> Browser:
    """The requester's browser; they are a developer, and lead the incident."""
    assert responder.token
    return await browser(home, "responder")


async def asks(run: RunAt, pid: int = 4711) -> str:
    if pid == 4711:
        await run.starts("terminate")
    args = {**TERMINATE, "pid": {"type": "integer", "value": pid}}
    answer = await run.post("/v1/actions", run.wishes(ordinal=pid - 4711, args=args))
    return str(answer["approval"]["id"])


async def use(run: RunAt, approval: str) -> str:
    return await run.refused(f"/v1/approvals/{approval}/execute")


async def events(home: House, incident: str, kind: str) -> list[dict[str, Any]]:
    return [event for event in await home.timeline(incident) if event["type"] == kind]


async def waits(home: House, approval: str) -> bool:
    """Tell whether a request still waits, its glass whole, with nothing done."""
    row = await home.store.read(lambda tx: tx.get(ApprovalRow, approval))
    broken = await home.store.read(lambda tx: tx.get(BreakRow, approval))
    assert row is not None
    return (row.state, row.broken_by, broken, home.target.deeds) == ("pending", "", None, [])


# --- what it gives -----------------------------------------------------------------------------


async def test_the_requester_breaks_it_and_the_same_bytes_run_once(
    home: House, asked: str, run: RunAt, at_page: Browser
) -> None:
    before = await home.store.read(lambda tx: tx.get(ApprovalRow, asked))
    assert (await breaks(at_page, asked)).status_code == 303
    row = await home.store.read(lambda tx: tx.get(ApprovalRow, asked))
    assert before is not None
    assert row is not None
    assert (row.state, row.broken_by) == ("approved", "responder")
    assert (row.sealed, row.digest) == (before.sealed, before.digest)
    outcome = await run.post(f"/v1/approvals/{asked}/execute")
    assert outcome["state"] == "succeeded"
    assert len(home.target.deeds) == 1
    assert (await run.post(f"/v1/approvals/{asked}/execute"))["replayed"] is True
    assert len(home.target.deeds) == 1


async def test_both_events_say_that_no_approver_decided(
    home: House, asked: str, incident: str, at_page: Browser
) -> None:
    await breaks(at_page, asked)
    [broken] = await events(home, incident, "approval.glass_broken")
    [approved] = await events(home, incident, "approval.approved")
    told = broken["data"]
    assert (told["person"], told["own_request"]) == ("responder", True)
    assert told["told"] == ["approver", "colleague"]
    assert (approved["data"]["break_glass"], approved["data"]["by"]) == (True, ["responder"])
    assert approved["causationid"] == broken["id"]


async def test_every_approver_is_told_at_once_with_who_and_why(
    home: House, asked: str, at_page: Browser
) -> None:
    await breaks(at_page, asked)
    rows = await home.store.read(lambda tx: tx.rows(OutboxRow))
    [payload] = [json.loads(row.payload) for row in rows if row.kind == "approval.glass_broken"]
    assert (payload["person"], payload["reason"]) == ("responder", WHY)
    assert payload["approvers"] == ["approver", "colleague"]


async def test_the_grant_is_short_whatever_the_rule_gives(
    home: House, run: RunAt, at_page: Browser
) -> None:
    rewrite(home, "approvals.toml", ('use_within = "5m"', 'use_within = "1h"'))
    allow_break_glass(home)
    asked = await asks(run)
    await breaks(at_page, asked)
    home.clock.pass_time(seconds=301)
    assert await use(run, asked) == "approval-expired"
    assert home.target.deeds == []


async def test_it_is_counted_and_is_an_alarm(asked: str, at_page: Browser) -> None:
    await breaks(at_page, asked)
    metrics = (await at_page.http.get("/metrics")).text
    assert 'interlock_breaks_total{outcome="broken"} 1.0' in metrics
    assert 'interlock_alarms_total{kind="glass_broken"} 1.0' in metrics


async def test_the_api_tells_it_from_an_approval(
    asked: str, approver: Someone, at_page: Browser
) -> None:
    await breaks(at_page, asked)
    shown = await approver.get(f"/v1/approvals/{asked}")
    assert (shown["state"], shown["broken_by"], shown["votes"]) == ("approved", "responder", [])
    assert shown["broken"]["reason"] == WHY
    listed = await approver.get("/v1/approvals")
    assert listed["approvals"][0]["broken_by"] == "responder"


async def test_a_commander_can_still_withdraw_it_before_it_is_used(
    home: House, asked: str, run: RunAt, approver: Someone, incident: str, at_page: Browser
) -> None:
    await breaks(at_page, asked)
    await approver.post(f"/v1/incidents/{incident}/take")
    await approver.post(f"/v1/approvals/{asked}/withdraw", {"reason": "wrong session"})
    assert await use(run, asked) == "approval-withdrawn"
    assert home.target.deeds == []


# --- ways around it ----------------------------------------------------------------------------


async def sent(page: Browser, approval: str, other: Browser | None = None) -> httpx.Response:
    """Send the form's fields as `page` could have them, with the session of `page`."""
    shown = await (other or page).page(f"/approvals/{approval}")
    fields = hidden(shown, f"/approvals/{approval}/break")
    own = hidden(await page.page("/"), "/logout")
    typed = {"reason": WHY, "target": "orders"}
    return await page.http.post(f"/approvals/{approval}/break", data={**fields, **own, **typed})


async def refused(
    home: House, incident: str, approval: str, answer: httpx.Response, code: str
) -> None:
    assert answer.is_error
    assert code in answer.text
    [event] = await events(home, incident, "approval.glass_refused")
    assert event["data"]["code"] == code
    assert await waits(home, approval)


async def test_an_old_session_breaks_nothing(
    home: House, asked: str, incident: str, at_page: Browser
) -> None:
    page = await at_page.page(f"/approvals/{asked}")
    home.clock.pass_time(minutes=5)
    form = f"/approvals/{asked}/break"
    answer = await at_page.sends(page, form, reason=WHY, target="orders")
    await refused(home, incident, asked, answer, "login-not-fresh")
    assert f'href="/login?again=1&amp;next=/approvals/{asked}"' in answer.text
    assert form not in await at_page.page(f"/approvals/{asked}")


async def test_a_key_or_a_runs_token_in_place_of_the_cookie_breaks_nothing(
    home: House, asked: str, run: RunAt, responder: Someone, at_page: Browser
) -> None:
    fields = hidden(await at_page.page(f"/approvals/{asked}"), f"/approvals/{asked}/break")
    typed = {**fields, "reason": WHY, "target": "orders"}
    for token in (responder.token, run.token):
        for headers in (
            {"Authorization": f"Bearer {token}"},
            {"Cookie": f"interlock_session={token}"},
        ):
            at_page.http.cookies.clear()
            answer = await at_page.http.post(
                f"/approvals/{asked}/break", data=typed, headers=headers
            )
            assert answer.headers["location"].startswith("/login")
    assert await responder.refused(f"/v1/approvals/{asked}/break", typed) == "bad-request"
    assert await waits(home, asked)


async def test_a_person_without_the_role_breaks_nothing_and_is_offered_nothing(
    home: House, asked: str, incident: str, at_page: Browser
) -> None:
    approver = await browser(home, "approver")
    assert "Break the glass" not in await approver.page(f"/approvals/{asked}")
    answer = await sent(approver, asked, at_page)
    await refused(home, incident, asked, answer, "not-eligible")


async def test_command_that_was_taken_is_no_standing_role(
    home: House, asked: str, incident: str, approver: Someone, at_page: Browser
) -> None:
    await approver.post(f"/v1/incidents/{incident}/take")
    answer = await sent(await browser(home, "approver"), asked, at_page)
    await refused(home, incident, asked, answer, "not-eligible")


async def test_a_rule_without_the_line_is_never_broken(
    home: House, run: RunAt, incident: str, at_page: Browser
) -> None:
    asked = await asks(run)
    page = await at_page.page(f"/approvals/{asked}")
    assert "Break the glass" not in page
    csrf = hidden(page, "/logout")
    shown = await run.prompt(asked)
    digests = {"proposal_digest": shown["proposal_digest"], "prompt_digest": "x"}
    typed = {"reason": WHY, "target": "orders"}
    path = f"/approvals/{asked}/break"
    answer = await at_page.http.post(path, data={**csrf, **digests, **typed})
    await refused(home, incident, asked, answer, "no-break-glass")


async def test_a_closed_incident_has_no_glass_to_break(
    home: House, asked: str, incident: str, responder: Someone, at_page: Browser
) -> None:
    page = await at_page.page(f"/approvals/{asked}")
    await responder.post(f"/v1/incidents/{incident}/close", {"reason": "over"})
    answer = await at_page.sends(page, f"/approvals/{asked}/break", reason=WHY, target="orders")
    assert "approval-decided" in answer.text
    assert home.target.deeds == []


async def test_it_is_broken_once_and_only_while_it_waits(
    home: House, asked: str, approver: Someone, at_page: Browser
) -> None:
    observer = await browser(home, "observer")
    page = await observer.page(f"/approvals/{asked}")
    await breaks(at_page, asked)
    form = f"/approvals/{asked}/break"
    answer = await observer.sends(page, form, reason=WHY, target="orders")
    assert "approval-decided" in answer.text
    assert (await approver.vote(asked)).json()["code"] == "approval-decided"
    row = await home.store.read(lambda tx: tx.get(ApprovalRow, asked))
    assert row is not None
    assert row.broken_by == "responder"


async def test_after_the_time_to_decide_there_is_nothing_to_break(
    home: House, asked: str, at_page: Browser
) -> None:
    page = await at_page.page(f"/approvals/{asked}")
    home.clock.pass_time(minutes=15)
    answer = await at_page.sends(page, f"/approvals/{asked}/break", reason=WHY, target="orders")
    assert "is expired already" in answer.text


async def test_another_request_does_not_live_on_this_break(
    home: House, asked: str, run: RunAt, at_page: Browser
) -> None:
    other = await asks(run, pid=4712)
    page = await at_page.page(f"/approvals/{asked}")
    fields = hidden(page, f"/approvals/{asked}/break")
    typed = {"reason": WHY, "target": "orders"}
    answer = await at_page.http.post(f"/approvals/{other}/break", data={**fields, **typed})
    assert "approval-changed" in answer.text
    await breaks(at_page, asked)
    assert await use(run, other) == "approval-not-granted"
    assert home.target.deeds == []


@pytest.mark.parametrize("headers", [{"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": ""}])
async def test_another_site_breaks_nothing(
    home: House, asked: str, at_page: Browser, headers: dict[str, str]
) -> None:
    fields = hidden(await at_page.page(f"/approvals/{asked}"), f"/approvals/{asked}/break")
    typed = {**fields, "reason": WHY, "target": "orders"}
    answer = await at_page.http.post(f"/approvals/{asked}/break", data=typed, headers=headers)
    assert answer.status_code == 403
    assert await waits(home, asked)


@pytest.mark.parametrize("csrf", ["", "wrong", "ü"])
async def test_a_form_without_this_sessions_token_breaks_nothing(
    home: House, asked: str, at_page: Browser, csrf: str
) -> None:
    assert (await breaks(at_page, asked, csrf=csrf)).status_code in (403, 422)
    assert await waits(home, asked)


@pytest.mark.parametrize(
    "reason",
    [
        "",
        " " * 40,
        "\u200b" * 40,
        "\u3164" * 40,
        "\u2800" * 40,
        "\ufe0f" * 40,
        "it is down",
        "x" * 40,
    ],
)
async def test_a_reason_that_says_nothing_breaks_nothing(
    home: House, asked: str, at_page: Browser, reason: str
) -> None:
    answer = await breaks(at_page, asked, reason=reason)
    assert answer.status_code == 422
    assert await waits(home, asked)


@pytest.mark.parametrize("target", ["", "Orders", "order", "orders2"])
async def test_another_name_than_the_targets_breaks_nothing(
    home: House, asked: str, at_page: Browser, target: str
) -> None:
    assert (await breaks(at_page, asked, target=target)).status_code == 422
    assert await waits(home, asked)


async def test_looking_never_breaks(home: House, asked: str, at_page: Browser) -> None:
    typed = {"reason": WHY, "target": "orders"}
    await at_page.http.get(f"/approvals/{asked}/break", params=typed)
    await at_page.http.get(f"/approvals/{asked}", params=typed)
    assert await waits(home, asked)


async def test_three_a_day_and_no_more(
    home: House, asked: str, run: RunAt, at_page: Browser
) -> None:
    numbers = [asked, *[await asks(run, pid) for pid in (4712, 4713, 4714)]]
    for number in numbers[:3]:
        assert (await breaks(at_page, number)).status_code == 303
    assert "3 times within a day" in await at_page.page(f"/approvals/{numbers[3]}")
    answer = await sent(at_page, numbers[3], await browser(home, "observer"))
    assert answer.status_code == 429
    row = await home.store.read(lambda tx: tx.get(ApprovalRow, numbers[3]))
    assert row is not None
    assert row.state == "pending"


# --- decided again when it is used -------------------------------------------------------------


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("roles.csv", "g, responder, developer", "g, responder, sre"),
        ("approvals.toml", 'by = ["developer"]', 'by = ["developer", "sre"]'),
        ("approvals.toml", 'by = ["developer"]', 'by = ["sre"]'),
        (
            "permissions.csv",
            "# Responders read.",
            "p, *, *, *, *, pg.terminate_backend, *, deny, -, -\n#",
        ),
    ],
)
async def test_a_policy_that_changed_since_voids_it(
    home: House, asked: str, run: RunAt, at_page: Browser, file: str, old: str, new: str
) -> None:
    await breaks(at_page, asked)
    rewrite(home, file, (old, new))
    assert await use(run, asked) == "approval-invalidated"
    assert home.target.deeds == []


async def test_a_policy_without_the_line_voids_it(
    home: House, asked: str, run: RunAt, at_page: Browser
) -> None:
    await breaks(at_page, asked)
    rules = home.folder / "policies" / "approvals.toml"
    rules.write_text(rules.read_text().replace('break_glass_by = ["developer"]\n', "", 1))
    lines = home.folder / "policies" / "permissions.csv"
    for path in (rules, lines):
        path.write_text(path.read_text().replace("one-approver-or-break-glass", "one-approver"))
    assert home.policies.reload() == ()
    assert await use(run, asked) == "approval-invalidated"
    assert home.target.deeds == []


async def test_an_incident_that_closed_since_voids_it(
    home: House, asked: str, run: RunAt, responder: Someone, incident: str, at_page: Browser
) -> None:
    await breaks(at_page, asked)
    await responder.post(f"/v1/incidents/{incident}/close", {"reason": "over"})
    assert await use(run, asked) in {"approval-invalidated", "run-ended"}
    assert home.target.deeds == []


# --- what follows ------------------------------------------------------------------------------

LOOKED = "Right: the on-call phone was off. It rings twice now."


async def test_a_follow_up_opens_by_itself_for_the_commander(
    home: House, asked: str, incident: str, responder: Someone, at_page: Browser
) -> None:
    await breaks(at_page, asked)
    [owed] = (await responder.get(f"/v1/incidents/{incident}/followups"))["followups"]
    assert (owed["state"], owed["approval"], owed["owner"]) == ("open", asked, "responder")
    assert WHY in owed["text"]
    [opened] = await events(home, incident, "followup.opened")
    assert opened["data"]["owner"] == "responder"


async def test_whoever_broke_it_does_not_close_it_even_as_commander(
    home: House, asked: str, incident: str, responder: Someone, approver: Someone, at_page: Browser
) -> None:
    await breaks(at_page, asked)
    path = f"/v1/incidents/{incident}/followups/F-1/close"
    assert await responder.refused(path, {"answer": LOOKED}) == "no-permission"
    stranger = await home.login("observer")
    assert await stranger.refused(path, {"answer": LOOKED}) == "no-permission"
    assert await approver.refused(path, {"answer": "  ok  "}) == "bad-request"
    [closed] = (await approver.post(path, {"answer": LOOKED}))["followups"]
    assert (closed["state"], closed["closed_by"], closed["answer"]) == (
        "closed",
        "approver",
        LOOKED,
    )
    assert await approver.refused(path, {"answer": LOOKED}) == "incident-state"


async def test_a_follow_up_is_of_its_own_incident(
    asked: str, incident: str, approver: Someone, at_page: Browser
) -> None:
    await breaks(at_page, asked)
    other = await approver.declares("Something else")
    path = f"/v1/incidents/{other}/followups/F-1/close"
    assert await approver.refused(path, {"answer": LOOKED}) == "bad-request"
    assert incident != other


async def test_a_record_is_not_sealed_before_its_follow_up_is_closed(
    asked: str, incident: str, responder: Someone, approver: Someone, at_page: Browser
) -> None:
    await breaks(at_page, asked)
    at = f"/v1/incidents/{incident}"
    await responder.post(f"{at}/close", {"reason": "over"})
    assert await responder.refused(f"{at}/seal") == "incident-state"
    await approver.post(f"{at}/followups/F-1/close", {"answer": LOOKED})
    assert (await responder.post(f"{at}/seal"))["state"] == "sealed"


@pytest.mark.parametrize("form", ["md", "html", "json"])
async def test_exports_tell_the_break_and_the_follow_up(
    asked: str, incident: str, approver: Someone, at_page: Browser, form: str
) -> None:
    await breaks(at_page, asked)
    query = {"as": form}
    text = (await approver.call("GET", f"/v1/incidents/{incident}/export", **query)).text
    for words in ("broke the glass", "Nobody of the dbas answers", "F-1"):
        assert words in text
