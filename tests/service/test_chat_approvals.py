"""Approvals in Slack, over the real SDK and a Slack that breaks on order, on both stores."""

from collections.abc import AsyncIterator

import pytest
from interlock.testing.slack import FakeSlack
from support.chat import ChatAt, in_slack
from support.house import House


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


async def test_one_click_approves_and_the_message_says_so(chat: ChatAt, asked: str) -> None:
    message = await chat.shows(asked)
    assert message.actions == ["approve", "deny", "open"]
    await chat.presses("anna", message, "approve")
    assert await chat.state(asked) == "approved"
    assert message.actions == ["open"]
