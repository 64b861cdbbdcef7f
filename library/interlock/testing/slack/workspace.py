"""The workspace: people, channels, messages, views; what happened, and nothing of the network.

Every change bumps `revision`, under one lock: the server's thread and the test's share it.
"""

import itertools
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from interlock.testing.slack import mrkdwn
from interlock.testing.slack.shown import words

__all__ = ["Channel", "Message", "Person", "Refused", "Version", "View", "Workspace"]

HOME = "T0INTERLOCK"
"""The team whose bot the app is; people of any other team come over Slack Connect."""
BOT = "U0BOT"
APP = "A0INTERLOCK"

Blocks = list[dict[str, Any]]


class Refused(Exception):  # noqa: N818  what the Web API answers, not a malfunction
    """A call that Slack would answer with `ok: false`.

    Attributes:
        error: the word, such as `channel_not_found`.
        messages: what `response_metadata.messages` lists, for refused blocks.
    """

    def __init__(self, error: str, messages: tuple[str, ...] = ()) -> None:
        super().__init__(error, *messages)
        self.error = error
        self.messages = messages


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody in Slack, or the bot.

    Attributes:
        id: `U…`.
        name: the handle, by which tests call them.
        team: `T…`; another team's person is here over Slack Connect.
        guest: "" for a member, else `multi` or `single` (channel).
        active: false for a deactivated account.
    """

    id: str
    name: str
    real_name: str
    email: str
    team: str = HOME
    guest: str = ""
    active: bool = True
    bot: bool = False


@dataclass(frozen=True, slots=True)
class Version:
    """What a message said at one moment: its text and blocks, and the `ts` of the edit."""

    text: str
    blocks: Blocks
    ts: str
    names: bool = False

    @property
    def pings(self) -> set[str]:
        """Whom it pings, were it new: `@channel`, `@here`, identifiers of people and groups."""
        return mrkdwn.pings(self.text, names=self.names) | mrkdwn.pings_of_blocks(self.blocks)


@dataclass(slots=True)
class Message:
    """One message, with everything it ever said.

    Attributes:
        channel: where, `C…`.
        ts: its identifier, unique in its channel.
        user: who wrote it, `U…`.
        versions: what it said, oldest first.
        thread: the `ts` of the message it replies to, or "".
        only_for: whose eyes an ephemeral message is for, or "".
        deleted: whether it is gone.
        broadcast: whether a reply was sent to the channel, too: one message, seen in two places.
        reactions: who reacted, by name of the emoji, in order.
    """

    channel: str
    ts: str
    user: str
    versions: list[Version]
    thread: str = ""
    only_for: str = ""
    deleted: bool = False
    broadcast: bool = False
    reactions: dict[str, list[str]] = field(default_factory=dict)

    @property
    def now(self) -> Version:
        """What it says now."""
        return self.versions[-1]

    @property
    def text(self) -> str:
        """Its text as sent: what a notification shows, and the whole where it has no blocks."""
        return self.now.text

    @property
    def blocks(self) -> Blocks:
        """Its blocks as sent."""
        return self.now.blocks

    @property
    def is_edited(self) -> bool:
        """Whether it was changed after it was posted."""
        return len(self.versions) > 1

    @property
    def is_marked(self) -> bool:
        """Whether people see "(edited)": not where every edit gave it blocks, as Slack has it."""
        return any(not version.blocks for version in self.versions[1:])

    @property
    def shown(self) -> str:
        """What a person reads, as plain text: blocks where it has some, else its text."""
        return words(self.now.blocks) if self.now.blocks else mrkdwn.plain(self.now.text, str)

    @property
    def pings(self) -> set[str]:
        """Whom any of its versions would ping; a test of hostile data wants this empty."""
        return set().union(*(version.pings for version in self.versions))

    @property
    def actions(self) -> list[str]:
        """The `action_id` of everything that can be pressed or chosen in it now."""
        return [str(each.get("action_id", "")) for _, each in elements(self.blocks)]


@dataclass(slots=True)
class Channel:
    """A channel: its members and everything that was said in it, oldest first.

    `creator` made it, `created` in seconds since 1970; the first channels were there before.
    """

    id: str
    name: str
    members: set[str]
    is_private: bool = False
    is_archived: bool = False
    topic: str = ""
    creator: str = ""
    created: int = 0
    messages: list[Message] = field(default_factory=list)
    ephemerals: list[Message] = field(default_factory=list)


@dataclass(slots=True)
class View:
    """A modal that somebody has open, or had."""

    id: str
    user: str
    body: dict[str, Any]
    hash: str
    root: str
    is_open: bool = True
    errors: dict[str, str] = field(default_factory=dict)

    @property
    def shown(self) -> str:
        """What a person reads in it, as plain text."""
        title = self.body["title"]["text"]
        return "\n".join(filter(None, [title, words(self.body["blocks"])]))


_PLACES = ("elements", "accessory", "element")


def elements(blocks: Blocks) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Yield (block, element) for every interactive element of some blocks."""
    for block in blocks:
        if block["type"] in {"actions", "section", "input"}:
            for place in _PLACES:
                found = block.get(place, [])
                for each in found if isinstance(found, list) else [found]:
                    if each["type"] != "image":
                        yield block, each


class Workspace:
    """Everything there is, and what may be done to it; raises `Refused` in Slack's words."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """Begin an empty workspace.

        Args:
            clock: seconds since 1970; every `ts` comes from it.
        """
        self.clock = clock
        self.lock = threading.RLock()
        self.people: dict[str, Person] = {}
        self.channels: dict[str, Channel] = {}
        self.views: dict[str, View] = {}
        self.revision = 0
        self._numbers = itertools.count(1)
        self._last = 0

    def number(self) -> int:
        """Return the next number; names made of it are unique."""
        return next(self._numbers)

    def changed(self) -> None:
        """Say that something changed: pages that look on load it anew."""
        with self.lock:
            self.revision += 1

    def ts(self) -> str:
        """Return a `ts` that nothing else has and that is later than all before."""
        with self.lock:
            self._last = max(self._last + 1, int(self.clock() * 1_000_000))
            return f"{self._last // 1_000_000}.{self._last % 1_000_000:06d}"

    def add(self, person: Person) -> Person:
        """Add a person, or change one."""
        self.people[person.id] = person
        self.changed()
        return person

    def named(self, name: str) -> Person:
        """Return a person by handle or identifier.

        Raises:
            KeyError: nobody is called so.
        """
        for person in self.people.values():
            if name in {person.name, person.id}:
                return person
        raise KeyError(f"Nobody in this Slack is called {name!r}; there are {self._handles()}.")

    def _handles(self) -> str:
        return ", ".join(sorted(person.name for person in self.people.values()))

    def called(self, identifier: str) -> str:
        """Return the name of a person or channel, or the identifier itself."""
        found = self.people.get(identifier) or self.channels.get(identifier)
        return found.name if found else identifier

    def channel(self, name: str, *, by_name: bool = True) -> Channel:
        """Return a channel by identifier, or by name with or without `#` unless told otherwise.

        Raises:
            Refused: `channel_not_found`.
        """
        plain = name.removeprefix("#")
        for channel in self.channels.values():
            if name == channel.id or (by_name and plain == channel.name):
                return channel
        raise Refused("channel_not_found")

    def open_channel(
        self, name: str, members: set[str], *, private: bool = False, creator: str = ""
    ) -> Channel:
        """Make a channel.

        Raises:
            Refused: `name_taken`.
        """
        with self.lock:
            if any(channel.name == name for channel in self.channels.values()):
                raise Refused("name_taken")
            channel = Channel(
                f"C{self.number():09d}",
                name,
                set(members),
                is_private=private,
                creator=creator,
                created=int(self.clock()),
            )
            self.channels[channel.id] = channel
            self.changed()
            return channel

    def message(self, channel: str, ts: str) -> Message:
        """Return a message that is there.

        Raises:
            Refused: `channel_not_found`, `message_not_found`.
        """
        for message in self.channel(channel).messages:
            if message.ts == ts and not message.deleted:
                return message
        raise Refused("message_not_found")

    def post(
        self,
        channel: Channel,
        user: str,
        version: Version,
        thread: str = "",
        *,
        broadcast: bool = False,
    ) -> Message:
        """Add a message to a channel; a reply may be sent to the channel, too."""
        with self.lock:
            named = Version(version.text, self.identified(version.blocks), "", version.names)
            message = Message(channel.id, self.ts(), user, [named], thread, broadcast=broadcast)
            channel.messages.append(message)
            self.changed()
            return message

    def whisper(self, channel: Channel, user: str, version: Version, only_for: str) -> Message:
        """Add an ephemeral message, which one person sees and no history has."""
        with self.lock:
            named = Version(version.text, self.identified(version.blocks), "", version.names)
            message = Message(channel.id, self.ts(), user, [named], only_for=only_for)
            channel.ephemerals.append(message)
            self.changed()
            return message

    def edit(self, message: Message, version: Version) -> None:
        """Give a message its next version."""
        with self.lock:
            blocks = self.identified(version.blocks)
            message.versions.append(Version(version.text, blocks, self.ts(), version.names))
            self.changed()

    def delete(self, message: Message) -> None:
        """Take a message away; its versions can still be looked at."""
        with self.lock:
            message.deleted = True
            self.changed()

    def react(self, message: Message, user: str, name: str) -> None:
        """Add somebody's reaction.

        Raises:
            Refused: `already_reacted`.
        """
        with self.lock:
            who = message.reactions.setdefault(name, [])
            if user in who:
                raise Refused("already_reacted")
            who.append(user)
            self.changed()

    def open_view(self, user: str, body: dict[str, Any], root: str = "") -> View:
        """Open a modal for somebody, on top of those that are open."""
        with self.lock:
            number = f"V{self.number():09d}"
            named = {**body, "blocks": self.identified(body["blocks"])}
            view = View(number, user, named, self.ts(), root or number)
            self.views[number] = view
            self.changed()
            return view

    def change_view(self, view: View, body: dict[str, Any]) -> None:
        """Show something else in an open modal."""
        with self.lock:
            view.body = {**body, "blocks": self.identified(body["blocks"])}
            view.hash = self.ts()
            view.errors = {}
            self.changed()

    def close_view(self, view: View, *, all_of_them: bool = False) -> None:
        """Close a modal, and the whole stack it stands on if asked to."""
        with self.lock:
            for each in self.views.values():
                if each is view or (all_of_them and each.root == view.root):
                    each.is_open = False
            self.changed()

    def modal(self, user: str) -> View | None:
        """Return the modal that somebody has in front, if any."""
        mine = [view for view in self.views.values() if view.user == user and view.is_open]
        return mine[-1] if mine else None

    def sees(self, user: str, channel: Channel) -> bool:
        """Tell whether somebody can look into a channel."""
        person = self.people[user]
        if not person.active:
            return False
        everywhere = not channel.is_private and not person.guest and person.team == HOME
        return everywhere or user in channel.members

    def identified(self, blocks: Blocks) -> Blocks:
        """Return blocks with the identifiers that Slack gives where the app gave none."""
        return [self._named(block) for block in blocks]

    def _named(self, block: dict[str, Any]) -> dict[str, Any]:
        named = {**block, "block_id": block.get("block_id") or f"b{self.number()}"}
        for place in _PLACES:
            if block["type"] in {"actions", "section", "input"} and place in block:
                named[place] = self._with_action(block[place])
        return named

    def _with_action(self, found: Any) -> Any:
        if isinstance(found, list):
            return [self._with_action(each) for each in found]
        if found["type"] == "image":
            return found
        return {**found, "action_id": found.get("action_id") or f"a{self.number()}"}


def profile(person: Person) -> Mapping[str, Any]:
    """Return a person as `users.info` describes them."""
    return {
        "id": person.id,
        "team_id": person.team,
        "name": person.name,
        "deleted": not person.active,
        "real_name": person.real_name,
        "tz": "Etc/UTC",
        "is_bot": person.bot,
        "is_app_user": False,
        "is_restricted": bool(person.guest),
        "is_ultra_restricted": person.guest == "single",
        "is_stranger": person.team != HOME,
        "profile": {
            "real_name": person.real_name,
            "display_name": person.name,
            "email": person.email,
            "team": person.team,
        },
    }
