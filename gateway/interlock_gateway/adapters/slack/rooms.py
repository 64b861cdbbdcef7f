"""Channels that the app opens itself, behind `service.chat.protocol.Rooms`.

Source: https://docs.slack.dev/reference/methods/conversations.create and its neighbours
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from interlock_gateway.adapters.slack.blocks import escaped
from interlock_gateway.service.chat.protocol import RefusedError
from interlock_gateway.service.ports import NotReachedError

Call = Callable[[str, Mapping[str, Any]], Awaitable[Mapping[str, Any]]]
"""Calls a method of the Web API."""

MOST_TOPIC = 250
_PAGES = 50
_SLACK_S = 60.0
"""Seconds by which Slack's clock may be behind ours."""
_IN_IT = ("already_in_channel", "cant_invite_self")


class SlackRooms:
    """Implements `service.chat.protocol.Rooms`."""

    def __init__(self, call: Call) -> None:
        """Speak by what calls a method."""
        self._call = call

    async def open_room(self, name: str, *, like: str) -> str:
        """Create a channel and return its identifier, or "" where the name is taken."""
        model = (await self._call("conversations.info", {"channel": like}))["channel"]
        private = bool(model.get("is_private"))
        try:
            given = {"name": name, "is_private": private}
            made = await self._call("conversations.create", given)
        except NotReachedError as error:
            if error.word == "name_taken":
                return ""
            raise
        return str(made["channel"]["id"])

    async def own_room(self, name: str, since: float) -> str:
        """Return the channel of that name if we created it, and after `since`."""
        us = str((await self._call("auth.test", {}))["user_id"])
        asked = {"types": "public_channel,private_channel", "exclude_archived": True, "limit": 200}
        cursor = ""
        for _ in range(_PAGES):
            page = await self._call("conversations.list", {**asked, "cursor": cursor})
            for found in page.get("channels", ()):
                fresh = float(found.get("created") or 0) >= since - _SLACK_S
                if found.get("name") == name and found.get("creator") == us and fresh:
                    return str(found["id"])
            cursor = str(page.get("response_metadata", {}).get("next_cursor") or "")
            if not cursor:
                return ""
        return ""  # a workspace of more than 10,000 channels: another name is as good

    async def topic(self, room: str, topic: str) -> None:
        """Set the topic; it is text, and cut where it is longer than Slack takes."""
        said = escaped(topic)
        kept = said if len(said) <= MOST_TOPIC else escaped(topic[: MOST_TOPIC // 5])
        await self._call("conversations.setTopic", {"channel": room, "topic": kept})

    async def invite(self, room: str, account: str) -> None:
        """Invite somebody; who is there already stays."""
        try:
            await self._call("conversations.invite", {"channel": room, "users": account})
        except NotReachedError as error:
            if error.word not in _IN_IT:
                raise
        except RefusedError as error:
            raise NotReachedError(str(error), barred=True) from None
