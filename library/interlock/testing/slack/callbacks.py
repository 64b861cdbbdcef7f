"""Signed HTTP: payloads posted to the app's request URL, as Slack signs and retries them.

Source: https://docs.slack.dev/authentication/verifying-requests-from-slack
"""

import asyncio
import hashlib
import hmac
import json
from collections.abc import Mapping
from http.client import HTTPConnection, HTTPException
from typing import Any
from urllib.parse import urlencode, urlsplit

from interlock.testing.slack.delivery import Delivery

__all__ = ["Callbacks", "signature"]

_OK = range(200, 300)


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """Return the `X-Slack-Signature` of a request: v0, HMAC-SHA256 over time and body."""
    base = b"v0:" + timestamp.encode() + b":" + body
    return "v0=" + hmac.new(secret.encode(), base, hashlib.sha256).hexdigest()


class Callbacks:
    """Posts deliveries to the app over HTTP."""

    def __init__(self, secret: str) -> None:
        """Sign with a secret."""
        self._secret = secret

    async def tell(self, url: str, delivery: Delivery, seconds: float, now: float) -> None:
        """Post a delivery once; an answer of 2xx within `seconds` acknowledges it."""
        attempt = len(delivery.tries)
        reason = "http_timeout" if delivery.tries[-1:] == ["http"] else "http_error"
        delivery.tries.append("http")
        headers, body = self._request(delivery, int(now))
        if attempt:
            headers |= {"X-Slack-Retry-Num": str(attempt), "X-Slack-Retry-Reason": reason}
        try:
            answer = await asyncio.to_thread(_post, url, headers, body, seconds)
        except TimeoutError:
            return
        except (OSError, HTTPException):
            delivery.tries[-1] = "http, failed"
            return
        if answer is None:
            delivery.tries[-1] = "http, failed"
        else:
            delivery.ended("acked", answer)

    def _request(self, delivery: Delivery, now: int) -> tuple[dict[str, str], bytes]:
        kind, body = _body(delivery)
        headers = {
            "Content-Type": kind,
            "User-Agent": "Slackbot 1.0 (+https://api.slack.com/robots)",
            "X-Slack-Request-Timestamp": str(now),
            "X-Slack-Signature": signature(self._secret, str(now), body),
        }
        return headers, body


def _body(delivery: Delivery) -> tuple[str, bytes]:
    form = "application/x-www-form-urlencoded"
    match delivery.kind:
        case "events_api":
            return "application/json", json.dumps(delivery.payload).encode()
        case "slash_commands":
            return form, urlencode(delivery.payload).encode()
        case "interactive":
            return form, urlencode({"payload": json.dumps(delivery.payload)}).encode()


def _post(
    url: str, headers: Mapping[str, str], body: bytes, seconds: float
) -> dict[str, Any] | None:
    """Return the JSON of a good answer, {} for one without; None if it is not 2xx."""
    parts = urlsplit(url)
    connection = HTTPConnection(parts.hostname or "", parts.port or 80, timeout=seconds)
    try:
        path = parts.path or "/"
        connection.request("POST", path, body, {**headers})
        answer = connection.getresponse()
        said = answer.read()
        return _read(said) if answer.status in _OK else None
    finally:
        connection.close()


def _read(said: bytes) -> dict[str, Any]:
    try:
        found = json.loads(said or b"{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
