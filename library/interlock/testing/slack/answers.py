"""`response_url`: what an app may still say after an interaction, five times in half an hour.

Source: https://docs.slack.dev/interactivity/handling-user-interaction#message_responses
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from interlock.testing.slack.chat import said
from interlock.testing.slack.workspace import BOT, Channel, Message, Refused, Workspace

__all__ = ["Answers"]

_SECONDS = 1800.0
_TIMES = 5


@dataclass(slots=True)
class _Address:
    channel: Channel
    user: str
    message: Message | None
    until: float
    left: int = _TIMES


class Answers:
    """The addresses that were given out, and what comes in at them."""

    def __init__(self, workspace: Workspace) -> None:
        """Answer into a workspace."""
        self._workspace = workspace
        self._addresses: dict[str, _Address] = {}

    def token(self, channel: Channel, user: str, message: Message | None = None) -> str:
        """Return a new address for one interaction of somebody in a channel."""
        token = secrets.token_urlsafe(18)
        until = self._workspace.clock() + _SECONDS
        self._addresses[token] = _Address(channel, user, message, until)
        return token

    def take(self, token: str, given: Mapping[str, Any]) -> None:
        """Do what an answer says: replace, delete, or add a message.

        Raises:
            Refused: `expired_url`, `used_url`, or what `chat.postMessage` would say.
        """
        address = self._addresses.get(token)
        if address is None or self._workspace.clock() > address.until:
            raise Refused("expired_url")
        if not address.left:
            raise Refused("used_url")
        address.left -= 1
        if given.get("delete_original") and address.message:
            self._workspace.delete(address.message)
        elif given.get("replace_original") and address.message:
            self._workspace.edit(address.message, said(given))
        else:
            self.say(address.channel, address.user, given)

    def say(self, channel: Channel, user: str, given: Mapping[str, Any]) -> None:
        """Add an answer to a channel, for one person's eyes unless it says `in_channel`."""
        if given.get("response_type") == "in_channel":
            self._workspace.post(channel, BOT, said(given))
        else:
            self._workspace.whisper(channel, BOT, said(given), user)
