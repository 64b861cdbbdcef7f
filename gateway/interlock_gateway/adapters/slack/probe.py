"""Single calls of Slack's Web API, for whoever examines a connection: answers with headers."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

import aiohttp
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient

from interlock_gateway.adapters.slack.api import MEND, QUIET, TIMEOUT_S

_LONGEST_WORD = 60


class ProbeError(Exception):
    """Slack refuses a call, or does not answer; `word` is Slack's own, or ""."""

    def __init__(self, message: str, word: str = "") -> None:
        super().__init__(message)
        self.word = word

    @property
    def then(self) -> str:
        """What an operator does about it."""
        return MEND.get(self.word, "Look at slack.base_url and at the network between.")


@dataclass(frozen=True, slots=True)
class Answered:
    """What Slack answered.

    Attributes:
        data: the JSON.
        scopes: what the token may do; None where Slack did not say.
        at: what time it is at Slack; None likewise.
    """

    data: Mapping[str, Any]
    scopes: frozenset[str] | None
    at: datetime | None


async def probed(base_url: str, token: str, method: str, **given: str) -> Answered:
    """Call a method that changes nothing.

    Raises:
        ProbeError: why there is no answer; the token is not in it.
    """
    client = AsyncWebClient(
        token, base_url=base_url, timeout=TIMEOUT_S, retry_handlers=[], logger=QUIET
    )
    try:
        answer = await client.api_call(method, json=given)
    except SlackApiError as error:
        raise ProbeError(*_refused(method, error)) from None
    except (TimeoutError, aiohttp.ClientError, SlackClientError, OSError) as error:
        raise ProbeError(f"Slack does not answer {method} ({type(error).__name__}).") from None
    headers = {str(name).lower(): str(value) for name, value in dict(answer.headers).items()}
    data = answer.data if isinstance(answer.data, dict) else {}
    return Answered(data, _scopes(headers.get("x-oauth-scopes")), _moment(headers.get("date")))


def _refused(method: str, error: SlackApiError) -> tuple[str, str]:
    data = getattr(error.response, "data", None)
    word = str(data.get("error", ""))[:_LONGEST_WORD] if isinstance(data, dict) else ""
    needed = f" (needs {data['needed']})" if isinstance(data, dict) and data.get("needed") else ""
    return f"Slack refuses {method}: {word or 'without a word'}{needed}.", word


def _scopes(header: str | None) -> frozenset[str] | None:
    if header is None:
        return None
    return frozenset(scope.strip() for scope in header.split(",") if scope.strip())


def _moment(header: str | None) -> datetime | None:
    try:
        found = parsedate_to_datetime(header) if header else None
    except ValueError:
        return None
    return found if found is not None and found.tzinfo is not None else None
