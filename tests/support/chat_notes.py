"""What is noted from a chat, as tests look at it: notes with their texts, rooms with theirs."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from interlock.testing.slack import FakeSlack
from interlock_gateway.service.timeline import Depth, entries_of

from support.chat import ChatAt, in_slack
from support.house import House, Someone


@dataclass(frozen=True, slots=True)
class Note:
    """One event about a note: its type, body, text, and the handle of who wrote it."""

    type: str
    body: dict[str, Any]
    text: str
    handle: str

    @property
    def data(self) -> dict[str, Any]:
        """What its body holds."""
        return dict(self.body["data"])


async def notes(home: House, incident: str) -> list[Note]:
    """Return the events about notes in a timeline, in order; "" is the deployment's own."""
    found = []
    events = await home.store.read(lambda tx: entries_of(tx, tx.events(incident), Depth.WHOLE))
    for read in events:
        if read["event"]["type"].startswith("note."):
            parts = {
                name: read["parts"][value["$part"]].get("text", "")
                for name, value in read["event"]["data"].items()
                if isinstance(value, dict) and "$part" in value
            }
            texts = (parts.get("text", ""), parts.get("handle", ""))
            found.append(Note(read["event"]["type"], read["event"], *texts))
    return found


def slack_of(home: House, **more: Any) -> FakeSlack:
    """Return a Slack whose time is the gateway's."""
    return FakeSlack(clock=lambda: home.clock.now().timestamp(), **more)


@asynccontextmanager
async def with_rooms(home: House, **more: Any) -> AsyncIterator[ChatAt]:
    """Connect a gateway to a Slack in which each incident gets a channel."""
    async with (
        slack_of(home) as slack,
        in_slack(home, slack, incident_channels=True, **more) as at,
    ):
        yield at


def room_of(chat: ChatAt, incident: str) -> Any:
    """Return the channel of an incident."""
    begin = f"{incident.lower()}-"
    return next(c for c in chat.slack.workspace.channels.values() if c.name.startswith(begin))


async def declares(chat: ChatAt, someone: Someone, **how: Any) -> tuple[str, Any]:
    """Have somebody declare an incident; return it and its channel."""
    incident = await someone.declares(**how)
    await chat.settles()
    return incident, room_of(chat, incident)


async def reacts(chat: ChatAt, person: str, message: Any, emoji: str = "memo") -> None:
    """Let somebody react to a message, and wait for what comes of it."""
    chat.slack.person(person).reacts(message, emoji)
    await chat.settles()
