"""Slack's Web API behind `service.chat.protocol.Chat`: what goes wrong is told in three kinds."""

import logging
from collections.abc import Callable, Mapping
from typing import Any

import aiohttp
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient

from interlock_gateway.adapters.slack.at import SLACK
from interlock_gateway.adapters.slack.blocks import form, key_of, message
from interlock_gateway.service.chat.protocol import (
    GoneError,
    Member,
    Notice,
    Question,
    RefusedError,
    Words,
)
from interlock_gateway.service.ports import NotReachedError
from interlock_gateway.service.targets import TargetError

TIMEOUT_S = 10
_PAGES = 20
_LONGEST_S = 600.0

_FOR_GOOD = frozenset(
    {
        *("invalid_blocks", "invalid_blocks_format", "msg_too_long", "msg_blocks_too_long"),
        *("no_text", "invalid_arguments", "invalid_arg_name", "too_many_attachments"),
        *("user_not_in_channel", "user_not_found", "user_is_restricted"),
    }
)
"""Words that mean: this content, or this addressee, will never do."""

_GONE = frozenset(
    {
        *("message_not_found", "cant_update_message", "edit_window_closed"),
        *("thread_not_found", "cannot_reply_to_message"),
    }
)
_TOO_LATE = frozenset({"expired_trigger_id", "exchanged_trigger_id", "invalid_trigger_id"})

_OF_A_ROOM = frozenset(
    {
        *("channel_not_found", "not_in_channel", "is_archived", "restricted_action"),
        *("restricted_action_read_only_channel", "restricted_action_thread_locked"),
    }
)
"""Words that are about one channel: others can still be posted in."""

MEND = {
    "invalid_auth": "The bot token is not valid: look at slack.bot_token.",
    "not_authed": "The bot token is missing: look at slack.bot_token.",
    "token_revoked": "The bot token was revoked: install the app again and renew slack.bot_token.",
    "token_expired": "The bot token has expired: renew slack.bot_token.",
    "account_inactive": "The app was removed from the workspace: install it again.",
    "channel_not_found": "Invite the app to the channel, or mend slack.channel.",
    "not_in_channel": "Invite the app to the channel: /invite @interlock.",
    "is_archived": "The channel is archived: name another one in slack.channel.",
    "missing_scope": "The app lacks a scope; docs/slack.md lists what it needs.",
}
"""What an operator does about it."""

QUIET = logging.getLogger("interlock.slack")
"""The SDK's own log, which knows far more of a conversation than a log should."""
QUIET.setLevel(logging.CRITICAL)


class SlackChat:
    """Implements `service.chat.protocol.Chat`."""

    def __init__(self, bot_token: Callable[[], str], team: str, base_url: str = SLACK) -> None:
        """Speak as a bot.

        Args:
            bot_token: gives the token at the moment of use, so that a renewed one counts.
            team: the one workspace, `T…`.
            base_url: of the Web API.
        """
        self._bot_token = bot_token
        self._base_url = base_url
        self._session: aiohttp.ClientSession | None = None
        self.team = team

    async def aclose(self) -> None:
        """Close the connections that are kept."""
        if self._session is not None:
            await self._session.close()

    async def post(self, room: str, content: Notice | Words, thread: str = "") -> str:
        """Post a message and return its `ts`."""
        where = {"channel": room, **({"thread_ts": thread} if thread else {})}
        quiet = {"unfurl_links": False, "unfurl_media": False}
        answer = await self._call("chat.postMessage", {**where, **quiet, **message(content)})
        return str(answer["ts"])

    async def find(self, room: str, key: str, since: float, thread: str = "") -> str:
        """Return the `ts` of our message with that key, or ""."""
        method = "conversations.replies" if thread else "conversations.history"
        asked = {"channel": room, "oldest": f"{since:.6f}", "limit": 200, "inclusive": True}
        cursor = ""
        for _ in range(_PAGES):
            page = await self._call(method, {**asked, "ts": thread, "cursor": cursor})
            for found in page.get("messages", ()):
                if found.get("bot_id") and key_of(found.get("blocks") or []) == key:
                    return str(found["ts"])
            cursor = str(page.get("response_metadata", {}).get("next_cursor") or "")
            if not cursor:
                return ""
        raise NotReachedError("The channel has too many messages to look for ours.")

    async def edit(self, room: str, ts: str, content: Notice | Words) -> None:
        """Make a message say something else."""
        await self._call("chat.update", {"channel": room, "ts": ts, **message(content)})

    async def whisper(self, room: str, account: str, content: Words) -> None:
        """Say something to one person alone."""
        where = {"channel": room, "user": account}
        await self._call("chat.postEphemeral", {**where, **message(content)})

    async def ask(self, trigger: str, question: Question) -> bool:
        """Open a form for whoever pressed a button."""
        try:
            await self._call("views.open", {"trigger_id": trigger, "view": form(question)})
        except _TooLateError:
            return False
        return True

    async def member(self, account: str) -> Member:
        """Return what Slack knows of an account."""
        try:
            found = (await self._call("users.info", {"user": account}))["user"]
        except RefusedError:
            return Member(self.team, account, account, "", "unknown")
        profile = found.get("profile", {})
        confirmed = found.get("is_email_confirmed", True)
        return Member(
            team=str(found.get("team_id", "")),
            account=account,
            handle=str(found.get("name", account)),
            email=str(profile.get("email", "")) if confirmed else "",
            unfit=_unfit(found),
        )

    async def whoami(self) -> tuple[str, str]:
        """Return (team, bot user) that the token belongs to."""
        answer = await self._call("auth.test", {})
        return str(answer["team_id"]), str(answer["user_id"])

    async def _call(self, method: str, given: Mapping[str, Any]) -> Mapping[str, Any]:
        """Call a method; nothing in what is raised holds a token."""
        said = {name: value for name, value in given.items() if value not in ("", None)}
        try:
            answer = await self._client().api_call(method, json=said)
        except SlackApiError as error:
            raise _kind(method, error) from None
        except (aiohttp.ClientError, SlackClientError, OSError, TimeoutError) as error:
            message_ = f"Slack does not answer {method} ({type(error).__name__})."
            raise NotReachedError(message_) from None
        except TargetError as error:
            raise NotReachedError(str(error)) from None
        return dict(answer.data) if isinstance(answer.data, dict) else {}

    def _client(self) -> AsyncWebClient:
        if self._session is None or self._session.closed:
            self._session = aiohttp.ClientSession(
                timeout=aiohttp.ClientTimeout(total=TIMEOUT_S), trust_env=True
            )
        return AsyncWebClient(
            self._bot_token(),
            base_url=self._base_url,
            timeout=TIMEOUT_S,
            session=self._session,
            retry_handlers=[],
            logger=QUIET,
        )


class _TooLateError(Exception):
    """The moment for a form has passed."""


def _kind(method: str, error: SlackApiError) -> Exception:
    """Return what kind of trouble an answer tells of; what is not known is tried again."""
    response = error.response
    data = getattr(response, "data", None)
    word = str(data.get("error", "")) if isinstance(data, dict) else ""
    status = int(getattr(response, "status_code", 0) or getattr(response, "status", 0) or 0)
    if word in _GONE:
        return GoneError(word)
    if word in _TOO_LATE:
        return _TooLateError(word)
    if word in _FOR_GOOD:
        return RefusedError(f"Slack refuses {method} for good: {word}{_details(data)}.")
    if word == "ratelimited" or status == 429:  # noqa: PLR2004  Too Many Requests
        return NotReachedError(f"Slack limits {method} for now.", after_s=_retry_after(response))
    said = f"Slack did not take {method}: {word or f'HTTP {status}'}. {MEND.get(word, '')}"
    return NotReachedError(said.rstrip(), alone=word in _OF_A_ROOM)


def _details(data: Any) -> str:
    found = data.get("response_metadata", {}).get("messages", ()) if data else ()
    return f" ({'; '.join(map(str, found))[:300]})" if found else ""


def _retry_after(response: Any) -> float:
    headers = {name.lower(): value for name, value in dict(response.headers).items()}
    try:
        return min(float(headers.get("retry-after", "1")), _LONGEST_S)
    except ValueError:
        return 1.0


def _unfit(found: Mapping[str, Any]) -> str:
    """Return why an account may not act, in words that follow "it is"."""
    reasons = (
        ("deleted", "deactivated"),
        ("is_bot", "a bot"),
        ("is_stranger", "of another workspace"),
        ("is_ultra_restricted", "a guest"),
        ("is_restricted", "a guest"),
    )
    return next((words for flag, words in reasons if found.get(flag)), "")
