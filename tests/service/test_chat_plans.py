"""Plans in Slack: one message, one vote on all of it, and what becomes of each."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from interlock.testing.slack import FakeSlack
from support.chat import ChatAt, in_slack
from support.glass import confirm_in_web
from support.house import House, RunAt, Someone
from support.plans import asks_for_plan, needs


@pytest.fixture
async def slack() -> AsyncIterator[FakeSlack]:
    """A Slack with anna, ben and carla in #incidents."""
    async with FakeSlack() as running:
        yield running


@pytest.fixture
async def chat(home: House, slack: FakeSlack) -> AsyncIterator[ChatAt]:
    """The gateway, connected to it by Socket Mode."""
    async with in_slack(home, slack) as connected:
        yield connected


@pytest.fixture
async def plan(run: RunAt) -> dict[str, Any]:
    """A plan of two that waits."""
    return await asks_for_plan(run)


@pytest.mark.usefixtures("plan")
async def test_a_plan_is_one_message_that_shows_every_action_whole(chat: ChatAt) -> None:
    message = await chat.shows("P-1")
    await chat.settles()
    assert len(chat.messages) == 1
    assert message.actions == ["approve", "deny", "open"]
    for told in (
        *("P-1 · INC-1 sev2 · orders (production)", "Asked by responder: 2 actions"),
        *("-- 1. A-1 pg.terminate_backend on orders (admin)", "1: pid = 4711 (integer)"),
        *("-- 2. A-2 execute on orders (write)", "UPDATE jobs SET state = 'queued'"),
        *("1 undo: Cannot be undone.", "2 would change:", "Reason: free the pool, then feed it"),
        "Previews: each as it was before any of these ran",
    ):
        assert told in message.shown


async def test_one_click_grants_all_of_it_and_the_message_follows_each(
    chat: ChatAt, plan: dict[str, Any], run: RunAt, approver: Someone
) -> None:
    message = await chat.shows("P-1")
    await chat.presses("anna", message, "approve")
    shown = await approver.get(f"/v1/plans/{plan['id']}")
    assert [member["state"] for member in shown["members"]] == ["approved", "approved"]
    assert message.actions == ["open"]
    assert "Approved by approver" in message.shown
    assert "A-1: May be used once" in message.shown
    await run.post("/v1/approvals/A-1/execute")
    await chat.settles()
    assert "A-1: Done" in message.shown
    assert "A-2: May be used once" in message.shown
    assert len(chat.messages) == 1


@pytest.mark.usefixtures("plan")
async def test_a_denial_denies_all_of_it(chat: ChatAt, approver: Someone) -> None:
    message = await chat.shows("P-1")
    await chat.denies("anna", message, "one at a time, please")
    assert (await approver.get("/v1/plans/P-1"))["state"] == "denied"
    assert "Denied by approver" in message.shown
    assert "one at a time, please" in message.shown


@pytest.mark.usefixtures("plan")
async def test_whoever_may_not_vote_on_a_part_is_told_who_may_on_the_whole(
    home: House, slack: FakeSlack
) -> None:
    async with in_slack(home, slack, accounts={"U0ANNA": "observer"}) as chat:
        message = await chat.shows("P-1")
        await chat.presses("anna", message, "approve")
        assert "Your vote on P-1 did not count." in chat.whispers[-1].shown
        assert "approver" in chat.whispers[-1].shown


async def test_a_plan_under_a_rule_of_the_browser_has_no_button(
    home: House, chat: ChatAt, run: RunAt
) -> None:
    confirm_in_web(home)
    await asks_for_plan(run)
    message = await chat.shows("P-1")
    assert message.actions == ["open"]
    assert "browser alone" in message.shown


async def test_a_first_of_two_votes_is_shown_and_the_buttons_stay(
    home: House, chat: ChatAt, run: RunAt, incident: str
) -> None:
    needs(home, one_approver="dba-and-commander", one_dba="dba-and-commander")
    await asks_for_plan(run)
    await (await home.login("colleague")).post(f"/v1/incidents/{incident}/take")
    message = await chat.shows("P-1")
    await chat.presses("anna", message, "approve")
    assert "Approved so far by approver" in message.shown
    assert message.actions == ["approve", "deny", "open"]
    await chat.presses("carla", message, "approve")
    assert "Approved by approver, colleague" in message.shown


@pytest.mark.usefixtures("plan")
async def test_a_member_that_is_withdrawn_takes_the_message_along(
    chat: ChatAt, responder: Someone
) -> None:
    message = await chat.shows("P-1")
    await responder.post("/v1/approvals/A-2/withdraw", {"reason": "not needed"})
    await chat.settles()
    assert message.actions == ["open"]
    assert "ithdrawn" in message.shown
