"""The rows of a chat: its messages, what is heard in it, whose accounts, what is noted."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from interlock_gateway.service.record import Record


@dataclass(frozen=True, slots=True)
class PostRow(Record):
    """One message in a chat: written before it is posted, so that it is never posted twice.

    `key` is what it is about; `ts` its name in the chat, empty until that is known; `shown` the
    digest of what it says.
    """

    TABLE: ClassVar[str] = "posts"
    KEY: ClassVar[tuple[str, ...]] = ("key",)
    key: str
    room: str
    thread: str
    begun_at: datetime
    ts: str = ""
    shown: str = ""


@dataclass(frozen=True, slots=True)
class InboxRow(Record):
    """Something that somebody did in a chat, durable before the chat is told that it arrived.

    `content` is sealed, and empty once it was handled; `proof` names the request that brought
    it; `outcome` is a word.
    """

    TABLE: ClassVar[str] = "inbox"
    KEY: ClassVar[tuple[str, ...]] = ("id",)
    id: str
    content: bytes
    proof: str
    received_at: datetime
    outcome: str = ""
    handled_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class LinkRow(Record):
    """Which person an account in a chat belongs to; `how` is code or email."""

    TABLE: ClassVar[str] = "links"
    KEY: ClassVar[tuple[str, ...]] = ("team", "account")
    team: str
    account: str
    person: str
    how: str
    linked_at: datetime
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class LinkCodeRow(Record):
    """A one-time code, as its hash, by which a person who is logged in claims an account."""

    TABLE: ClassVar[str] = "link_codes"
    KEY: ClassVar[tuple[str, ...]] = ("hash",)
    hash: str
    person: str
    expires_at: datetime
    used_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class NoteRow(Record):
    """A message of a chat that is a note in an incident's timeline; once, whoever adds it.

    `shown` is the digest of what it said last, `edited` the `ts` of its last known edit and
    `since` of the last one before it was noted; `entry` names what was heard that added it.
    """

    TABLE: ClassVar[str] = "chat_notes"
    KEY: ClassVar[tuple[str, ...]] = ("incident", "room", "ts")
    incident: str
    room: str
    ts: str
    event: str
    entry: str
    shown: str
    edited: str
    since: str
    noted_at: datetime
    changes: int = 0
    gone_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class RoomRow(Record):
    """An incident's own room in a chat: its name is written down before it is opened.

    `room` is empty until it is open, and `lost_at` set once it cannot be used any more. `invited`
    is JSON: the accounts that were invited, each once.
    """

    TABLE: ClassVar[str] = "rooms"
    KEY: ClassVar[tuple[str, ...]] = ("incident",)
    incident: str
    name: str
    begun_at: datetime
    room: str = ""
    topic: str = ""
    invited: str = "[]"
    again_at: datetime | None = None
    lost_at: datetime | None = None
