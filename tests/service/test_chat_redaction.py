"""What was noted from a chat, once it is redacted: nothing is left, and nothing brings it back."""

from collections.abc import AsyncIterator

import pytest
from interlock_gateway.service.chat.records import InboxRow, NoteRow
from support.chat import ChatAt
from support.chat_notes import declares, notes, reacts, with_rooms
from support.house import House, Someone
from support.traces import pieces_with, traces

SECRET = "hunter2-5ecret"


@pytest.fixture
async def chat(home: House) -> AsyncIterator[ChatAt]:
    """A gateway that gives each incident a channel."""
    async with with_rooms(home) as connected:
        yield connected


async def redacts_all(home: House, who: Someone) -> None:
    """Redact each piece that holds the secret."""
    for piece in await pieces_with(home, SECRET):
        await who.post(f"/v1/evidence/{piece.id}/redact", {"reason": "It holds a password."})


async def test_neither_a_note_nor_its_edit_is_left_in_timeline_digest_or_inbox(
    chat: ChatAt, home: House, responder: Someone, store_url: str
) -> None:
    _, room = await declares(chat, responder)
    ben = chat.slack.person("ben")
    message = ben.writes(room.id, f"the password is {SECRET}")
    await reacts(chat, "ben", message)
    ben.edits(message, f"the password was {SECRET}")
    await chat.settles()
    assert len(await pieces_with(home, SECRET)) == 2
    await redacts_all(home, responder)
    assert traces(home, SECRET, store_url) == set()
    [row] = await home.store.read(lambda tx: tx.rows(NoteRow))
    assert row.shown == ""
    inbox = await home.store.read(lambda tx: tx.rows(InboxRow))
    assert {entry.content for entry in inbox if entry.handled_at} == {b""}


async def test_a_later_edit_does_not_bring_it_back(
    chat: ChatAt, home: House, responder: Someone, store_url: str
) -> None:
    incident, room = await declares(chat, responder)
    ben = chat.slack.person("ben")
    message = ben.writes(room.id, f"the password is {SECRET}")
    await reacts(chat, "ben", message)
    await redacts_all(home, responder)
    ben.edits(message, f"the password is {SECRET}!")
    await chat.settles()
    assert [note.type for note in await notes(home, incident)] == ["note.observation"]
    assert traces(home, SECRET, store_url) == set()


async def test_a_redacted_title_goes_from_the_name_that_the_room_was_given(
    chat: ChatAt, home: House, responder: Someone, store_url: str
) -> None:
    incident = await responder.declares(f"Checkout {SECRET}")
    await chat.settles()
    assert traces(home, SECRET, store_url) >= {"incidents.title", "rooms.name"}
    await redacts_all(home, responder)
    assert traces(home, SECRET, store_url) == set()
    assert (await responder.get(f"/v1/incidents/{incident}"))["title"] == "[redacted]"
