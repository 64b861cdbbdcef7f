"""What the services need of a chat, as values and one narrow protocol; Slack implements it.

What it does not take now, and may take later, is `service.ports.NotReachedError`.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Protocol

from interlock_gateway.core.card import Card, Choice


class RefusedError(Exception):
    """The chat refuses this content for good: trying it again cannot help."""


class GoneError(Exception):
    """The message is not there any more: somebody deleted it."""


@dataclass(frozen=True, slots=True)
class Notice:
    """A message about one approval: the question, or how it was answered.

    Attributes:
        key: names it in the chat, so that it is found again.
        card: what is asked.
        choice: what its buttons carry; None where nobody may vote any more, or from here.
        standing: one line on where it stands now.
        tone: `waiting`, `good`, `bad` or `still`, for the sign before that line.
        link: the page on which the whole is.
    """

    key: str
    card: Card
    choice: Choice | None
    standing: str
    tone: str
    link: str

    @property
    def digest(self) -> str:
        """Tells whether it says something new."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Words:
    """A message of plain words; data in them is not marked up.

    Attributes:
        key: names it in the chat.
        text: what it says.
        link: a page that it leads to, or "".
        button: `link` for the button with which an account is linked, or "".
    """

    key: str
    text: str
    link: str = ""
    button: str = ""

    @property
    def digest(self) -> str:
        """Tells whether it says something new."""
        return hashlib.sha256(self.text.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Member:
    """An account as the chat describes it.

    Attributes:
        team, account: its names in the chat.
        handle: what people call it; shown, never trusted.
        email: as the chat confirmed it, or "".
        unfit: why it may not act here (a guest, another team's, a bot, deactivated), or "".
    """

    team: str
    account: str
    handle: str
    email: str
    unfit: str = ""


class Door(Protocol):
    """Reads signed requests of a chat that tells by HTTP what people do."""

    def read(self, headers: Mapping[str, str], body: bytes) -> "tuple[Heard | None, str]":
        """Return what a request tells, if anything of ours, and what names this very request.

        Raises:
            interlock.errors.InterlockError: `bad-signature`.
        """
        ...


class Chat(Protocol):
    """A chat; every method raises `NotReachedError`, and what posts `RefusedError`, too."""

    @property
    def team(self) -> str:
        """The team whose people may act; nobody else's."""
        ...

    async def post(self, room: str, content: Notice | Words, thread: str = "") -> str:
        """Post a message, in a thread if one is named, and return its name in the room."""
        ...

    async def find(self, room: str, key: str, since: float, thread: str = "") -> str:
        """Return the name of our message with that key, or ""; `since` is in seconds of 1970."""
        ...

    async def edit(self, room: str, ts: str, content: Notice | Words) -> None:
        """Make a message of ours say something else.

        Raises:
            GoneError: it is not there any more.
        """
        ...

    async def whisper(self, room: str, account: str, content: Words) -> None:
        """Say something to one person alone."""
        ...

    async def ask(self, trigger: str, question: "Question") -> bool:
        """Open a form for whoever just pressed a button; False where that comes too late.

        `trigger` is theirs and good for seconds.
        """
        ...

    async def member(self, account: str) -> Member:
        """Return what the chat knows of an account."""
        ...


@dataclass(frozen=True, slots=True)
class Question:
    """A form with one field.

    Attributes:
        about: `deny` or `link`: what its answer is for.
        title, label, hint, submit: what people read.
        value, room: what its answer brings along.
        least, most: how many characters an answer may have.
    """

    about: str
    title: str
    label: str
    hint: str
    submit: str
    value: str
    room: str
    least: int = 3
    most: int = 2_000


@dataclass(frozen=True, slots=True)
class Heard:
    """Something that somebody did in the chat, as the adapter understood it.

    Attributes:
        id: the same however often the chat tells it.
        team, account: who; `home` is the team in which it was done.
        deed: `press`, `answer`; what else there is, its handler names.
        about: which button, or which form.
        value: what the button or the form carried.
        text: what was typed.
        room, ts: the message it was done at, where there is one.
        trigger: opens a form within seconds; never stored.
    """

    id: str
    team: str
    account: str
    home: str
    deed: str
    about: str
    value: str = ""
    text: str = ""
    room: str = ""
    ts: str = ""
    trigger: str = ""

    def stored(self) -> bytes:
        """Return what is kept of it until it is handled."""
        kept: dict[str, Any] = {k: v for k, v in asdict(self).items() if k != "trigger"}
        return json.dumps(kept).encode()


def read_heard(stored: bytes) -> Heard:
    """Return what `Heard.stored` wrote."""
    return Heard(**json.loads(stored))
