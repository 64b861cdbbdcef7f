"""`conversations.*`, `users.*`, `team.info`: who and what there is."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from interlock.testing.slack.chat import as_message
from interlock.testing.slack.workspace import (
    BOT,
    HOME,
    Channel,
    Message,
    Refused,
    Workspace,
    profile,
)

__all__ = ["Rooms"]

_NAME = re.compile(r"[\w-]{1,80}")
_PAGE = 100

Arguments = Mapping[str, Any]


class Rooms:
    """The methods about channels and people."""

    def __init__(self, workspace: Workspace) -> None:
        """Speak of a workspace."""
        self._workspace = workspace

    def create(self, given: Arguments) -> dict[str, Any]:
        """`conversations.create`; the app is its first member."""
        name = str(given.get("name") or "")
        if not name:
            raise Refused("invalid_name_required")
        if len(name) > 80:  # noqa: PLR2004  https://docs.slack.dev/reference/methods/conversations.create
            raise Refused("invalid_name_maxlength")
        if not _NAME.fullmatch(name) or name != name.lower():
            raise Refused("invalid_name_specials")
        private = given.get("is_private") in {True, "true", "1"}
        made = self._workspace.open_channel(name, {BOT}, private=private, creator=BOT)
        return {"channel": describe(made)}

    def list(self, given: Arguments) -> dict[str, Any]:
        """`conversations.list`: public channels, and private ones the app is in if asked for."""
        kinds = str(given.get("types") or "public_channel").split(",")
        unknown = set(kinds) - {"public_channel", "private_channel", "mpim", "im"}
        if unknown:
            raise Refused("invalid_types")
        alive = given.get("exclude_archived") in {True, "true", "1"}
        found = [
            each
            for each in self._workspace.channels.values()
            if (_kind(each) in kinds and (not each.is_private or BOT in each.members))
            and not (alive and each.is_archived)
        ]
        start, most = int(given.get("cursor") or 0), int(given.get("limit") or _PAGE)
        more = str(start + most) if start + most < len(found) else ""
        shown = [describe(each) for each in found[start : start + most]]
        return {"channels": shown, "response_metadata": {"next_cursor": more}}

    def info(self, given: Arguments) -> dict[str, Any]:
        """`conversations.info`."""
        return {"channel": describe(self._visible(given))}

    def join(self, given: Arguments) -> dict[str, Any]:
        """`conversations.join`; a public channel alone."""
        channel = self._visible(given)
        if channel.is_archived:
            raise Refused("is_archived")
        if channel.is_private and BOT not in channel.members:
            raise Refused("method_not_supported_for_channel_type")
        channel.members.add(BOT)
        self._workspace.changed()
        return {"channel": describe(channel)}

    def invite(self, given: Arguments) -> dict[str, Any]:
        """`conversations.invite`, of one person or several with commas."""
        channel = self._own(given)
        users = str(given.get("users") or "").split(",")
        if not users[0]:
            raise Refused("no_user")
        for user in users:
            self._check_invited(channel, user)
        channel.members |= set(users)
        self._workspace.changed()
        return {"channel": describe(channel)}

    def set_topic(self, given: Arguments) -> dict[str, Any]:
        """`conversations.setTopic`."""
        channel = self._own(given)
        topic = str(given.get("topic") or "")
        if len(topic) > 250:  # noqa: PLR2004  https://docs.slack.dev/reference/methods/conversations.setTopic
            raise Refused("too_long")
        channel.topic = topic
        self._workspace.changed()
        return {"channel": describe(channel)}

    def history(self, given: Arguments) -> dict[str, Any]:
        """`conversations.history`, newest first, replies left out."""
        channel = self._own(given, archived=True)
        found = [each for each in channel.messages if not each.thread or each.broadcast]
        return _page(found[::-1], given)

    def replies(self, given: Arguments) -> dict[str, Any]:
        """`conversations.replies`: a message and what replies to it, oldest first."""
        channel = self._own(given, archived=True)
        root = str(given.get("ts") or "")
        found = [each for each in channel.messages if root in {each.ts, each.thread}]
        if not found or found[0].deleted:
            raise Refused("thread_not_found")
        return _page(found, given)

    def user_info(self, given: Arguments) -> dict[str, Any]:
        """`users.info`."""
        person = self._workspace.people.get(str(given.get("user") or ""))
        if person is None:
            raise Refused("user_not_found")
        return {"user": profile(person)}

    def by_email(self, given: Arguments) -> dict[str, Any]:
        """`users.lookupByEmail`; deactivated accounts and other teams' people are not found."""
        email = str(given.get("email") or "").lower()
        for person in self._workspace.people.values():
            ours = person.team == HOME and person.active
            if email and ours and person.email.lower() == email:
                return {"user": profile(person)}
        raise Refused("users_not_found")

    def team(self, _: Arguments) -> dict[str, Any]:
        """`team.info`."""
        return {"team": {"id": HOME, "name": "Interlock", "domain": "interlock"}}

    def _check_invited(self, channel: Channel, user: str) -> None:
        person = self._workspace.people.get(user)
        if person is None or not person.active:
            raise Refused("user_not_found")
        if user == BOT:
            raise Refused("cant_invite_self")
        if user in channel.members:
            raise Refused("already_in_channel")

    def _visible(self, given: Arguments) -> Channel:
        channel = self._workspace.channel(str(given.get("channel") or ""), by_name=False)
        if channel.is_private and BOT not in channel.members:
            raise Refused("channel_not_found")
        return channel

    def _own(self, given: Arguments, *, archived: bool = False) -> Channel:
        channel = self._visible(given)
        if BOT not in channel.members:
            raise Refused("not_in_channel")
        if channel.is_archived and not archived:
            raise Refused("is_archived")
        return channel


def describe(channel: Channel) -> dict[str, Any]:
    """Return a channel as the Web API describes it."""
    return {
        "id": channel.id,
        "name": channel.name,
        "is_channel": not channel.is_private,
        "is_group": channel.is_private,
        "is_im": False,
        "is_private": channel.is_private,
        "is_archived": channel.is_archived,
        "is_member": BOT in channel.members,
        "topic": {"value": channel.topic, "creator": BOT, "last_set": 0},
        "creator": channel.creator,
        "created": channel.created,
        "num_members": len(channel.members),
    }


def _kind(channel: Channel) -> str:
    return "private_channel" if channel.is_private else "public_channel"


def _page(messages: Sequence[Message], given: Arguments) -> dict[str, Any]:
    """Return the part of some messages that a call asks for, and where the next one begins."""
    found = [each for each in messages if not each.deleted and _is_between(each, given)]
    start = int(given.get("cursor") or 0)
    end = start + int(given.get("limit") or _PAGE)
    more = end < len(found)
    cursor = {"response_metadata": {"next_cursor": str(end)}} if more else {}
    shown = [as_message(each) for each in found[start:end]]
    return {"messages": shown, "has_more": more, **cursor}


def _is_between(message: Message, given: Arguments) -> bool:
    oldest, latest = float(given.get("oldest") or 0), float(given.get("latest") or "inf")
    exact = given.get("inclusive") in {True, "true", "1"}
    ts = float(message.ts)
    return oldest <= ts <= latest if exact else oldest < ts < latest
