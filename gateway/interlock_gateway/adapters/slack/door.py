"""Signed HTTP: what people do is posted to the gateway, signed by Slack.

Interactions come as a form, events as JSON. Slack asks once for a challenge to be repeated when an
address is entered in the app's settings; that request is signed like any other.

Source: https://docs.slack.dev/authentication/verifying-requests-from-slack,
https://docs.slack.dev/reference/events/url_verification
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qs

from interlock.errors import refusal
from slack_sdk.signature import Clock as SlackClock
from slack_sdk.signature import SignatureVerifier

from interlock_gateway.adapters.slack.payloads import heard
from interlock_gateway.service.chat.protocol import Told
from interlock_gateway.service.ports import Clock

_SIGNATURE = "x-slack-signature"
_TIME = "x-slack-request-timestamp"
_MOST_CHALLENGE = 1_000


class _Now(SlackClock):
    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def now(self) -> float:
        return self._clock.now().timestamp()


class SlackDoor:
    """Reads requests that Slack signed; every other one is refused."""

    def __init__(
        self, signing_secret: Callable[[], str], clock: Clock, reaction: str = "memo"
    ) -> None:
        """Take what gives the secret at the moment of use, a clock, and what adds a note."""
        self._signing_secret = signing_secret
        self._now = _Now(clock)
        self._reaction = reaction

    def read(self, headers: Mapping[str, str], body: bytes) -> Told:
        """Return what a request tells, if it is for us, and the proof that names the request.

        Raises:
            InterlockError: `bad-signature`; it is not from Slack, or too old.
        """
        lower = {name.lower(): value for name, value in headers.items()}
        signature, at = lower.get(_SIGNATURE, ""), lower.get(_TIME, "")
        verifier = SignatureVerifier(self._signing_secret(), self._now)
        try:
            plain = at.isascii() and at.isdigit() and signature.isascii()  # else the SDK raises
            valid = plain and verifier.is_valid(body, at, signature)
        except ValueError:
            valid = False
        if not valid:
            raise refusal("bad-signature", "This request is not signed by Slack, or is too old.")
        payload = _read(body)
        proof = hashlib.sha256(f"{at} {signature}".encode()).hexdigest()
        if payload.get("type") == "url_verification":
            return Told(None, proof, str(payload.get("challenge", ""))[:_MOST_CHALLENGE])
        return Told(heard(payload, self._reaction), proof)


def _read(body: bytes) -> dict[str, Any]:
    """Return what was posted: a form with a payload, or JSON where it tells of an event."""
    try:
        text = body.decode()
        if text.lstrip().startswith("{"):
            payload = json.loads(text)
        else:
            form = parse_qs(text, strict_parsing=True, max_num_fields=10)
            payload = json.loads(form["payload"][0])
    except (ValueError, KeyError, RecursionError):
        return {}
    return payload if isinstance(payload, dict) else {}
