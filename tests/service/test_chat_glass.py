"""Slack, where a rule wants the browser: no button, no vote, and broken glass said aloud."""

from collections.abc import AsyncIterator

import pytest
from interlock.testing.slack import FakeSlack
from support.browser import browser
from support.chat import ChatAt, in_slack, until
from support.glass import allow_break_glass, breaks, confirm_in_web
from support.house import House, RunAt


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


async def asks(run: RunAt) -> str:
    await run.starts("terminate")
    return str((await run.post("/v1/actions", run.wishes()))["approval"]["id"])


async def test_a_rule_for_the_browser_shows_no_button_but_the_page(
    home: House, chat: ChatAt, run: RunAt
) -> None:
    confirm_in_web(home)
    message = await chat.shows(await asks(run))
    assert message.actions == ["open"]
    assert "Votes on this are taken in the browser alone." in message.shown


async def test_a_button_from_before_the_rule_wanted_the_browser_does_not_approve(
    home: House, chat: ChatAt, run: RunAt
) -> None:
    asked = await asks(run)
    message = await chat.shows(asked)
    confirm_in_web(home)
    await chat.presses("anna", message, "approve")
    assert await chat.state(asked) == "pending"
    assert any(f"/approvals/{asked}" in whisper.shown for whisper in chat.whispers)


async def test_broken_glass_is_said_aloud_and_its_message_tells_it_from_an_approval(
    home: House, chat: ChatAt, run: RunAt
) -> None:
    allow_break_glass(home)
    asked = await asks(run)
    message = await chat.shows(asked)
    await breaks(await browser(home, "responder"), asked)

    await until(lambda: len(chat.messages) > 1)
    aloud = chat.messages[-1]
    for told in (
        *("A-1 · INC-1 sev2", "The glass was broken by responder, who asked for it too"),
        *("Nobody of the dbas answers", "No approver decided."),
    ):
        assert told in aloud.shown
    await chat.settles()
    assert "The glass was broken by responder" in message.shown
    assert "Approved by" not in message.shown
    assert message.actions == ["open"]
