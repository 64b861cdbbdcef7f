"""The Web API: who calls, with what, and which method answers."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from interlock.testing.slack.chat import Chat
from interlock.testing.slack.faults import Faults
from interlock.testing.slack.modals import Modals
from interlock.testing.slack.rooms import Rooms
from interlock.testing.slack.sockets import Sockets
from interlock.testing.slack.workspace import BOT, HOME, Refused, Workspace

__all__ = ["Call", "Calls", "Tokens", "given"]

Method = Callable[[Mapping[str, Any]], dict[str, Any]]
_OPEN = "apps.connections.open"

SCOPES = (
    *("chat:write", "users:read", "users:read.email", "reactions:write"),
    *("channels:read", "channels:history", "groups:read", "groups:history"),
)
"""What the bot token may do at first."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """The app's credentials; all made up.

    Attributes:
        bot: for the Web API.
        app: for `apps.connections.open`.
        signing: the secret that signs requests to the app.
    """

    bot: str = "xoxb-made-up-bot-token"
    app: str = "xapp-made-up-app-token"
    signing: str = "made-up-signing-secret"


@dataclass(frozen=True, slots=True)
class Call:
    """One call of the Web API: its method, its arguments without the token, its answer."""

    method: str
    arguments: Mapping[str, Any]
    answer: Mapping[str, Any]


class Calls:
    """The methods of the Web API.

    Attributes:
        made: every call that had an effect or was refused, in order.
        scopes: what the bot token may do, as a header of each answer says; nothing enforces it.
    """

    def __init__(
        self, workspace: Workspace, modals: Modals, tokens: Tokens, faults: Faults
    ) -> None:
        """Serve a workspace to whoever has a token."""
        self.made: list[Call] = []
        self.scopes = set(SCOPES)
        self._tokens = tokens
        self._faults = faults
        self._methods = _methods(Chat(workspace), Rooms(workspace), modals)
        self._workspace = workspace

    def serve_sockets(self, sockets: Sockets, base: Callable[[], str]) -> None:
        """Answer `apps.connections.open` with addresses of these sockets."""

        def opened(_: Mapping[str, Any]) -> dict[str, Any]:
            if sockets.is_full:
                raise Refused("too_many_websockets")
            address = base().replace("http://", "ws://", 1)
            return {"url": f"{address}/link?ticket={sockets.ticket()}"}

        self._methods[_OPEN] = opened

    def answer(self, method: str, token: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Return what Slack answers to one call; refusals are answers, too."""
        with self._workspace.lock:
            try:
                self._check(method, token)
                found = {"ok": True, **self._methods[method](arguments)}
            except Refused as refused:
                found = refusal(refused.error, refused.messages)
        self.made.append(Call(method, dict(arguments), found))
        return found

    def _check(self, method: str, token: str) -> None:
        if not token:
            raise Refused("not_authed")
        if self._faults.is_revoked(token):
            raise Refused("token_revoked")
        if token not in {self._tokens.bot, self._tokens.app}:
            raise Refused("invalid_auth")
        if method not in self._methods:
            raise Refused("unknown_method")
        wanted = self._tokens.app if method == _OPEN else self._tokens.bot
        if token != wanted and method != "auth.test":
            raise Refused("not_allowed_token_type")


def refusal(error: str, messages: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return the answer of a refused call."""
    found: dict[str, Any] = {"ok": False, "error": error}
    if messages:
        listed = [f"[ERROR] {each}" for each in messages]
        found |= {"errors": list(messages), "response_metadata": {"messages": listed}}
    return found


def given(kind: str, body: bytes, query: str) -> dict[str, Any]:
    """Return the arguments of a call: of its query, its form or its JSON.

    Raises:
        Refused: `invalid_json`, `json_not_object`, `invalid_form_data`.
    """
    found: dict[str, Any] = dict(parse_qsl(query, keep_blank_values=True))
    if kind.startswith("application/json"):
        return found | _json(body)
    try:
        return found | dict(parse_qsl(body.decode(), keep_blank_values=True))
    except ValueError as error:
        raise Refused("invalid_form_data") from error


def _json(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body or b"{}")
    except ValueError as error:
        raise Refused("invalid_json") from error
    if not isinstance(found, dict):
        raise Refused("json_not_object")
    return found


def _methods(chat: Chat, rooms: Rooms, modals: Modals) -> dict[str, Method]:
    return {
        "api.test": lambda _: {},
        "auth.test": lambda _: {
            "url": "https://interlock.slack.test/",
            "team": "Interlock",
            "user": "interlock",
            "team_id": HOME,
            "user_id": BOT,
            "bot_id": "B0BOT",
            "is_enterprise_install": False,
        },
        "chat.postMessage": chat.post_message,
        "chat.postEphemeral": chat.post_ephemeral,
        "chat.update": chat.update,
        "chat.delete": chat.delete,
        "chat.getPermalink": chat.permalink,
        "reactions.add": chat.react,
        "reactions.get": chat.reactions,
        "views.open": modals.open,
        "views.push": modals.push,
        "views.update": modals.update,
        "users.info": rooms.user_info,
        "users.lookupByEmail": rooms.by_email,
        "team.info": rooms.team,
        "conversations.create": rooms.create,
        "conversations.info": rooms.info,
        "conversations.list": rooms.list,
        "conversations.join": rooms.join,
        "conversations.invite": rooms.invite,
        "conversations.history": rooms.history,
        "conversations.replies": rooms.replies,
        "conversations.setTopic": rooms.set_topic,
    }
