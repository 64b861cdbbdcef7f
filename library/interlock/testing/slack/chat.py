"""`chat.*` and `reactions.*`: what the app says, and what it may not."""

import json
from collections.abc import Mapping
from typing import Any

from interlock.testing.slack import blocks as kit
from interlock.testing.slack.workspace import (
    APP,
    BOT,
    HOME,
    Blocks,
    Channel,
    Message,
    Refused,
    Version,
    Workspace,
)

__all__ = ["Chat", "as_message"]

TEXT = 40_000
"""How many characters a new message's text may have.

Source: https://docs.slack.dev/reference/methods/chat.postMessage, which says that longer ones
are cut; here they are refused, since a cut message is one that nobody meant.
"""
EDITED_TEXT = 4_000
"""How many an edited one's may have: `chat.update` is reported to take no more.

Source: seratch/ChatGPT-in-Slack#102, F3-Nation/archive-slackblast#64.
"""

Arguments = Mapping[str, Any]


class Chat:
    """The methods that post, change and react."""

    def __init__(self, workspace: Workspace) -> None:
        """Speak in a workspace."""
        self._workspace = workspace

    def post_message(self, given: Arguments) -> dict[str, Any]:
        """`chat.postMessage`."""
        channel = self.channel(given, by_name=True)
        version = said(given)
        thread = str(given.get("thread_ts") or "")
        if thread and all(message.ts != thread for message in channel.messages):
            raise Refused("thread_not_found")
        message = self._workspace.post(channel, BOT, version, thread)
        return {"channel": channel.id, "ts": message.ts, "message": as_message(message)}

    def post_ephemeral(self, given: Arguments) -> dict[str, Any]:
        """`chat.postEphemeral`; only a member of the channel can see one."""
        channel = self.channel(given, by_name=True)
        user = str(given.get("user") or "")
        if user not in self._workspace.people or not self._workspace.people[user].active:
            raise Refused("user_not_found")
        if user not in channel.members:
            raise Refused("user_not_in_channel")
        message = self._workspace.whisper(channel, BOT, said(given), user)
        return {"message_ts": message.ts}

    def update(self, given: Arguments) -> dict[str, Any]:
        """`chat.update`; an app changes its own messages alone, and no ephemeral one.

        A text without blocks takes the blocks away; blocks without a text leave the text.
        Only an edit of the text alone is marked as edited.
        """
        channel = self.channel(given)
        message = self._own(channel, given)
        kept = dict(given)
        if given.get("text") is None:
            kept["text"] = message.text
            kept["blocks"] = given.get("blocks") or message.blocks
        self._workspace.edit(message, said(kept, EDITED_TEXT))
        return {
            "channel": channel.id,
            "ts": message.ts,
            "text": message.text,
            "message": as_message(message),
        }

    def delete(self, given: Arguments) -> dict[str, Any]:
        """`chat.delete`."""
        channel = self.channel(given)
        message = self._own(channel, given, "cant_delete_message")
        self._workspace.delete(message)
        return {"channel": channel.id, "ts": message.ts}

    def permalink(self, given: Arguments) -> dict[str, Any]:
        """`chat.getPermalink`."""
        channel = self._workspace.channel(str(given.get("channel", "")), by_name=False)
        message = self._workspace.message(channel.id, str(given.get("message_ts", "")))
        return {"channel": channel.id, "permalink": permalink(message)}

    def react(self, given: Arguments) -> dict[str, Any]:
        """`reactions.add`."""
        message = self._reacted(given)
        name = str(given.get("name") or "").strip(":")
        if not name:
            raise Refused("invalid_name")
        self._workspace.react(message, BOT, name)
        return {}

    def reactions(self, given: Arguments) -> dict[str, Any]:
        """`reactions.get`."""
        message = self._reacted(given)
        return {"type": "message", "channel": message.channel, "message": as_message(message)}

    def channel(self, given: Arguments, *, by_name: bool = False) -> Channel:
        """Return the channel that a call speaks into; only what posts takes a name for it.

        Raises:
            Refused: `channel_not_found`, `is_archived`, `not_in_channel`.
        """
        name = str(given.get("channel") or "")
        channel = self._workspace.channel(name, by_name=by_name)
        if BOT not in channel.members:
            raise Refused("channel_not_found" if channel.is_private else "not_in_channel")
        if channel.is_archived:
            raise Refused("is_archived")
        return channel

    def _own(self, channel: Channel, given: Arguments, error: str = "") -> Message:
        ts = str(given.get("ts") or "")
        message = self._workspace.message(channel.id, ts)
        if message.user != BOT:
            raise Refused(error or "cant_update_message")
        return message

    def _reacted(self, given: Arguments) -> Message:
        channel = self.channel(given)
        return self._workspace.message(channel.id, str(given.get("timestamp") or ""))


def said(given: Arguments, most: int = TEXT) -> Version:
    """Return what a call says, once it is text and blocks that Slack takes.

    Args:
        given: the arguments of the call.
        most: how many characters the text may have.

    Raises:
        Refused: `no_text`, `msg_too_long`, `msg_blocks_too_long`, `invalid_blocks_format`,
            `invalid_blocks` with what is wrong.
    """
    text, found = str(given.get("text") or ""), taken(given.get("blocks"))
    if not text.strip() and not found:
        raise Refused("no_text")
    if len(text) > most:
        raise Refused("msg_too_long")
    wrong = kit.in_message(found)
    if wrong:
        raise Refused("invalid_blocks", tuple(wrong))
    if kit.is_too_long(found):
        raise Refused("msg_blocks_too_long")
    names = given.get("parse") == "full" or given.get("link_names") in {True, "true", "1"}
    return Version(text, found, "", names)


def taken(blocks: Any) -> Blocks:
    """Return blocks that came as a list, or as a text of JSON, as forms have them.

    Raises:
        Refused: `invalid_blocks_format`.
    """
    if blocks is None or blocks == "":
        return []
    try:
        found = json.loads(blocks) if isinstance(blocks, str) else blocks
    except ValueError as error:
        raise Refused("invalid_blocks_format") from error
    if not isinstance(found, list):
        raise Refused("invalid_blocks_format")
    return found


def permalink(message: Message) -> str:
    """Return the address at which people find a message."""
    return (
        f"https://interlock.slack.test/archives/{message.channel}/p{message.ts.replace('.', '')}"
    )


def as_message(message: Message) -> dict[str, Any]:
    """Return a message as the Web API and payloads describe it."""
    found: dict[str, Any] = {
        "type": "message",
        "user": message.user,
        "ts": message.ts,
        "team": HOME,
        "text": message.text,
        "blocks": message.blocks,
    }
    if message.user == BOT:
        found |= {"bot_id": "B0BOT", "app_id": APP}
    if message.thread:
        found["thread_ts"] = message.thread
    if message.broadcast:
        found["subtype"] = "thread_broadcast"
    if message.is_marked:
        found["edited"] = {"user": message.user, "ts": message.now.ts}
    if message.reactions:
        found["reactions"] = [
            {"name": name, "users": users, "count": len(users)}
            for name, users in message.reactions.items()
        ]
    return found
