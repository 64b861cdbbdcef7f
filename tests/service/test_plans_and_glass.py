"""Plans whose rules want a fresh login, or could be broken: nothing of that is lost in a plan."""

from typing import Any

import pytest
from interlock_gateway.core.model import Person
from interlock_gateway.service.identity import Principal
from interlock_gateway.service.records import VoteRow
from support.browser import Browser, browser, hidden
from support.glass import WHY, allow_break_glass, confirm_in_web
from support.house import House, RunAt, Someone
from support.plans import asks_for_plan, vote_on_plan

_PAGE = "/approvals/plan/P-1"


@pytest.fixture
async def plan(home: House, run: RunAt) -> dict[str, Any]:
    """A plan of two that waits, each under a rule that wants its yes in the browser."""
    confirm_in_web(home)
    return await asks_for_plan(run)


@pytest.fixture
async def at_page(home: House) -> Browser:
    """A dba's browser, just logged in."""
    return await browser(home, "approver")


async def state(person: Someone) -> str:
    """Return where the plan is."""
    return str((await person.get("/v1/plans/P-1"))["state"])


async def test_a_yes_by_a_key_grants_nothing_of_it(
    home: House, plan: dict[str, Any], approver: Someone
) -> None:
    answer = await vote_on_plan(approver, plan["id"])
    assert answer.json()["code"] == "confirm-in-web"
    assert list(await home.store.read(lambda tx: tx.rows(VoteRow))) == []
    assert await state(approver) == "pending"


async def test_a_yes_on_the_page_counts_for_every_member(
    home: House, plan: dict[str, Any], approver: Someone, at_page: Browser
) -> None:
    page = await at_page.page(_PAGE)
    assert (await at_page.sends(page, f"{_PAGE}/vote", reason="")).status_code == 303
    assert await state(approver) == "approved"
    votes = await home.store.read(lambda tx: tx.rows(VoteRow))
    assert {vote.confirmed_in for vote in votes} == {"web"}
    assert len(votes) == 1 + len(plan["members"])


@pytest.mark.usefixtures("plan")
async def test_an_old_login_is_asked_to_log_in_again_and_its_yes_does_not_count(
    home: House, approver: Someone, at_page: Browser
) -> None:
    page = await at_page.page(_PAGE)
    home.clock.pass_time(minutes=6)
    assert "login-not-fresh" in (await at_page.sends(page, f"{_PAGE}/vote", reason="")).text
    assert await state(approver) == "pending"
    later = await at_page.page(_PAGE)
    assert "Approving this takes a login of the last 5 minutes." in later
    assert 'value="approve"' not in later


@pytest.mark.usefixtures("plan")
async def test_a_no_by_a_key_denies_all_of_it(approver: Someone) -> None:
    assert (await vote_on_plan(approver, "P-1", "deny")).status_code == 201
    assert await state(approver) == "denied"


async def test_the_glass_of_one_member_is_not_broken_behind_the_others(
    home: House, run: RunAt
) -> None:
    allow_break_glass(home)
    await asks_for_plan(run)
    window = await browser(home, "responder")
    page = await window.page("/approvals/A-1")
    assert "/approvals/A-1/break" not in page
    who = Principal(Person("responder", "Responder"))
    shown = await home.gateway.approvals.show(who, "A-1", "web")
    forged = {
        "csrf": hidden(page, "/logout")["csrf"],
        "proposal_digest": shown.row.digest,
        "prompt_digest": shown.prompt_digest,
        "target": "orders",
        "reason": WHY,
    }
    answer = await window.http.post("/approvals/A-1/break", data=forged)
    assert "in-a-plan" in answer.text
    assert await state(await home.login("approver")) == "pending"
