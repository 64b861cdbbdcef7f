"""Secrets in Slack: what becomes of a message, its edit or a reason that holds one."""

from collections.abc import AsyncIterator

import pytest
from support.chat import ChatAt, in_slack
from support.chat_notes import declares, notes, reacts, slack_of, with_rooms
from support.house import House, Someone

TYPED = "hunter2!Hunter2"
TEXT = f"try password: {TYPED} once more"
KEPT = "try password: ⟦masked: password-field⟧ once more"


@pytest.fixture
async def chat(home: House) -> AsyncIterator[ChatAt]:
    """A gateway that gives each incident a channel."""
    async with with_rooms(home) as connected:
        yield connected


async def test_a_message_and_its_edit_are_noted_with_marks(
    chat: ChatAt, home: House, responder: Someone
) -> None:
    incident, room = await declares(chat, responder)
    ben = chat.slack.person("ben")
    message = ben.writes(room.id, TEXT)
    await reacts(chat, "ben", message)
    ben.edits(message, f"{TEXT}, twice")
    await chat.settles()
    first, second = await notes(home, incident)
    assert (first.text, second.text) == (KEPT, f"{KEPT}, twice")
    assert first.data["masked"] == {"text": {"password-field": 1}}
    held = b"".join(one.read_bytes() for one in home.folder.glob("store.db*"))
    assert TYPED.encode() not in held


async def test_the_reason_of_a_denial_is_kept_with_a_mark(
    home: House, asked: str, incident: str
) -> None:
    async with slack_of(home) as slack, in_slack(home, slack) as chat:
        message = await chat.shows(asked)
        await chat.denies("anna", message, TEXT)
        await chat.settles()
    denied = [one for one in await home.timeline(incident) if one["type"] == "approval.voted"]
    assert denied[-1]["data"]["masked"] == {"reason": {"password-field": 1}}
    held = b"".join(one.read_bytes() for one in home.folder.glob("store.db*"))
    assert TYPED.encode() not in held
