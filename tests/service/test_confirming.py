"""Rules that want a yes in the browser, freshly logged in: where it counts, and where not."""

from collections.abc import Sequence

import pytest
from interlock_gateway.service.records import VoteRow
from support.browser import Browser, browser, hidden
from support.glass import confirm_in_web, rewrite
from support.house import House, RunAt, Someone


@pytest.fixture
async def asked(home: House, run: RunAt) -> str:
    """A request that waits, under a rule that wants its approvals in the browser."""
    confirm_in_web(home)
    await run.starts("terminate")
    return str((await run.post("/v1/actions", run.wishes()))["approval"]["id"])


@pytest.fixture
async def at_page(home: House) -> Browser:
    """A dba's browser, just logged in."""
    return await browser(home, "approver")


async def votes(home: House, approval: str) -> Sequence[VoteRow]:
    return await home.store.read(lambda tx: tx.rows(VoteRow, approval=approval))


def path(approval: str) -> str:
    return f"/approvals/{approval}"


async def test_a_yes_on_the_page_counts_right_after_the_login(
    home: House, asked: str, run: RunAt, at_page: Browser
) -> None:
    page = await at_page.page(path(asked))
    answer = await at_page.sends(page, f"{path(asked)}/vote", reason="")
    assert answer.status_code == 303
    [vote] = await votes(home, asked)
    assert (vote.vote, vote.confirmed_in) == ("approve", "web")
    assert (await run.post(f"/v1/approvals/{asked}/execute"))["state"] == "succeeded"


@pytest.mark.parametrize("channel", ["api", "cli"])
async def test_a_yes_by_a_key_does_not_count_and_is_told_where_to_go(
    home: House, asked: str, incident: str, approver: Someone, channel: str
) -> None:
    seen = await approver.get(f"/v1/approvals/{asked}", channel=channel)
    assert seen["rule"]["confirm_in"] == "web"
    assert (seen["you"]["may_vote"], seen["you"]["may_approve"]) == (True, False)
    answer = await approver.vote(asked, prompt_digest=seen["prompt_digest"])
    assert answer.json()["code"] == "confirm-in-web"
    assert f"/approvals/{asked}" in answer.json()["detail"]
    assert list(await votes(home, asked)) == []
    event = (await home.timeline(incident))[-1]
    assert (event["type"], event["data"]["code"]) == ("approval.vote_refused", "confirm-in-web")


async def test_a_key_that_names_the_pages_own_prompt_is_still_a_key(
    home: House, asked: str, approver: Someone, at_page: Browser
) -> None:
    fields = hidden(await at_page.page(path(asked)), f"{path(asked)}/vote")
    answer = await approver.vote(asked, prompt_digest=fields["prompt_digest"])
    assert answer.json()["code"] == "confirm-in-web"
    assert list(await votes(home, asked)) == []


async def test_an_old_login_is_asked_to_log_in_again_and_then_the_form_is_there(
    home: House, asked: str, at_page: Browser
) -> None:
    page = await at_page.page(path(asked))
    home.clock.pass_time(minutes=5)
    answer = await at_page.sends(page, f"{path(asked)}/vote", reason="")
    assert answer.status_code == 403
    assert "login-not-fresh" in answer.text
    assert list(await votes(home, asked)) == []
    stale = await at_page.page(path(asked))
    assert 'value="approve"' not in stale
    assert f'href="/login?again=1&amp;next={path(asked)}"' in stale
    again = await at_page.page(f"/login?again=1&next={path(asked)}")
    assert "login of the last 5 minutes" in again
    answer = await at_page.logs_in("approver", path(asked))
    assert answer.headers["location"] == path(asked)
    page = await at_page.page(path(asked))
    assert (await at_page.sends(page, f"{path(asked)}/vote", reason="")).status_code == 303


async def test_a_login_counts_for_less_than_five_minutes(
    home: House, asked: str, at_page: Browser
) -> None:
    home.clock.pass_time(seconds=299)
    page = await at_page.page(path(asked))
    assert (await at_page.sends(page, f"{path(asked)}/vote", reason="")).status_code == 303


async def test_another_persons_login_inherits_nothing(
    home: House, asked: str, at_page: Browser
) -> None:
    old = str(at_page.http.cookies.get("interlock_session"))
    form = await at_page.page(path(asked))
    await at_page.logs_in("colleague", path(asked))
    answer = await at_page.sends(form, f"{path(asked)}/vote", reason="typed by the approver")
    assert answer.status_code == 403
    assert "cross-site" in answer.text
    assert list(await votes(home, asked)) == []
    at_page.http.cookies.set("interlock_session", old)
    assert (await at_page.http.get("/")).headers["location"].startswith("/login")


async def test_a_denial_counts_anywhere(home: House, asked: str, approver: Someone) -> None:
    assert (await approver.vote(asked, "deny")).json()["state"] == "denied"
    [vote] = await votes(home, asked)
    assert vote.confirmed_in == ""


async def test_a_vote_from_before_the_rule_wanted_it_does_not_count_any_more(
    home: House, run: RunAt, approver: Someone, at_page: Browser
) -> None:
    """The rule goes to and fro while a yes by a key is cast; the grant does not live on it."""
    confirm_in_web(home)
    await run.starts("terminate")
    asked = str((await run.post("/v1/actions", run.wishes()))["approval"]["id"])
    rewrite(home, "approvals.toml", ('confirm_in = "web"\n', ""))
    assert (await approver.vote(asked)).json()["state"] == "approved"
    confirm_in_web(home)
    assert "approval-invalidated" in str(await run.refused(f"/v1/approvals/{asked}/execute"))
    assert home.target.deeds == []
    assert at_page.http.cookies


async def test_a_request_from_before_the_rule_wanted_it_is_not_used(
    home: House, run: RunAt, approver: Someone
) -> None:
    await run.starts("terminate")
    asked = str((await run.post("/v1/actions", run.wishes()))["approval"]["id"])
    await approver.vote(asked)
    confirm_in_web(home)
    assert await run.refused(f"/v1/approvals/{asked}/execute") == "approval-invalidated"


async def test_without_such_a_rule_a_page_asks_for_no_fresh_login(
    home: House, run: RunAt, at_page: Browser
) -> None:
    await run.starts("terminate")
    asked = str((await run.post("/v1/actions", run.wishes()))["approval"]["id"])
    home.clock.pass_time(minutes=6)
    page = await at_page.page(path(asked))
    assert "login of the last" not in page
    assert (await at_page.sends(page, f"{path(asked)}/vote", reason="")).status_code == 303


async def test_what_is_shown_says_where_it_is_approved(asked: str, approver: Someone) -> None:
    text = (await approver.prompt(asked))["prompt_text"]
    assert "approved only in: web, with a fresh login" in text
