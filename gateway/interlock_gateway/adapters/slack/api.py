"""Slack's Web API behind `service.chat.protocol.Chat`: what goes wrong is told in three kinds."""

import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import aiohttp
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient

from interlock_gateway.adapters.slack.at import SLACK
from interlock_gateway.adapters.slack.blocks import form, key_of, message
from interlock_gateway.adapters.slack.mrkdwn import cut, mentioned, plain, source
from interlock_gateway.service.chat.protocol import (
    GoneError,
    Member,
    Message,
    Notice,
    Question,
    RefusedError,
    Words,
)
from interlock_gateway.service.ports import NotReachedError
from interlock_gateway.service.skew import SLACK as SLACK_CLOCK
from interlock_gateway.service.skew import Clocks
from interlock_gateway.service.targets import TargetError

TIMEOUT_S = 10
_PAGES = 20
_MOST_HANDLES = 20
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

_JSON = frozenset({"chat.postMessage", "chat.postEphemeral", "chat.update", "views.open"})
"""Methods that are given blocks; not every other one understands JSON, and all take a form.

Source: https://docs.slack.dev/apis/web-api/#slack-web-api__basics__post-bodies
"""

_EVERYWHERE = frozenset(
    {
        *("invalid_auth", "not_authed", "token_revoked", "token_expired", "account_inactive"),
        *("ratelimited", "request_timeout", "service_unavailable", "team_added_to_org"),
        *("internal_error", "fatal_error", "rollout_in_progress", "accesslimited"),
    }
)
"""Words that are about Slack or the app as a whole; every other one is about what was asked."""
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

    def __init__(
        self,
        bot_token: Callable[[], str],
        team: str,
        base_url: str = SLACK,
        clocks: Clocks | None = None,
    ) -> None:
        """Speak as a bot.

        Args:
            bot_token: gives the token at the moment of use, so that a renewed one counts.
            team: the one workspace, `T…`.
            base_url: of the Web API.
            clocks: is told what Slack's clock shows.
        """
        self._clocks = clocks or Clocks()
        self._bot_token = bot_token
        self._base_url = base_url
        self._session: aiohttp.ClientSession | None = None
        self._us: tuple[str, str] | None = None
        self.team = team

    async def aclose(self) -> None:
        """Close the connections that are kept."""
        if self._session is not None:
            await self._session.close()

    async def post(self, room: str, content: Notice | Words, thread: str = "") -> str:
        """Post a message and return its `ts`."""
        where = {"channel": room, **({"thread_ts": thread} if thread else {})}
        quiet = {"unfurl_links": False, "unfurl_media": False}
        began = datetime.now(UTC)
        answer = await self.call("chat.postMessage", {**where, **quiet, **message(content)})
        theirs = datetime.fromtimestamp(float(answer["ts"]), UTC)
        self._clocks.heard(SLACK_CLOCK, theirs, began, datetime.now(UTC))
        return str(answer["ts"])

    async def find(self, room: str, key: str, since: float, thread: str = "") -> str:
        """Return the `ts` of our message with that key, or ""."""
        method = "conversations.replies" if thread else "conversations.history"
        asked = {"channel": room, "oldest": f"{since:.6f}", "limit": 200, "inclusive": True}
        cursor = ""
        for _ in range(_PAGES):
            page = await self.call(method, {**asked, "ts": thread, "cursor": cursor})
            for found in page.get("messages", ()):
                if found.get("bot_id") and key_of(found.get("blocks") or []) == key:
                    return str(found["ts"])
            cursor = str(page.get("response_metadata", {}).get("next_cursor") or "")
            if not cursor:
                return ""
        raise NotReachedError("The channel has too many messages to look for ours.")

    async def edit(self, room: str, ts: str, content: Notice | Words) -> None:
        """Make a message say something else."""
        await self.call("chat.update", {"channel": room, "ts": ts, **message(content)})

    async def whisper(self, room: str, account: str, content: Words) -> None:
        """Say something to one person alone."""
        where = {"channel": room, "user": account}
        await self.call("chat.postEphemeral", {**where, **message(content)})

    async def ask(self, trigger: str, question: Question) -> bool:
        """Open a form for whoever pressed a button."""
        try:
            await self.call("views.open", {"trigger_id": trigger, "view": form(question)})
        except _TooLateError:
            return False
        return True

    async def member(self, account: str) -> Member:
        """Return what Slack knows of an account."""
        try:
            found = (await self.call("users.info", {"user": account}))["user"]
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

    async def message(self, room: str, ts: str) -> Message:
        """Return what somebody wrote, in a thread or not, as it stands now."""
        asked = {"channel": room, "ts": ts, "oldest": ts, "latest": ts, "inclusive": True}
        page = await self.call("conversations.replies", {**asked, "limit": 10})
        listed = page.get("messages", ())
        found = next((each for each in listed if each.get("ts") == ts), None)
        if found is None or found.get("subtype") == "tombstone":
            raise GoneError("message_not_found")
        account, handle, ours = await self._author(found)
        thread = str(found.get("thread_ts") or "")
        return Message(
            room=room,
            ts=ts,
            thread="" if thread == ts else thread,
            account=account,
            handle=handle,
            text=await self.plain(source(found)),
            edited=str((found.get("edited") or {}).get("ts") or ""),
            link=await self._link(room, ts),
            ours=ours,
        )

    async def plain(self, text: str) -> str:
        """Return a mrkdwn text as people read it; the first mentions by their handles."""
        accounts = mentioned(text)[:_MOST_HANDLES]
        handles = {account: (await self.member(account)).handle for account in accounts}
        return cut(plain(text, lambda account: handles.get(account, "")))

    async def _author(self, found: Mapping[str, Any]) -> tuple[str, str, bool]:
        """Return account and handle of who wrote a message, and whether that is us."""
        if self._us is None:
            us = await self.call("auth.test", {})
            self._us = (str(us["user_id"]), str(us.get("bot_id") or ""))
        account, program = str(found.get("user") or ""), str(found.get("bot_id") or "")
        ours = account == self._us[0] or (bool(program) and program == self._us[1])
        if account and not program:
            return account, (await self.member(account)).handle, ours
        profile = found.get("bot_profile") or {}
        return account or program, str(found.get("username") or profile.get("name") or ""), ours

    async def _link(self, room: str, ts: str) -> str:
        try:
            given = {"channel": room, "message_ts": ts}
            return str((await self.call("chat.getPermalink", given))["permalink"])
        except NotReachedError as error:
            if not error.barred:
                raise
            return ""

    async def whoami(self) -> tuple[str, str]:
        """Return (team, bot user) that the token belongs to."""
        answer = await self.call("auth.test", {})
        return str(answer["team_id"]), str(answer["user_id"])

    async def call(self, method: str, given: Mapping[str, Any]) -> Mapping[str, Any]:
        """Call a method; nothing in what is raised holds a token."""
        said = {name: value for name, value in given.items() if value not in ("", None)}
        try:
            how = {"json": said} if method in _JSON else {"data": _form(said)}
            answer = await self._client().api_call(method, **how)
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
    told = f"Slack did not take {method}: {word or f'HTTP {status}'}. {MEND.get(word, '')}"
    barred = bool(word) and word not in _EVERYWHERE
    alone = word in _OF_A_ROOM
    return NotReachedError(told.rstrip(), alone=alone, barred=barred, word=word)


def _form(given: Mapping[str, Any]) -> dict[str, str]:
    """Return arguments as a form has them."""
    return {
        name: str(value).lower() if isinstance(value, bool) else str(value)
        for name, value in given.items()
    }


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
